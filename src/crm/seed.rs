//! What several objects of the domain share: the views a new vault offers, and a common rule.

use kith_engine::{DomainHook, Draft, HookContext, Seed, system::seeds::fixed};
use kith_model::Violation;
use serde_json::json;

/// Shared views: what people look at first.
pub fn views() -> Vec<Seed> {
    let view = |number: u8, values: serde_json::Value| Seed { id: fixed(4, number), object: "views".into(), values };
    vec![
        view(1, json!({"name": "Pipeline", "object": "deals", "layout": "board", "group_by": "stage", "shared": true})),
        view(
            2,
            json!({"name": "Closing this month", "object": "deals", "layout": "table", "shared": true, "sort": "close_date",
            "filter": "status == \"open\" && close_date >= today() && close_date < today() + duration(\"720h\")"}),
        ),
        view(
            3,
            json!({"name": "My open tasks", "object": "tasks", "layout": "table", "shared": true, "sort": "due",
            "filter": "assignee == me && done == false"}),
        ),
        view(
            4,
            json!({"name": "New leads", "object": "leads", "layout": "table", "shared": true, "sort": "-created_at",
            "filter": "status == \"new\""}),
        ),
    ]
}

/// At least one of some fields must be filled, or nobody could tell the record from others.
pub struct NeedsName {
    pub object: &'static str,
    pub fields: &'static [&'static str],
}

impl DomainHook for NeedsName {
    fn object(&self) -> &str {
        self.object
    }

    fn before_save(&self, _context: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        if self.fields.iter().any(|field| !draft.get(field).is_null()) {
            return Ok(());
        }
        let message = format!("fill in at least one of {}", self.fields.join(", "));
        Err(vec![Violation::new(self.fields[0], "required", message)])
    }
}
