//! Links that only make sense within another link of the same row: a stage belongs to the row's pipeline. Found from the schema: the
//! target has a required link of the same key as a link of the object.

use kith_base::RecordId;
use kith_engine::Query;
use kith_model::{FieldDef, ObjectDef, Schema};

use super::{link::Linker, plan::Plan, session::Session};
use crate::{
    map::{
        target::{Role, link_target},
        words::fold,
    },
    read::Table,
};

/// Different stages of one file, at most. More is a column of something else.
const DISTINCT_MAX: usize = 200;

/// The order in which stages of a new pipeline stand, by words of their names; what no word places keeps the file's order between.
const ORDER: &[(&str, u32)] = &[
    ("appointment", 1),
    ("contact", 1),
    ("qualif", 2),
    ("meeting", 3),
    ("demo", 3),
    ("presentation", 3),
    ("needs", 3),
    ("proposal", 5),
    ("quote", 5),
    ("decision", 6),
    ("negotiat", 7),
    ("contract", 8),
    ("closed", 9),
    ("won", 10),
    ("lost", 11),
];

/// Key of the field that a link of this object is scoped by.
pub fn scoped_by<'a>(object: &'a ObjectDef, field: &FieldDef, schema: &Schema) -> Option<&'a FieldDef> {
    let target = schema.object(link_target(field)?)?;
    object.fields.iter().find(|other| {
        other.key != field.key
            && other.kind == "link"
            && target.field(&other.key).is_some_and(|f| f.required && f.kind == "link" && f.target == other.target)
    })
}

/// The record that scopes rows which do not say: the first in order.
pub fn default_scope(session: &Session<'_>, field: &FieldDef) -> Option<RecordId> {
    let target = link_target(field)?;
    let sort = if session.view.schema.object(target)?.field("position").is_some() { "position" } else { "created_at" };
    let page = session.engine.query(session.actor, &Query::of(target).sort_by(sort, false).limit(1)).ok()?;
    page.records.first().map(|record| record.id)
}

/// Makes what the rows name within each scope, in an order that reads well, before the first row is written.
pub fn prepare(session: &Session<'_>, linker: &mut Linker, table: &Table<'_>, plan: &Plan) {
    for step in plan.steps.iter().filter(|s| s.role == Role::Whole) {
        let Some(field) = step.field.map(|place| plan.field(place)) else { continue };
        let Some(scope) = scoped_by(&plan.object, field, &session.view.schema) else { continue };
        let scope_step = plan
            .steps
            .iter()
            .find(|s| s.role == Role::Whole && s.field.is_some_and(|f| plan.field(f).key == scope.key));
        let mut pairs: Vec<(String, String)> = Vec::new();
        for row in table.rows() {
            let cell = |at: usize| row.cells.get(at).map(|c| c.trim().to_string()).unwrap_or_default();
            let pair = (scope_step.map_or_else(String::new, |s| cell(s.at)), cell(step.at));
            if !pair.1.is_empty() && pairs.len() < DISTINCT_MAX && !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        pairs.sort_by_key(|(_, name)| rank(name));
        for (within, name) in pairs {
            let id = match within.is_empty() {
                true => default_scope(session, scope),
                false => linker.find(session, scope, &[(String::new(), within)], None).ok(),
            };
            if let Some(id) = id {
                // A miss is told by the rows that have it.
                let _ = linker.find(session, field, &[(String::new(), name)], Some((&scope.key, id)));
            }
        }
    }
}

fn rank(name: &str) -> u32 {
    let folded = fold(name);
    ORDER.iter().filter(|(word, _)| folded.contains(word)).map(|(_, rank)| *rank).max().unwrap_or(4)
}
