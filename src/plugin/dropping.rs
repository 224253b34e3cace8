//! Dropping what a plugin holds: values of its fields are cleared, its own records are erased for good. The plugin does not run meanwhile.

use kith_engine::{Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields, Query};
use kith_model::Value;

use crate::{backfill, installed::Installed};

/// Records of the host that name the plugin they are for.
const OWN: [&str; 4] = ["plugin_values", "plugin_secrets", "plugin_jobs", "plugin_failures"];

/// Records of one transaction.
const PAGE: usize = 200;

/// Takes away all but the definitions. Safe to repeat after an interruption.
///
/// # Errors
/// `erase.blocked` when records that stay need some of its own; what the store says.
pub fn drop_data(engine: &Engine, actor: &Actor, plugin: &Installed) -> Result<(), EngineError> {
    let manifest = &plugin.version.manifest;
    let objects = manifest.objects.keys().map(|key| (manifest.object_key(key), None));
    let mine = format!("plugin == \"{}\"", plugin.id);
    let own = OWN.map(|object| (object.to_string(), Some(mine.clone())));
    let there = |(object, _): &(String, _)| engine.schema().object(object).is_some();
    let of: Vec<_> = objects.chain(own).filter(there).collect();
    // First, since it may be refused.
    engine.erase_all(actor, &of, &format!("the plugin {} was removed with its data", plugin.id))?;
    engine.loosen_schema(actor, &plugin.id)?;
    for (object, fields) in &manifest.fields {
        for key in fields.keys() {
            clear(engine, actor, plugin, object, &manifest.own_field_key(object, key))?;
        }
    }
    Ok(())
}

/// Empties a field in all records, those in the trash included. Their history keeps what it held.
fn clear(engine: &Engine, actor: &Actor, plugin: &Installed, object: &str, field: &str) -> Result<(), EngineError> {
    if engine.schema().object(object).is_none_or(|object| object.field(field).is_none_or(|f| f.kind == "computed")) {
        return Ok(());
    }
    for trashed in [false, true] {
        let with_one = Query::of(object).filter(format!("{field} != null")).sort_by("id", false).limit(PAGE);
        clear_in(engine, actor, plugin, field, Query { trashed, ..with_one })?;
    }
    Ok(())
}

fn clear_in(
    engine: &Engine,
    actor: &Actor,
    plugin: &Installed,
    field: &str,
    mut query: Query,
) -> Result<(), EngineError> {
    loop {
        let page = engine.query(&Actor::system(), &query)?;
        let commands = page.records.iter().map(|record| {
            let values = Fields::Parsed(vec![(field.to_string(), Value::Null)]);
            Command::Update { object: query.object.clone(), id: record.id, version: None, values }
        });
        // The other plugins have no say in it, as little as when the values were worked out.
        let options = CommitOptions::caused_by(Cause::of(backfill::CAUSE, plugin.id.clone()));
        backfill::as_far_as_valid(engine, actor, commands.collect(), &options, &mut |id, error| {
            tracing::warn!(plugin = plugin.id, %id, code = error.code(), "a value of a removed plugin stays, out of reach");
        })?;
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return Ok(());
        }
    }
}
