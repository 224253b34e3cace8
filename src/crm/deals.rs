//! Deals: business that may be won, on its way through the stages of a pipeline.

use kith_base::RecordId;
use kith_engine::{
    Action, ActionContext, ActionResult, Command, DomainHook, Draft, EngineError, Fields, HookContext, Op, Record,
    define::{field, object as start},
};
use kith_model::{ObjectDef, Schema, Value, Violation};
use serde_json::{Value as Json, json};

pub const KEY: &str = "deals";

const LOST_REASONS: [(&str, &str, &str); 6] = [
    ("price", "Price", "orange"),
    ("competitor", "Chose a competitor", "red"),
    ("timing", "Bad timing", "yellow"),
    ("no_need", "No need", "gray"),
    ("no_answer", "No answer", "gray"),
    ("other", "Other", "gray"),
];

pub fn object() -> ObjectDef {
    start(103, KEY, "Deal", "Deals")
        .icon("handshake")
        .subtitle("company")
        .timeline()
        .field(1, field::text("name", "Name").required().in_list())
        .field(2, field::money("amount", "Amount").in_list())
        .field(3, field::link("pipeline", "Pipeline", "pipelines").inverse("deals", "Deals"))
        .field(4, field::link("stage", "Stage", "stages").inverse("deals", "Deals").in_list())
        .field(5, field::link("company", "Company", "companies").inverse("deals", "Deals").in_list())
        .field(6, field::links("people", "People", "people").inverse("deals", "Deals"))
        .field(7, field::user("owner", "Owner").in_list())
        .field(8, field::date("close_date", "Close date").in_list())
        .field(
            9,
            field::select("status", "Status")
                .read_only()
                .default("open")
                .in_list()
                .help("Follows from the stage")
                .options([("open", "Open", "blue"), ("won", "Won", "green"), ("lost", "Lost", "red")]),
        )
        .field(10, field::percent("probability", "Probability").config("min", 0).config("max", 100))
        .field(
            11,
            field::computed("expected", "Expected value", "amount * probability / 100.0")
                .result("decimal")
                .help("Amount times probability"),
        )
        .field(12, field::select("lost_reason", "Lost because").options(LOST_REASONS))
        .field(13, field::text("lost_comment", "Comment on the loss"))
        .field(14, field::datetime("closed_at", "Closed").read_only())
        .field(
            15,
            field::select("type", "Type")
                .options([("new", "New business", "blue"), ("existing", "Existing business", "teal")]),
        )
        .field(16, field::text("source", "Source"))
        .field(17, field::tags("tags", "Tags"))
        .field(18, field::long_text("description", "Description"))
        .field(19, field::text("external_id", "External id").help("Id in the system it was imported from").hidden())
        .build()
}

/// Keeps pipeline, stage, status, probability and closing time in step.
pub struct StageRules;

impl DomainHook for StageRules {
    fn object(&self) -> &str {
        KEY
    }

    fn before_save(&self, context: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        let moved = draft.changed("stage");
        let Some(stage) = self.stage(context, draft) else { return Ok(()) };
        draft.set("stage", Value::Link(stage.id));
        let in_pipeline = draft.link("pipeline");
        if in_pipeline != stage.pipeline {
            if in_pipeline.is_some() && draft.changed("pipeline") && moved {
                let message = "the stage belongs to another pipeline; choose one of the deal's pipeline";
                return Err(vec![Violation::new("stage", "other_pipeline", message)]);
            }
            draft.set("pipeline", stage.pipeline.map_or(Value::Null, Value::Link));
        }
        let status_before = draft.text("status").map(str::to_string);
        draft.set("status", Value::Text(stage.outcome.clone()));
        let stage_changed = draft.changed("stage");
        if stage_changed && (draft.get("probability").is_null() || !draft.changed("probability")) {
            draft.set("probability", stage.probability);
        }
        if stage.outcome == "open" {
            draft.set("closed_at", Value::Null);
            if status_before.as_deref() == Some("lost") {
                draft.set("lost_reason", Value::Null);
                draft.set("lost_comment", Value::Null);
            }
        } else if draft.get("closed_at").is_null() || (draft.changed("status") && !draft.changed("closed_at")) {
            draft.set("closed_at", Value::DateTime(closing_ms(context, draft)));
        }
        Ok(())
    }
}

/// When a deal counts as closed: now, or for one that comes in closed (from an import, say) the day it names.
fn closing_ms(context: &HookContext<'_>, draft: &Draft<'_>) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    match draft.get("close_date") {
        Value::Date(day) if draft.is_new() => (i64::from(*day) * DAY_MS).min(context.now_ms),
        _ => context.now_ms,
    }
}

impl StageRules {
    /// The stage the deal is in: its own, or where its pipeline (or the first one) begins.
    fn stage(&self, context: &HookContext<'_>, draft: &Draft<'_>) -> Option<Stage> {
        let wanted = draft.link("pipeline");
        let own = draft.link("stage").and_then(|id| Stage::read(context, id));
        match own {
            // The pipeline was changed and the stage was not: the deal starts again there.
            Some(stage) if draft.changed("pipeline") && !draft.changed("stage") && wanted.is_some() => {
                if stage.pipeline == wanted { Some(stage) } else { Stage::first(context, wanted) }
            }
            Some(stage) => Some(stage),
            None => Stage::first(context, wanted),
        }
    }
}

struct Stage {
    id: RecordId,
    pipeline: Option<RecordId>,
    position: i64,
    probability: Value,
    outcome: String,
}

impl Stage {
    fn read(context: &HookContext<'_>, id: RecordId) -> Option<Stage> {
        let record = context.records.get(id)?;
        let object = context.schema.object_by_id(record.object).filter(|o| o.key == "stages")?;
        let value = |key: &str| object.field(key).map_or(&Value::Null, |f| record.values.get(f.id));
        Some(Stage {
            id,
            pipeline: match value("pipeline") {
                Value::Link(id) => Some(*id),
                _ => None,
            },
            position: match value("position") {
                Value::Int(at) => *at,
                _ => i64::MAX,
            },
            probability: value("probability").clone(),
            outcome: match value("outcome") {
                Value::Text(outcome) => outcome.clone(),
                _ => "open".into(),
            },
        })
    }

    /// The first open stage of a pipeline, or of the pipeline that comes first.
    fn first(context: &HookContext<'_>, pipeline: Option<RecordId>) -> Option<Stage> {
        let stages = context.records.find_by("stages", "outcome", "open");
        let open = stages.into_iter().filter_map(|id| Stage::read(context, id));
        let order = |id: Option<RecordId>| -> i64 {
            let record = id.and_then(|id| context.records.get(id));
            let position = context.schema.object("pipelines").and_then(|o| o.field("position")).map_or(0, |f| f.id);
            match record.map(|r| r.values.get(position).clone()) {
                Some(Value::Int(at)) => at,
                _ => i64::MAX,
            }
        };
        open.filter(|stage| pipeline.is_none() || stage.pipeline == pipeline)
            .min_by_key(|stage| (order(stage.pipeline), stage.position, stage.id))
    }
}

/// The stage of a deal's pipeline that has this outcome; the first when there are several.
fn stage_with_outcome(context: &ActionContext<'_>, deal: &Record, outcome: &str) -> Result<RecordId, EngineError> {
    let schema = context.engine.schema();
    let pipeline =
        schema.object(KEY).and_then(|o| o.field("pipeline")).map_or(Value::Null, |f| deal.values.get(f.id).clone());
    let Value::Link(pipeline) = pipeline else {
        return Err(EngineError::invalid("pipeline", "required", "the deal has no pipeline; choose one first"));
    };
    let query = kith_engine::Query::of("stages")
        .filter(format!("pipeline == \"{pipeline}\" && outcome == \"{outcome}\""))
        .sort_by("position", false)
        .limit(1);
    let page = context.engine.query(&kith_engine::Actor::system(), &query)?;
    page.records.first().map(|stage| stage.id).ok_or_else(|| {
        let message = format!("the deal's pipeline has no stage with outcome '{outcome}'; add one under Stages");
        EngineError::invalid("stage", "no_stage", message)
    })
}

/// Moves deals to the stage with `outcome`, with further values.
fn close(
    context: &ActionContext<'_>,
    ids: &[RecordId],
    outcome: &str,
    values: &[(String, Value)],
) -> Result<ActionResult, EngineError> {
    let mut commands = Vec::with_capacity(ids.len());
    for id in ids {
        let deal = context.engine.get(context.actor, KEY, *id)?;
        let stage = stage_with_outcome(context, &deal, outcome)?;
        let mut values = values.to_vec();
        values.push(("stage".into(), Value::Link(stage)));
        commands.push(Command::Update { object: KEY.into(), id: *id, version: None, values: Fields::Parsed(values) });
    }
    context.commit(commands).map(ActionResult::of)
}

/// Closes deals as won.
pub struct MarkWon;

impl Action for MarkWon {
    fn name(&self) -> &str {
        "mark_won"
    }

    fn object(&self) -> &str {
        KEY
    }

    fn label(&self) -> &str {
        "Mark as won"
    }

    fn icon(&self) -> &str {
        "trophy"
    }

    fn input(&self, _schema: &Schema) -> Json {
        json!({"type": "object", "properties": {}})
    }

    fn permission(&self) -> Op {
        Op::Update
    }

    fn when(&self) -> Option<&str> {
        Some("status != \"won\"")
    }

    fn primary(&self) -> bool {
        true
    }

    fn run(&self, context: &ActionContext<'_>, ids: &[RecordId], _input: Json) -> Result<ActionResult, EngineError> {
        close(context, ids, "won", &[])
    }
}

/// Closes deals as lost, with the reason.
pub struct MarkLost;

impl Action for MarkLost {
    fn name(&self) -> &str {
        "mark_lost"
    }

    fn object(&self) -> &str {
        KEY
    }

    fn label(&self) -> &str {
        "Mark as lost"
    }

    fn icon(&self) -> &str {
        "x-circle"
    }

    fn input(&self, schema: &Schema) -> Json {
        let field = schema.object(KEY).and_then(|o| o.field("lost_reason"));
        let offered = field.map(|f| f.options.iter().filter(|o| !o.archived).collect::<Vec<_>>()).unwrap_or_default();
        let keys: Vec<&str> = offered.iter().map(|o| o.key.as_str()).collect();
        let labels: Vec<&str> = offered.iter().map(|o| o.label.as_str()).collect();
        json!({"type": "object", "required": ["reason"], "properties": {
            "reason": {"type": "string", "title": "Lost because", "enum": keys, "x-labels": labels},
            "comment": {"type": "string", "title": "Comment", "maxLength": 1000},
        }})
    }

    fn permission(&self) -> Op {
        Op::Update
    }

    fn when(&self) -> Option<&str> {
        Some("status != \"lost\"")
    }

    fn run(&self, context: &ActionContext<'_>, ids: &[RecordId], input: Json) -> Result<ActionResult, EngineError> {
        let text =
            |key: &str| input[key].as_str().filter(|t| !t.is_empty()).map_or(Value::Null, |t| Value::Text(t.into()));
        let values = [("lost_reason".to_string(), text("reason")), ("lost_comment".to_string(), text("comment"))];
        close(context, ids, "lost", &values)
    }
}

/// Takes closed deals up again.
pub struct Reopen;

impl Action for Reopen {
    fn name(&self) -> &str {
        "reopen"
    }

    fn object(&self) -> &str {
        KEY
    }

    fn label(&self) -> &str {
        "Reopen"
    }

    fn icon(&self) -> &str {
        "rotate-ccw"
    }

    fn input(&self, _schema: &Schema) -> Json {
        json!({"type": "object", "properties": {}})
    }

    fn permission(&self) -> Op {
        Op::Update
    }

    fn when(&self) -> Option<&str> {
        Some("status == \"won\" || status == \"lost\"")
    }

    fn run(&self, context: &ActionContext<'_>, ids: &[RecordId], _input: Json) -> Result<ActionResult, EngineError> {
        close(context, ids, "open", &[])
    }
}
