//! A file's mapping made ready: which column is read how. Turns a row into a draft of values and wishes for links; asks the engine
//! nothing, so rows can be read beside the commits.

use std::{collections::HashMap, sync::Arc};

use kith_base::RecordId;
use kith_model::{FieldDef, ObjectDef, ReadContext, Schema, Value, local::countries};
use serde_json::Value as Json;

use super::{draft::Parts, report::Problem};
use crate::{
    map::{
        Column,
        target::{Role, link_target},
    },
    read::Row,
};

/// One column, resolved.
#[derive(Clone, Debug)]
pub struct Step {
    pub at: usize,
    pub header: String,
    /// Place of the field in the object's list; none for the record's own id.
    pub field: Option<usize>,
    pub role: Role,
    pub label: String,
    pub group: String,
}

/// What a link should point at: what the row says about it, by field of the target (`""`: whatever names it).
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Place of the link field in the object's list.
    pub field: usize,
    pub header: String,
    pub given: Vec<(String, String)>,
}

/// A row, read.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub row: Row,
    pub id: Option<RecordId>,
    /// By place of the field in the object's list.
    pub values: Vec<(usize, Value)>,
    pub wishes: Vec<Wish>,
    pub problems: Vec<Problem>,
    /// The row cannot become a record.
    pub refused: bool,
}

/// The mapping of one file to one object.
#[derive(Clone, Debug)]
pub struct Plan {
    pub object: Arc<ObjectDef>,
    pub steps: Vec<Step>,
    pub context: ReadContext,
    /// Cells may carry the apostrophe that our CSV export puts before what a spreadsheet would run.
    pub unguard: bool,
    /// Columns that hold each row's country and currency.
    country: Option<usize>,
    currencies: HashMap<usize, usize>,
}

impl Plan {
    pub fn new(object: Arc<ObjectDef>, columns: &[Column], context: ReadContext) -> Plan {
        let mut steps = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            let Some(target) = &column.target else { continue };
            let field = object.fields.iter().position(|f| f.key == target.field);
            if field.is_none() && target.role != Role::Id {
                continue;
            }
            steps.push(Step {
                at,
                header: column.header.clone(),
                field,
                role: target.role.clone(),
                label: column.label.clone(),
                group: column.group.clone(),
            });
        }
        // Parts of work and home come in any order; the work address is the one that counts.
        steps.sort_by_key(|step| (step.group == "home" || step.group == "other", step.at));
        let country = steps.iter().find(|s| s.role == Role::Part("country")).map(|s| s.at);
        let currency = |s: &Step| Some((s.field?, s.at)).filter(|_| s.role == Role::Part("currency"));
        let currencies = steps.iter().filter_map(currency).collect();
        Plan { object, steps, context, unguard: false, country, currencies }
    }

    pub fn field(&self, place: usize) -> &FieldDef {
        &self.object.fields[place]
    }

    /// The header of the column that feeds a field; the field's label where none does.
    pub fn header_of(&self, key: &str) -> String {
        let step = self.steps.iter().find(|s| s.field.is_some_and(|f| self.object.fields[f].key == key));
        step.map_or_else(|| key.to_string(), |s| s.header.clone())
    }

    /// Reads a row. Never fails: what cannot be read becomes a problem of the draft.
    pub fn read(&self, row: Row, schema: &Schema) -> Draft {
        let mut draft =
            Draft { problems: row.remarks.iter().map(|r| Problem::new("", r)).collect(), ..Draft::default() };
        let context = self.context_of(&row);
        let context = context.as_ref().unwrap_or(&self.context);
        let mut parts = Parts::default();
        for step in &self.steps {
            let cell = row.cells.get(step.at).map(|c| c.trim()).unwrap_or_default();
            let cell = if self.unguard && is_guarded(cell) { &cell[1..] } else { cell };
            if cell.is_empty() {
                continue;
            }
            let json = row.json.get(step.at).filter(|json| !json.is_string());
            self.cell(step, cell, json, context, schema, &mut parts, &mut draft);
        }
        parts.finish(self, context, &mut draft);
        draft.row = row;
        draft
    }

    /// The way of reading where a row says its own country.
    fn context_of(&self, row: &Row) -> Option<ReadContext> {
        let cell = row.cells.get(self.country?)?;
        let country = countries::find(cell).filter(|country| *country != self.context.country)?;
        Some(ReadContext { country: country.to_string(), ..self.context.clone() })
    }

    #[allow(clippy::too_many_arguments)] // The parts of one row that one cell may touch.
    fn cell(
        &self,
        step: &Step,
        cell: &str,
        json: Option<&Json>,
        context: &ReadContext,
        schema: &Schema,
        parts: &mut Parts,
        draft: &mut Draft,
    ) {
        let Some(place) = step.field else {
            match cell.parse() {
                Ok(id) => draft.id = Some(id),
                Err(_) => {
                    draft.problems.push(Problem::new(&step.header, format!("'{}' is not a record id", clip(cell))))
                }
            }
            return;
        };
        let field = self.field(place);
        match &step.role {
            Role::Id => {}
            Role::Part("currency") | Role::Label => parts.side(place, &step.group, cell),
            Role::Part(part) => parts.part(place, &step.group, part, cell, &step.header),
            Role::FullName => parts.full_name = Some((step.header.clone(), cell.to_string())),
            Role::Middle => parts.middle = Some(cell.to_string()),
            Role::By(key) => parts.wish(place, &step.header, key, cell),
            Role::Whole if link_target(field).is_some_and(|target| schema.object(target).is_some()) => {
                match json.map(texts_of) {
                    Some(list) => list.iter().for_each(|text| parts.wish(place, &step.header, "", text)),
                    None => parts.wish(place, &step.header, "", cell),
                }
            }
            Role::Whole if matches!(field.kind.as_str(), "link" | "links" | "user") => {
                draft.problems.push(Problem::new(&step.header, "links to any object are not read from files"));
            }
            Role::Whole => self.whole(step, place, cell, json, context, parts, draft),
        }
    }

    #[allow(clippy::too_many_arguments)] // As `cell`.
    fn whole(
        &self,
        step: &Step,
        place: usize,
        cell: &str,
        json: Option<&Json>,
        context: &ReadContext,
        parts: &mut Parts,
        draft: &mut Draft,
    ) {
        let field = self.field(place);
        if matches!(field.kind.as_str(), "email" | "phone") && field.many && json.is_none() {
            parts.labelled(place, step, cell);
            return;
        }
        if matches!(field.kind.as_str(), "select" | "multi_select") && json.is_none() {
            parts.choose(place, step, cell);
            return;
        }
        if field.kind == "money" && json.is_none() {
            parts.amounts.push((place, step.clone(), cell.to_string()));
            return;
        }
        let read = match json {
            Some(json) => field.kind().read(field, context, json),
            None => field.kind().read_text(field, context, &tidy(field, cell)),
        };
        match read {
            Ok(value) => parts.add(place, value, &step.header, draft),
            Err(violation) => draft.problems.push(Problem::new(&step.header, violation.message)),
        }
    }

    /// The currency a row says for a money field.
    pub fn has_currency(&self, place: usize) -> bool {
        self.currencies.contains_key(&place)
    }
}

/// What other programs write around a value.
fn tidy<'a>(field: &FieldDef, cell: &'a str) -> std::borrow::Cow<'a, str> {
    match field.kind.as_str() {
        // Google: `* myContacts ::: Friends`.
        "tags" if cell.contains(":::") => {
            let tags =
                cell.split(":::").map(|tag| tag.trim().trim_start_matches('*').trim()).filter(|t| *t != "myContacts");
            tags.collect::<Vec<_>>().join("; ").into()
        }
        "text" if field.key == "domain" => domain_of(cell).into(),
        // Spreadsheets turn 12 into 12.0.
        "integer" => cell.strip_suffix(".0").or_else(|| cell.strip_suffix(",0")).unwrap_or(cell).into(),
        "text" if cell.contains('\n') => cell.split_whitespace().collect::<Vec<_>>().join(" ").into(),
        _ => cell.into(),
    }
}

/// Whether a cell starts as our CSV export writes text that a spreadsheet would run.
pub fn is_guarded(cell: &str) -> bool {
    let mut chars = cell.chars();
    chars.next() == Some('\'') && chars.next().is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\''))
}

fn domain_of(cell: &str) -> String {
    let bare = cell.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
    bare.split(['/', '?']).next().unwrap_or(bare).to_lowercase()
}

/// The texts in JSON that names links: ids, or objects of our own with an id.
fn texts_of(json: &Json) -> Vec<String> {
    match json {
        Json::Array(list) => list.iter().flat_map(texts_of).collect(),
        Json::Object(map) => map.get("id").map(texts_of).unwrap_or_default(),
        Json::String(text) => vec![text.clone()],
        Json::Number(number) => vec![number.to_string()],
        Json::Null | Json::Bool(_) => Vec::new(),
    }
}

pub(super) fn clip(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
