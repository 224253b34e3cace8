//! Pipelines: the ways a deal can go, each with stages of its own.

use kith_base::RecordId;
use kith_engine::{
    Seed,
    define::{field, object as start},
    system::seeds::fixed,
};
use kith_model::ObjectDef;
use serde_json::json;

/// The pipeline every vault starts with.
pub const SALES: RecordId = fixed(104, 1);

pub fn object() -> ObjectDef {
    start(104, "pipelines", "Pipeline", "Pipelines")
        .icon("git-branch")
        .field(1, field::text("name", "Name").required().unique().in_list())
        .field(2, field::integer("position", "Position").default(1).in_list())
        .field(3, field::boolean("archived", "Archived").default(false).help("No longer offered for new deals"))
        .build()
}

pub fn seeds() -> Vec<Seed> {
    vec![Seed { id: SALES, object: "pipelines".into(), values: json!({"name": "Sales", "position": 1}) }]
}
