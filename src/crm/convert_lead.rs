//! Converting a lead: one transaction that makes (or finds) person and company, opens a deal if wanted, and closes the lead.

use kith_base::RecordId;
use kith_engine::{Action, ActionContext, ActionResult, Command, EngineError, Fields, Op, Record};
use kith_model::{Labelled, ObjectDef, Schema, Value};
use serde_json::{Value as Json, json};

use crate::leads;

pub struct ConvertLead;

impl Action for ConvertLead {
    fn name(&self) -> &str {
        "convert"
    }

    fn object(&self) -> &str {
        leads::KEY
    }

    fn label(&self) -> &str {
        "Convert"
    }

    fn icon(&self) -> &str {
        "arrow-right-circle"
    }

    fn input(&self, _schema: &Schema) -> Json {
        json!({"type": "object", "properties": {
            "create_deal": {"type": "boolean", "title": "Open a deal", "default": true},
            "deal_name": {"type": "string", "title": "Name of the deal", "maxLength": 200},
            "pipeline": {"type": "string", "title": "Pipeline", "x-link": "pipelines"},
            "company": {"type": "string", "title": "Existing company", "x-link": "companies"},
            "person": {"type": "string", "title": "Existing person", "x-link": "people"},
        }})
    }

    fn permission(&self) -> Op {
        Op::Update
    }

    fn when(&self) -> Option<&str> {
        Some("status != \"converted\"")
    }

    fn primary(&self) -> bool {
        true
    }

    fn many(&self) -> bool {
        false
    }

    fn run(&self, context: &ActionContext<'_>, ids: &[RecordId], input: Json) -> Result<ActionResult, EngineError> {
        let [id] = ids else {
            return Err(EngineError::Request("leads are converted one at a time; send one id".into()));
        };
        let lead = context.engine.get(context.actor, leads::KEY, *id)?;
        context.commit(conversion(context, &lead, &input)?).map(ActionResult::of)
    }
}

/// The commands of one conversion. What it makes comes first, and of that the deal, then the person: what to look at next.
fn conversion(context: &ActionContext<'_>, lead: &Record, input: &Json) -> Result<Vec<Command>, EngineError> {
    let schema = context.engine.schema();
    let unknown = || EngineError::ObjectNotFound(leads::KEY.into());
    let lead = LeadValues { object: schema.object(leads::KEY).ok_or_else(unknown)?, record: lead };
    let mut commands = Vec::new();
    let company = company(context, &lead, input, &mut commands)?;
    let person = person(context, &lead, input, company, &mut commands)?;
    let wants_deal = input["create_deal"].as_bool().unwrap_or(true);
    let deal = if wants_deal { Some(deal(context, &lead, input, person, company, &mut commands)?) } else { None };
    commands.reverse();
    let mut closing = vec![
        ("status".to_string(), Value::Text("converted".into())),
        ("converted_at".to_string(), Value::DateTime(context.now_ms)),
        ("person".to_string(), Value::Link(person)),
    ];
    closing.extend(company.map(|id| ("company".to_string(), Value::Link(id))));
    closing.extend(deal.map(|id| ("deal".to_string(), Value::Link(id))));
    commands.push(Command::Update {
        object: leads::KEY.into(),
        id: lead.record.id,
        // The lead as it was read: a second conversion at the same moment must not make everything twice.
        version: Some(lead.record.version),
        values: Fields::Parsed(closing),
    });
    Ok(commands)
}

struct LeadValues<'a> {
    object: &'a ObjectDef,
    record: &'a Record,
}

impl LeadValues<'_> {
    fn get(&self, field: &str) -> Value {
        self.object.field(field).map_or(Value::Null, |f| self.record.values.get(f.id).clone())
    }

    fn text(&self, field: &str) -> Option<String> {
        match self.get(field) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The lead's fields under the names they have in another object, those that are filled.
    fn carried(&self, fields: &[(&str, &str)]) -> Vec<(String, Value)> {
        let pairs = fields.iter().map(|(from, to)| (to.to_string(), self.get(from)));
        pairs.filter(|(_, value)| !value.is_null()).collect()
    }
}

/// A record named in the input; an error where it is none that the actor may see.
fn named(context: &ActionContext<'_>, object: &str, input: &Json) -> Result<Option<RecordId>, EngineError> {
    let Some(text) = input.as_str().filter(|text| !text.is_empty()) else { return Ok(None) };
    let id: RecordId = text.parse().map_err(|e: kith_base::id::BadRecordId| EngineError::Request(e.to_string()))?;
    context.engine.get(context.actor, object, id)?;
    Ok(Some(id))
}

/// The one record that has this value; none when there is none, or no telling which.
fn only_match(
    context: &ActionContext<'_>,
    object: &str,
    field: &str,
    key: Option<String>,
) -> Result<Option<RecordId>, EngineError> {
    let Some(key) = key else { return Ok(None) };
    let found = context.engine.find_by(context.actor, object, field, &key.to_lowercase())?;
    Ok(if found.len() == 1 { found.first().copied() } else { None })
}

fn create(
    context: &ActionContext<'_>,
    object: &str,
    values: Vec<(String, Value)>,
    commands: &mut Vec<Command>,
) -> RecordId {
    let id = RecordId::generate(context.now_ms);
    commands.push(Command::Create { object: object.into(), id: Some(id), values: Fields::Parsed(values) });
    id
}

fn company(
    context: &ActionContext<'_>,
    lead: &LeadValues<'_>,
    input: &Json,
    commands: &mut Vec<Command>,
) -> Result<Option<RecordId>, EngineError> {
    if let Some(id) = named(context, "companies", &input["company"])? {
        return Ok(Some(id));
    }
    let Some(name) = lead.text("company_name") else { return Ok(None) };
    if let Some(id) = only_match(context, "companies", "name", Some(name))? {
        return Ok(Some(id));
    }
    let values = lead.carried(&[("company_name", "name"), ("owner", "owner"), ("address", "address")]);
    Ok(Some(create(context, "companies", values, commands)))
}

fn person(
    context: &ActionContext<'_>,
    lead: &LeadValues<'_>,
    input: &Json,
    company: Option<RecordId>,
    commands: &mut Vec<Command>,
) -> Result<RecordId, EngineError> {
    if let Some(id) = named(context, "people", &input["person"])? {
        return Ok(id);
    }
    if let Some(id) = only_match(context, "people", "emails", lead.text("email"))? {
        return Ok(id);
    }
    let mut values = lead.carried(&[
        ("first_name", "first_name"),
        ("last_name", "last_name"),
        ("job_title", "job_title"),
        ("owner", "owner"),
        ("address", "address"),
        ("tags", "tags"),
    ]);
    let labelled = |text: String| Value::Labelled(vec![Labelled { value: text, label: "work".into() }]);
    values.extend(lead.text("email").map(|email| ("emails".to_string(), labelled(email))));
    values.extend(lead.text("phone").map(|phone| ("phones".to_string(), labelled(phone))));
    values.extend(company.map(|id| ("company".to_string(), Value::Link(id))));
    if lead.text("first_name").is_none() && lead.text("last_name").is_none() && lead.text("email").is_none() {
        // Only the company is known; somebody there is called by it until the name is.
        values.extend(lead.text("company_name").map(|name| ("last_name".to_string(), Value::Text(name))));
    }
    Ok(create(context, "people", values, commands))
}

fn deal(
    context: &ActionContext<'_>,
    lead: &LeadValues<'_>,
    input: &Json,
    person: RecordId,
    company: Option<RecordId>,
    commands: &mut Vec<Command>,
) -> Result<RecordId, EngineError> {
    let given = input["deal_name"].as_str().map(str::trim).filter(|name| !name.is_empty()).map(str::to_string);
    let words = [lead.text("first_name"), lead.text("last_name")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let name = given
        .or_else(|| lead.text("company_name"))
        .or(Some(words).filter(|w| !w.is_empty()))
        .or_else(|| lead.text("email"));
    let mut values = lead.carried(&[("estimated_value", "amount"), ("owner", "owner")]);
    values.push(("name".into(), name.map_or(Value::Null, Value::Text)));
    values.push(("people".into(), Value::Links(vec![person])));
    values.extend(company.map(|id| ("company".to_string(), Value::Link(id))));
    values.extend(named(context, "pipelines", &input["pipeline"])?.map(|id| ("pipeline".to_string(), Value::Link(id))));
    Ok(create(context, "deals", values, commands))
}
