//! Stages: the steps of a pipeline, in order, each with the chance that a deal there is won.

use kith_base::RecordId;
use kith_engine::{
    DomainHook, Draft, HookContext, Seed,
    define::{field, object as start},
    system::seeds::fixed,
};
use kith_model::{ObjectDef, Value, Violation};
use serde_json::json;

use crate::pipelines;

const fn stage(number: u8) -> RecordId {
    fixed(105, number)
}

/// Number, name, chance and outcome of the stages every vault starts with.
const SALES_STAGES: [(u8, &str, &str, &str); 6] = [
    (1, "Qualification", "10", "open"),
    (2, "Meeting", "25", "open"),
    (3, "Proposal", "50", "open"),
    (4, "Negotiation", "75", "open"),
    (5, "Won", "100", "won"),
    (6, "Lost", "0", "lost"),
];

pub fn object() -> ObjectDef {
    start(105, "stages", "Stage", "Stages")
        .icon("columns")
        .field(1, field::text("name", "Name").required().in_list())
        .field(2, field::link("pipeline", "Pipeline", "pipelines").required().inverse("stages", "Stages").in_list())
        .field(3, field::integer("position", "Position").in_list())
        .field(4, field::percent("probability", "Probability").config("min", 0).config("max", 100).in_list())
        .field(
            5,
            field::select("outcome", "Outcome").required().default("open").in_list().options([
                ("open", "Open", "blue"),
                ("won", "Won", "green"),
                ("lost", "Lost", "red"),
            ]),
        )
        .build()
}

pub fn seeds() -> Vec<Seed> {
    let seed = |(number, name, probability, outcome): &(u8, &str, &str, &str)| Seed {
        id: stage(*number),
        object: "stages".into(),
        values: json!({"name": name, "pipeline": pipelines::SALES.to_string(), "position": number, "probability": probability, "outcome": outcome}),
    };
    SALES_STAGES.iter().map(seed).collect()
}

/// A stage without a position goes behind the others of its pipeline; won and lost stages have the chance their outcome says.
pub struct StageOrder;

impl DomainHook for StageOrder {
    fn object(&self) -> &str {
        "stages"
    }

    fn before_save(&self, context: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        if draft.get("position").is_null()
            && let Some(pipeline) = draft.link("pipeline")
        {
            let last = context.records.find_by("stages", "pipeline", &pipeline.to_string());
            let position = draft.object.field("position").map_or(0, |f| f.id);
            let behind =
                last.iter().filter_map(|id| context.records.get(*id)).filter_map(|r| match r.values.get(position) {
                    Value::Int(at) => Some(*at),
                    _ => None,
                });
            let next = behind.max().unwrap_or(0) + 1;
            draft.set("position", Value::Int(next));
        }
        let certain = match draft.text("outcome") {
            Some("won") => Some(100),
            Some("lost") => Some(0),
            _ => None,
        };
        if let Some(percent) = certain {
            draft.set("probability", Value::Decimal(percent.into()));
        }
        Ok(())
    }
}
