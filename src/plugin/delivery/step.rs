//! One step of a plugin's reader: what is parked and due first, then the next stretch of the journal.

use std::{collections::HashSet, sync::Arc, time::Duration};

use kith_base::RecordId;
use kith_engine::{ChangeKind, Engine, EngineError, Happened};
use kith_model::ObjectDef;

use super::{cursor, parked};
use crate::{
    backoff,
    contract::{
        Call,
        after_commit::exports::kith::plugin::after_commit::{Event, Outcome},
    },
    manifest::{EventKind, Events},
    plugin::Plugin,
    runtime::{CallError, CallInfo, Capability, Phase},
    services::Services,
    values::entity,
};

/// Events of one call.
const BATCH: usize = 100;

const BUDGET: Duration = Duration::from_secs(30);

pub enum Step {
    /// There may be more at once.
    More,
    Idle,
}

/// # Errors
/// When the store cannot be read or written; nothing is lost then, the step comes again.
pub fn step(services: &Arc<Services>, plugin: &Arc<Plugin>) -> Result<Step, EngineError> {
    let engine = &services.engine;
    let Some(events) = &plugin.manifest.events else { return Ok(Step::Idle) };
    if !plugin.watch.is_closed(Capability::AfterCommit, engine.now_ms()) {
        return Ok(Step::Idle);
    }
    let waiting = parked::of(engine, &plugin.id)?;
    if let Some(due) = waiting.due(engine.now_ms()) {
        retry(services, plugin, due)?;
        return Ok(Step::More);
    }
    let name = cursor(&plugin.id);
    let mut from = engine.cursor(&name)?;
    if from == 0 {
        // What happened before it was there is not its business.
        from = engine.head();
        engine.set_cursor(&name, from)?;
    }
    let objects = objects(engine, plugin, events);
    let wanted = |object: u32| objects.iter().any(|def| def.id == object);
    let (happened, last) = engine.happened(from, BATCH, &wanted)?;
    if last == from {
        return Ok(Step::Idle);
    }
    let heard: Vec<Happened> = happened.into_iter().filter(|change| hears(plugin, events, change)).collect();
    let held = waiting.records();
    for batch in heard.chunks(BATCH) {
        if !deliver_all(services, plugin, &objects, batch, &held)? {
            // The plugin rests; the cursor stays, and all of this comes again.
            return Ok(Step::Idle);
        }
    }
    engine.set_cursor(&name, last)?;
    Ok(Step::More)
}

fn objects(engine: &Engine, plugin: &Plugin, events: &Events) -> Vec<Arc<ObjectDef>> {
    let schema = engine.schema();
    let keys = events.objects.iter().map(|key| plugin.manifest.object_key(key));
    keys.filter_map(|key| schema.object(&key).cloned()).filter(|object| !object.system).collect()
}

fn hears(plugin: &Plugin, events: &Events, change: &Happened) -> bool {
    let own = change.cause.kind == "plugin" && change.cause.id == plugin.id;
    let kind = match change.kind {
        ChangeKind::Created => EventKind::Created,
        ChangeKind::Updated => EventKind::Updated,
        ChangeKind::Deleted => EventKind::Deleted,
        ChangeKind::Restored => EventKind::Restored,
        // Nothing is left to tell.
        ChangeKind::Erased => return false,
    };
    (events.hear_self || !own) && (events.kinds.is_empty() || events.kinds.contains(&kind))
}

/// Delivers a batch, and parks what failed or has to wait behind it. False: the plugin rests, and nothing of the batch counts as told.
fn deliver_all(
    services: &Arc<Services>,
    plugin: &Arc<Plugin>,
    objects: &[Arc<ObjectDef>],
    batch: &[Happened],
    held: &HashSet<RecordId>,
) -> Result<bool, EngineError> {
    let engine = &services.engine;
    let (behind, now): (Vec<&Happened>, Vec<&Happened>) = batch.iter().partition(|change| held.contains(&change.id));
    for change in behind {
        parked::park(engine, &plugin.id, change, 0, 0, "waits for an earlier change of the same record")?;
    }
    let outcomes = match deliver(services, plugin, objects, &now, 1) {
        Ok(outcomes) => outcomes,
        Err(CallError::Resting(_) | CallError::Busy) => return Ok(false),
        Err(error) if now.len() == 1 => vec![Told::Failed(error.to_string())],
        // Which of them it is shows one by one.
        Err(_) => {
            let mut outcomes = Vec::with_capacity(now.len());
            for change in &now {
                match deliver(services, plugin, objects, &[change], 1) {
                    Ok(outcome) => outcomes.extend(outcome),
                    Err(CallError::Resting(_) | CallError::Busy) => return Ok(false),
                    Err(error) => outcomes.push(Told::Failed(error.to_string())),
                }
            }
            outcomes
        }
    };
    let mut stuck = HashSet::new();
    for (change, outcome) in now.iter().zip(outcomes) {
        let waits = stuck.contains(&change.id);
        match outcome {
            // It was told of the later change already; telling it again after the earlier one keeps the order of the last words.
            _ if waits => {
                parked::park(engine, &plugin.id, change, 0, 0, "waits for an earlier change of the same record")?;
            }
            Told::Done => {}
            Told::Dropped(reason) => parked::give_up(engine, &plugin.id, change, &reason)?,
            Told::Retry(wait, reason) => {
                parked::park(engine, &plugin.id, change, 1, wait, &reason)?;
                stuck.insert(change.id);
            }
            Told::Failed(reason) => {
                parked::park(engine, &plugin.id, change, 1, backoff::after(1), &reason)?;
                stuck.insert(change.id);
            }
        }
    }
    Ok(true)
}

/// One more attempt at something parked.
fn retry(services: &Arc<Services>, plugin: &Arc<Plugin>, due: &parked::Parked) -> Result<(), EngineError> {
    let engine = &services.engine;
    let events = plugin.manifest.events.as_ref();
    let objects = events.map_or_else(Vec::new, |events| objects(engine, plugin, events));
    let change = engine.happened_at(due.seq, due.about)?;
    let Some(change) = change.filter(|change| change.after.is_some()) else {
        return parked::done(engine, due, "its values were erased; there is nothing to tell any more");
    };
    let attempt = due.attempts + 1;
    let outcome = match deliver(services, plugin, &objects, &[&change], attempt) {
        Ok(mut outcomes) => outcomes.pop().unwrap_or(Told::Done),
        // That was no attempt.
        Err(CallError::Resting(_) | CallError::Busy) => return Ok(()),
        Err(error) => Told::Failed(error.to_string()),
    };
    match outcome {
        Told::Done => parked::done(engine, due, "told"),
        Told::Dropped(reason) => parked::dead(engine, due, attempt, &reason),
        Told::Retry(_, reason) | Told::Failed(reason) if attempt >= backoff::ATTEMPTS_MAX => {
            parked::dead(engine, due, attempt, &reason)
        }
        Told::Retry(wait, reason) => parked::again(engine, due, attempt, wait, &reason),
        Told::Failed(reason) => parked::again(engine, due, attempt, backoff::after(attempt), &reason),
    }
}

enum Told {
    Done,
    Dropped(String),
    /// Milliseconds.
    Retry(i64, String),
    Failed(String),
}

fn deliver(
    services: &Arc<Services>,
    plugin: &Arc<Plugin>,
    objects: &[Arc<ObjectDef>],
    changes: &[&Happened],
    attempt: u32,
) -> Result<Vec<Told>, CallError> {
    let Some(first) = changes.first() else { return Ok(Vec::new()) };
    let events: Vec<Event> = changes.iter().filter_map(|change| event(plugin, objects, change)).collect();
    if events.len() != changes.len() {
        // The object went away meanwhile, and its events with it.
        return Ok(changes.iter().map(|_| Told::Done).collect());
    }
    let depth = changes.iter().map(|change| change.cause.depth).max().unwrap_or(0);
    let info = CallInfo {
        id: format!("{}-{}", first.seq, first.id),
        attempt,
        cause: origin(first).unwrap_or_default(),
        depth,
        ..CallInfo::new(services, Capability::AfterCommit, "", Phase::Doing, BUDGET)
    };
    let call = Call { id: info.id.clone(), attempt, dry_run: false };
    let outcomes = plugin.call(services, info, "after-commit.handle", &(&call, &events), |store| {
        let guest = plugin.code.after_commit(store)?;
        guest.kith_plugin_after_commit().call_handle(store, &call, &events)
    })?;
    if outcomes.len() != changes.len() {
        return Err(CallError::Answer(format!("{} outcomes for {} events", outcomes.len(), changes.len())));
    }
    let told = outcomes.into_iter().map(|outcome| match outcome {
        Outcome::Done => Told::Done,
        Outcome::Retry(seconds) => {
            Told::Retry(backoff::asked(seconds), format!("it asked to be told again in {seconds} s"))
        }
        Outcome::Drop(reason) => Told::Dropped(reason.chars().take(500).collect()),
    });
    Ok(told.collect())
}

fn event(plugin: &Plugin, objects: &[Arc<ObjectDef>], change: &Happened) -> Option<Event> {
    let object = objects.iter().find(|object| object.id == change.object)?;
    let shown = |record: &kith_engine::Record| entity(&plugin.manifest, object, record, None);
    Some(Event {
        id: parked::event_id(change),
        seq: change.seq,
        kind: change.kind.name().into(),
        at_ms: u64::try_from(change.at).unwrap_or(0),
        origin: origin(change),
        before: change.before.as_ref().map(shown),
        after: change.after.as_ref().map(shown),
    })
}

/// `plugin:<id>`, `import:<id>`, else who it was: `user:<id>`.
fn origin(change: &Happened) -> Option<String> {
    let cause = &change.cause;
    if matches!(cause.kind.as_str(), "plugin" | "import" | "workflow") {
        return Some(format!("{}:{}", cause.kind, cause.id));
    }
    let kind = serde_json::to_value(change.actor.kind).ok()?;
    Some(format!("{}:{}", kind.as_str()?, change.actor.id))
}
