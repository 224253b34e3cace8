//! Works out plugins' fields of records that were there before: after an installation, an upgrade or new settings. Goes on after a restart, since
//! it is done only when it says so.

use std::{sync::Arc, time::Duration};

use kith_base::RecordId;
use kith_engine::{Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields, Query, Record};
use kith_model::{ObjectDef, Value};

use crate::{
    plugin::Plugin,
    runtime::{CallInfo, Capability, Phase},
    saving::compute_rows,
    services::Services,
    values::entity,
};

/// Records per call and per transaction.
const ROWS: usize = 100;

const BUDGET: Duration = Duration::from_secs(5);

/// Between two pages, so that people's own saves come first.
const PAUSE: Duration = Duration::from_millis(2);

/// What set such a change off; the plugins have no say in it.
pub(crate) const CAUSE: &str = "computed";

/// The name under which the store keeps what was worked out last.
pub(crate) fn cursor(plugin: &str) -> String {
    format!("plugin/{plugin}/computed")
}

/// Works out every field that `computed` names, for all records, unless that was done for this code and these settings. `ended`: give up.
///
/// # Errors
/// When the store cannot be read or written; it starts again at the next load.
pub fn run(
    services: &Arc<Services>,
    plugin: &Arc<Plugin>,
    sha256: &str,
    ended: &dyn Fn() -> bool,
) -> Result<(), EngineError> {
    let engine = &services.engine;
    if plugin.manifest.computed().next().is_none() {
        return Ok(());
    }
    let (name, mark) = (cursor(&plugin.id), mark(plugin, sha256));
    if engine.cursor(&name)? == mark {
        return Ok(());
    }
    let mut objects: Vec<String> = plugin.manifest.computed().map(|(object, ..)| object).collect();
    objects.dedup();
    for key in objects {
        let Some(object) = engine.schema().object(&key).cloned() else { continue };
        let mut query = Query::of(&key).sort_by("id", false).limit(ROWS);
        loop {
            if ended() {
                return Ok(());
            }
            let page = engine.query(&Actor::system(), &query)?;
            if !page_of(services, plugin, &object, &page.records)? {
                // It is in the plugin's log; the next load tries again.
                return Ok(());
            }
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
            std::thread::sleep(PAUSE);
        }
    }
    engine.set_cursor(&name, mark)
}

/// False: the plugin failed.
fn page_of(
    services: &Arc<Services>,
    plugin: &Arc<Plugin>,
    object: &Arc<ObjectDef>,
    records: &[Record],
) -> Result<bool, EngineError> {
    if records.is_empty() {
        return Ok(true);
    }
    let rows: Vec<_> = records.iter().map(|record| entity(&plugin.manifest, object, record, None)).collect();
    let mut changes: Vec<Vec<(String, Value)>> = vec![Vec::new(); records.len()];
    let context = services.engine.read_context();
    for (of, key, _) in plugin.manifest.computed().filter(|(of, ..)| *of == object.key) {
        let Some(def) = object.field(&plugin.manifest.own_field_key(&of, key)) else { continue };
        let info = CallInfo::new(services, Capability::Computed, key, Phase::Saving, BUDGET);
        match compute_rows(services, plugin, info, key, &rows) {
            Ok(values) => {
                for (json, change) in values.iter().zip(&mut changes) {
                    match def.kind().read(def, &context, json) {
                        Ok(value) => change.push((def.key.clone(), value)),
                        Err(violation) => {
                            let said = format!("computed '{key}' gave no {}: {}", def.kind, violation.message);
                            plugin.watch.note(&said);
                        }
                    }
                }
            }
            Err(said) => {
                plugin.watch.note(&format!("computed '{key}' of records that were there before: {said}"));
                return Ok(false);
            }
        }
    }
    let command = |(record, values): (&Record, Vec<(String, Value)>)| Command::Update {
        object: object.key.clone(),
        id: record.id,
        version: None,
        values: Fields::Parsed(values),
    };
    let commands = records.iter().zip(changes).filter(|(_, values)| !values.is_empty()).map(command).collect();
    let options = CommitOptions::caused_by(Cause::of(CAUSE, plugin.id.clone()));
    // A record went into the trash meanwhile, or a value does not fit its field. It is worked out again with the record's next change.
    let mut left = |id, error: &EngineError| {
        plugin.watch.note(&format!("computed values of '{}' do not fit the record {id}: {error}", object.key));
    };
    as_far_as_valid(&services.engine, &Actor::system(), commands, &options, &mut left)?;
    Ok(true)
}

/// Does these updates but for those that are refused, each of which is told.
pub(crate) fn as_far_as_valid(
    engine: &Engine,
    actor: &Actor,
    mut commands: Vec<Command>,
    options: &CommitOptions,
    refused: &mut dyn FnMut(RecordId, &EngineError),
) -> Result<(), EngineError> {
    while !commands.is_empty() {
        let Err(error) = engine.execute_trusted(actor, commands.clone(), options.clone()) else { return Ok(()) };
        let alone = (commands.len() == 1).then_some(0);
        let at = error.index().or(alone).filter(|at| *at < commands.len() && !error.code().starts_with("store."));
        let Some(at) = at else { return Err(error) };
        if let Command::Update { id, .. } = commands.remove(at) {
            refused(id, &error);
        }
    }
    Ok(())
}

/// Another code or other settings give other values.
fn mark(plugin: &Plugin, sha256: &str) -> u64 {
    let hash = blake3::hash(format!("{sha256}{}", plugin.settings).as_bytes());
    // Never zero, which stands for "not yet".
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap_or([1; 8])) | 1
}
