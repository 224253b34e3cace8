//! Calls of the plugin, as the host makes them: with a phase, a call, and what follows from the answer.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use serde_json::{Value as Json, json};

use super::{
    Kith,
    imports::CutOff,
    manifest, web, with_world,
    world::{Phase, Waiting},
};
use crate::bindings::{
    after_commit::exports::kith::plugin::after_commit::Outcome,
    before_save::exports::kith::plugin::before_save::{Change, Kind, Verdict},
    host::kith::plugin::types::Call,
    ui::exports::kith::plugin::ui,
};
use crate::{Error, Field, Progress, Record, Result, Row, Step, Violation};

/// A record before and after.
pub(crate) struct Changed {
    pub before: Option<Record>,
    pub after: Option<Record>,
}

/// What became of the events of one delivery.
pub type Delivery = Vec<Outcome>;

/// Runs in a phase. An error when the call was cut off on purpose; other panics are the test's to see.
fn in_phase<T>(phase: Phase, run: impl FnOnce() -> T) -> Result<T> {
    let before = with_world(|world| {
        world.host_calls = 0;
        std::mem::replace(&mut world.phase, phase)
    });
    let outcome = catch_unwind(AssertUnwindSafe(run));
    with_world(|world| world.phase = before);
    match outcome {
        Ok(answer) => Ok(answer),
        Err(cut) if cut.is::<CutOff>() => Err(Error::Unavailable("the call was cut off".into())),
        Err(panic) => resume_unwind(panic),
    }
}

fn call(id: &str, attempt: u32) -> Call {
    Call { id: id.into(), attempt, dry_run: with_world(|world| world.dry_run) }
}

fn fresh_call() -> Call {
    call(&with_world(|world| world.fresh_id()), 1)
}

/// Works out computed fields and tells of changes that the plugin made. The records as they are then.
pub(crate) fn after_changes(changes: Vec<Changed>) -> Vec<Record> {
    let tell = |changed: Changed| {
        let unchanged =
            changed.before.as_ref().zip(changed.after.as_ref()).is_some_and(|(before, after)| before == after);
        let kind = match (&changed.before, &changed.after) {
            (None, _) => "created",
            (_, None) => "deleted",
            _ => "updated",
        };
        let record = changed.after.clone().or_else(|| changed.before.clone());
        if !unchanged {
            with_world(|world| world.tell(kind, changed.before, changed.after, true));
        }
        record
    };
    changes.into_iter().filter_map(tell).collect()
}

impl Kith {
    /// Saves a new record as a person would: before-save, computed fields, then an event.
    ///
    /// # Errors
    /// What before-save has against it, or what cut it off.
    pub fn create(&self, object: &str, fields: Vec<Field>) -> Result<Record> {
        let mut draft = Record { object: object.into(), id: String::new(), version: 0, fields: Vec::new() };
        self.world.borrow().set(&mut draft, fields);
        let draft = self.checked(Change { kind: Kind::Create, before: None, after: Some(draft) })?;
        let record = with_world(|world| world.insert(object, draft.fields));
        let record = self.computed(record, None)?;
        with_world(|world| world.tell("created", None, Some(record.clone()), false));
        Ok(record)
    }

    /// Changes a record as a person would.
    pub fn update(&self, object: &str, id: &str, fields: Vec<Field>) -> Result<Record> {
        let before = self.record(object, id).ok_or(Error::NotFound)?;
        let mut after = before.clone();
        self.world.borrow().set(&mut after, fields);
        let mut after =
            self.checked(Change { kind: Kind::Update, before: Some(before.clone()), after: Some(after) })?;
        after.version = before.version + 1;
        with_world(|world| world.replace(after.clone()));
        let after = self.computed(after, Some(&before))?;
        with_world(|world| world.tell("updated", Some(before), Some(after.clone()), false));
        Ok(after)
    }

    /// Moves a record to the trash as a person would.
    pub fn delete(&self, object: &str, id: &str) -> Result<()> {
        let before = self.record(object, id).ok_or(Error::NotFound)?;
        self.checked(Change { kind: Kind::Delete, before: Some(before.clone()), after: None })?;
        with_world(|world| {
            world.remove(object, id);
            world.tell("deleted", Some(before), None, false);
        });
        Ok(())
    }

    /// The draft, with what before-save amended.
    fn checked(&self, mut change: Change) -> Result<Record> {
        let whole = change.after.clone().or_else(|| change.before.clone()).ok_or(Error::NotFound)?;
        let hook = with_world(|world| {
            let hook = world.manifest.hooks.before_save.as_ref()?;
            hook.objects
                .contains(&whole.object)
                .then(|| (hook.fields_read.clone(), hook.fields_write.clone(), hook.on_failure == "skip"))
        });
        let (Some(check), Some((read, write, skip))) = (self.plugin.before_save, hook) else { return Ok(whole) };
        if !read.iter().any(|key| key == "*") {
            for record in [&mut change.before, &mut change.after].into_iter().flatten() {
                record.fields.retain(|field| read.contains(&field.name));
            }
        }
        let verdicts = match in_phase(Phase::Saving, || check(fresh_call(), vec![change])) {
            Ok(verdicts) => verdicts,
            Err(_) if skip => return Ok(whole),
            Err(error) => return Err(error),
        };
        assert_eq!(verdicts.len(), 1, "before-save answers one verdict per change");
        match verdicts.into_iter().next() {
            Some(Verdict::Reject(violations)) => Err(Error::Invalid(violations)),
            Some(Verdict::Amend(fields)) => {
                for field in &fields {
                    assert!(
                        write.contains(&field.name),
                        "[hooks.before-save] fields-write does not name '{}'",
                        field.name
                    );
                }
                let mut amended = whole;
                self.world.borrow().set(&mut amended, fields);
                Ok(amended)
            }
            _ => Ok(whole),
        }
    }

    /// Works out the computed fields whose fields changed.
    fn computed(&self, mut record: Record, before: Option<&Record>) -> Result<Record> {
        let Some(compute) = self.plugin.computed else { return Ok(record) };
        for (name, reads) in with_world(|world| world.manifest.computed(&record.object)) {
            let all = reads.iter().any(|key| key == "*");
            let changed = |before: &Record| all || reads.iter().any(|key| before.get(key) != record.get(key));
            if !before.is_none_or(changed) {
                continue;
            }
            let mut row = record.clone();
            row.fields.retain(|field| all || reads.contains(&field.name));
            let values = in_phase(Phase::Saving, || compute(fresh_call(), name.clone(), vec![row]))??;
            assert_eq!(values.len(), 1, "computed answers one value per row");
            record.set(&name, values.into_iter().next().unwrap_or(crate::Value::Null));
        }
        with_world(|world| world.replace(record.clone()));
        Ok(record)
    }

    /// Works out the computed fields of a record that `add` put there.
    pub fn compute(&self, object: &str, id: &str) -> Result<Record> {
        self.computed(self.record(object, id).ok_or(Error::NotFound)?, None)
    }

    /// Gives the plugin all events that are due, once. Those to be tried again stay for the next time, and for their time.
    pub fn deliver(&self) -> Delivery {
        let Some(handle) = self.plugin.after_commit else { return Vec::new() };
        let due: Vec<Waiting> = with_world(|world| {
            let now = world.now_ms;
            let (due, rest): (std::collections::VecDeque<_>, _) =
                std::mem::take(&mut world.events).into_iter().partition(|one| one.not_before_ms <= now);
            world.events = rest;
            Vec::from(due)
        });
        let mut outcomes = Vec::new();
        for batch in due.chunks(100) {
            let attempt = batch.iter().map(|one| one.attempt).max().unwrap_or(1);
            let events: Vec<_> = batch.iter().map(|one| one.event.clone()).collect();
            let id = events.first().map(|event| event.id.clone()).unwrap_or_default();
            let answers = in_phase(Phase::Doing, || handle(call(&id, attempt), events))
                .unwrap_or_else(|_| batch.iter().map(|_| Outcome::Retry(5)).collect());
            assert_eq!(answers.len(), batch.len(), "after-commit answers one outcome per event");
            with_world(|world| {
                for (waiting, answer) in batch.iter().zip(&answers) {
                    match answer {
                        Outcome::Done => {}
                        Outcome::Drop(reason) => world.dropped.push(reason.clone()),
                        Outcome::Retry(seconds) => world.events.push_back(Waiting {
                            event: waiting.event.clone(),
                            attempt: waiting.attempt + 1,
                            not_before_ms: world.now_ms + u64::from(*seconds) * 1_000,
                        }),
                    }
                }
            });
            outcomes.extend(answers);
        }
        outcomes
    }

    /// Duplicate delivery: the same events twice, as after a crash of the server.
    pub fn deliver_twice(&self) -> Delivery {
        let events: Vec<_> = with_world(|world| {
            world.events.iter().map(|one| (one.event.clone(), one.attempt, one.not_before_ms)).collect()
        });
        let mut outcomes = self.deliver();
        with_world(|world| {
            for (event, attempt, not_before_ms) in events {
                world.events.push_back(Waiting { event, attempt: attempt + 1, not_before_ms });
            }
        });
        outcomes.extend(self.deliver());
        outcomes
    }

    /// Runs an action. Defaults of its form are filled in.
    pub fn action(&self, name: &str, object: &str, ids: &[String], input: Json) -> Result<Step> {
        self.action_again(name, object, ids, input, None)
    }

    /// As `action`, after it answered `Step::Wait`.
    pub fn action_again(
        &self,
        name: &str,
        object: &str,
        ids: &[String],
        input: Json,
        resume: Option<&str>,
    ) -> Result<Step> {
        let run = self.plugin.actions.ok_or_else(|| missing("actions"))?;
        let mut whole =
            with_world(|world| world.manifest.actions.get(name).map(|a| manifest::defaults(a.input.as_ref())))
                .ok_or_else(|| Error::Other(format!("[actions.{name}] is not in the manifest")))?;
        if let (Some(whole), Json::Object(given)) = (whole.as_object_mut(), input) {
            whole.extend(given);
            whole.insert("object".into(), object.into());
            whole.insert("ids".into(), json!(ids));
        }
        in_phase(Phase::Doing, || run(fresh_call(), name.into(), whole.to_string(), resume.map(Into::into)))?
    }

    /// The answers of a condition, one per id.
    pub fn condition(&self, name: &str, object: &str, ids: &[String], params: Json) -> Result<Vec<bool>> {
        let test = self.plugin.conditions.ok_or_else(|| missing("conditions"))?;
        self.listed("conditions", name, |manifest| manifest.conditions.contains_key(name))?;
        let rows: Vec<Record> = ids.iter().filter_map(|id| self.record(object, id)).collect();
        Ok(in_phase(Phase::Asking, || test(fresh_call(), name.into(), params.to_string(), rows))??)
    }

    /// `GET` of a path below `/plugins/<id>`.
    pub fn get(&self, url: &str) -> Result<web::Response> {
        self.request("GET", url, &[], b"")
    }

    /// A request below `/plugins/<id>`; 404 and 405 are answered as the server does, before the plugin is asked.
    pub fn request(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<web::Response> {
        let serve = self.plugin.endpoint.ok_or_else(|| missing("endpoint"))?;
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let public = with_world(|world| {
            let endpoint = world.manifest.endpoint(path).ok_or(404_u16)?;
            if endpoint.methods.iter().any(|one| one == method) { Ok(endpoint.public) } else { Err(405) }
        });
        let public = match public {
            Ok(public) => public,
            Err(status) => return Ok(web::Response { status, headers: Vec::new(), body: Vec::new() }),
        };
        let request = web::Request {
            method: method.into(),
            url: url.into(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            body: body.to_vec(),
            timeout_ms: 10_000,
            idempotency_key: None,
        };
        let actor = with_world(|world| if public { world.actor.take() } else { None });
        let answer = in_phase(Phase::Doing, || serve(fresh_call(), request));
        if public {
            with_world(|world| world.actor = actor);
        }
        answer
    }

    /// Runs a job to its end, slice by slice.
    pub fn job(&self, name: &str, input: Json) -> Result<Progress> {
        let run = self.plugin.jobs.ok_or_else(|| missing("jobs"))?;
        self.listed("jobs", name, |manifest| manifest.jobs.contains_key(name))?;
        let input = if input.is_null() { String::new() } else { input.to_string() };
        let id = with_world(|world| world.fresh_id());
        let mut cursor = None;
        loop {
            let slice = in_phase(Phase::Doing, || run(call(&id, 1), name.into(), input.clone(), cursor.clone()))??;
            if slice.done {
                return Ok(slice);
            }
            assert!(slice.cursor != cursor, "the job '{name}' stands still at {cursor:?}");
            cursor = slice.cursor;
        }
    }

    /// Runs the jobs whose time has come; how many.
    pub fn run_due(&self) -> Result<usize> {
        let due = with_world(|world| {
            let now = world.now_ms;
            let (due, rest): (Vec<_>, Vec<_>) =
                std::mem::take(&mut world.later).into_iter().partition(|one| one.due_ms <= now);
            world.later = rest;
            due
        });
        for later in &due {
            self.job(&later.job, serde_json::from_str(&later.input)?)?;
        }
        Ok(due.len())
    }

    /// Draws a panel. Its nodes are flat, the first is the root.
    pub fn panel(&self, name: &str, target: Option<&str>) -> Result<ui::View> {
        let render = self.plugin.render.ok_or_else(|| missing("panels"))?;
        self.listed("panels", name, |manifest| manifest.panels.contains_key(name))?;
        Ok(in_phase(Phase::Asking, || render(fresh_call(), name.into(), target.map(Into::into), None))??)
    }

    /// Uses a button or a form of a view.
    pub fn use_panel(&self, name: &str, view: &ui::View, handler: &str, form: Json) -> Result<ui::View> {
        let act = self.plugin.act.ok_or_else(|| missing("panels"))?;
        let (form, state) = (form.to_string(), view.state.clone());
        Ok(in_phase(Phase::Doing, || act(fresh_call(), name.into(), handler.into(), form, state))??)
    }

    /// All rows of a file.
    pub fn import(&self, file_name: &str, content: impl Into<Vec<u8>>) -> Result<Vec<Row>> {
        let pull = self.plugin.importer.ok_or_else(|| missing("importer"))?;
        let file = self.add_file(file_name, "application/octet-stream", content);
        let (mut rows, mut cursor) = (Vec::new(), None);
        loop {
            let chunk = in_phase(Phase::Doing, || pull(fresh_call(), file.clone(), cursor.clone()))??;
            assert!(chunk.rows.len() <= 500, "a chunk has at most 500 rows");
            rows.extend(chunk.rows);
            match chunk.next {
                None => return Ok(rows),
                next => cursor = next,
            }
        }
    }

    /// As after an installation, or an upgrade from a version.
    pub fn install(&self, previous: Option<&str>) -> Result<()> {
        let installed = self.plugin.installed.ok_or_else(|| missing("lifecycle"))?;
        in_phase(Phase::Doing, || installed(previous.map(Into::into)))?
    }

    /// As before a removal.
    pub fn remove(&self) -> Result<()> {
        let removing = self.plugin.removing.ok_or_else(|| missing("lifecycle"))?;
        in_phase(Phase::Doing, removing)?
    }

    /// How it is doing.
    pub fn health(&self) -> Result<String> {
        let health = self.plugin.health.ok_or_else(|| missing("lifecycle"))?;
        Ok(in_phase(Phase::Asking, health)??)
    }

    fn listed(&self, section: &str, name: &str, has: impl Fn(&manifest::Manifest) -> bool) -> Result<()> {
        if has(&self.world.borrow().manifest) {
            return Ok(());
        }
        Err(Error::Other(format!("[{section}.{name}] is not in the manifest")))
    }

    /// From now on nothing that a call does is kept.
    pub fn dry_run(&self, dry_run: bool) {
        self.world.borrow_mut().dry_run = dry_run;
    }
}

fn missing(what: &str) -> Error {
    Error::from(Violation::new("no_such_capability", format!("plugin! names no {what}")))
}
