//! Carries rules out, in batches so that others go on working, and notes in each rule what came of it.

use kith_base::{RecordId, limits::BATCH_OPS_MAX};
use kith_model::Value;

use super::{
    RUN_RECORDS_MAX, RetentionPreview, RetentionRun, SAMPLES,
    rule::{Found, Rule, What},
};
use crate::{
    Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields, Record,
    erase::{EraseRequest, ROOTS_MAX},
    pipeline::prepare::Rights,
    system::ids,
};

/// Records moved to the trash in one transaction.
const TRASH_AT_ONCE: usize = 200;

/// Characters of the message kept in a rule.
const MESSAGE_CHARS_MAX: usize = 400;

/// What became of one batch: touched, left alone.
type Touched = (u64, u64);

impl Engine {
    /// What the rules would do now: one, or all that are not in the trash.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator; `record.not_found`; `record.invalid` when a rule no longer fits.
    pub fn preview_retention(
        &self,
        actor: &Actor,
        rule: Option<RecordId>,
    ) -> Result<Vec<RetentionPreview>, EngineError> {
        self.require_admin(actor, "retention_rules", "look at what rules of retention would do")?;
        let rules = match rule {
            Some(id) => vec![self.retention_rule(id)?],
            None => self.core().records_of(ids::retention_rules::OBJECT).into_iter().filter(|r| !r.trashed).collect(),
        };
        let mut previews = Vec::new();
        for record in rules {
            previews.extend(self.preview_of(actor, &record, true)?);
        }
        Ok(previews)
    }

    /// As `preview_retention`, for a rule that is not saved.
    ///
    /// # Errors
    /// As for making it.
    pub fn preview_retention_draft(
        &self,
        actor: &Actor,
        values: serde_json::Map<String, serde_json::Value>,
    ) -> Result<Vec<RetentionPreview>, EngineError> {
        self.require_admin(actor, "retention_rules", "look at what rules of retention would do")?;
        let command = Command::Create { object: "retention_rules".into(), id: None, values: Fields::Json(values) };
        let options = CommitOptions { dry_run: true, ..CommitOptions::default() };
        let made = self.commit(actor, Rights::Actor, vec![command], options)?.pop();
        made.map_or(Ok(Vec::new()), |record| self.preview_of(actor, &record, false))
    }

    fn preview_of(&self, actor: &Actor, record: &Record, saved: bool) -> Result<Vec<RetentionPreview>, EngineError> {
        let rule = Rule::of(&self.core().meta(), record).map_err(EngineError::Invalid)?;
        let preview = |found: Found| {
            let first: Vec<RecordId> = found.ids.iter().take(SAMPLES).copied().collect();
            let titles = self.titles(actor, &first).into_iter();
            RetentionPreview {
                rule: rule.id.filter(|_| saved),
                name: rule.name.clone(),
                object: found.object.def.key.clone(),
                action: rule.what.name().into(),
                count: found.ids.len(),
                of: found.of,
                within: found.within,
                samples: titles.map(|t| serde_json::json!({ "id": t.id, "title": t.title })).collect(),
            }
        };
        Ok(rule.find(self)?.into_iter().map(preview).collect())
    }

    /// Runs one rule now, enabled or not. `confirmed`: even where it touches more than it may by itself.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator or the system; `record.not_found`. What goes wrong in the run itself is in
    /// the answer and in the rule.
    pub fn run_retention(&self, actor: &Actor, id: RecordId, confirmed: bool) -> Result<RetentionRun, EngineError> {
        if !actor.is_system() {
            self.require_admin(actor, "retention_rules", "run rules of retention")?;
        }
        let _alone = self.core().retaining.lock();
        let record = self.retention_rule(id)?;
        let mut run = RetentionRun {
            rule: id,
            name: crate::auth::directory::text(record.values.get(ids::retention_rules::NAME)),
            state: "done".into(),
            count: 0,
            skipped: 0,
            message: String::new(),
        };
        if let Err(error) = self.run_rule(actor, &record, confirmed, &mut run) {
            run.state = "failed".into();
            run.message = error.to_string();
            tracing::warn!(code = error.code(), "a rule of retention failed; its record says why");
        }
        self.note_run(actor, &record, &run)?;
        Ok(run)
    }

    fn retention_rule(&self, id: RecordId) -> Result<Record, EngineError> {
        let found = self.core().image.get_of(ids::retention_rules::OBJECT, id).filter(|record| !record.trashed);
        found.ok_or_else(|| EngineError::RecordNotFound { object: "retention_rules".into(), id })
    }

    fn run_rule(
        &self,
        actor: &Actor,
        record: &Record,
        confirmed: bool,
        run: &mut RetentionRun,
    ) -> Result<(), EngineError> {
        let rule = Rule::of(&self.core().meta(), record).map_err(EngineError::Invalid)?;
        let mut said = Vec::new();
        let mut left = RUN_RECORDS_MAX;
        for mut found in rule.find(self)? {
            let key = &found.object.def.key;
            if !found.within && !confirmed {
                run.state = "held".into();
                said.push(format!(
                    "{} of {} in '{key}' are more than it may touch unconfirmed",
                    found.ids.len(),
                    found.of
                ));
                continue;
            }
            if found.ids.len() > left {
                said.push(format!("{} in '{key}' are left for the next run", found.ids.len() - left));
                found.ids.truncate(left);
            }
            left -= found.ids.len();
            let (touched, skipped) = match rule.what {
                What::Trash => self.to_trash(actor, &rule, &found)?,
                What::Erase => self.erase_found(actor, &rule, &found)?,
                What::Anonymise => self.anonymise(actor, &rule, &found)?,
            };
            run.count += touched;
            run.skipped += skipped;
        }
        if run.skipped > 0 {
            said.push(format!("{} were left alone: something needs them, or they are not valid", run.skipped));
        }
        run.message = said.join("; ");
        Ok(())
    }

    fn to_trash(&self, actor: &Actor, rule: &Rule, found: &Found) -> Result<Touched, EngineError> {
        let cause = Cause::of("retention", rule.id.map_or_else(String::new, |id| id.to_string()));
        let object = &found.object.def.key;
        let (mut touched, mut skipped) = (0, 0);
        for some in found.ids.chunks(TRASH_AT_ONCE) {
            let delete = |id: &RecordId| Command::Delete { object: object.clone(), id: *id, version: None };
            let mut commands: Vec<Command> = some.iter().map(delete).collect();
            while !commands.is_empty() {
                match self.commit(actor, Rights::Engine, commands.clone(), CommitOptions::caused_by(cause.clone())) {
                    Ok(_) => touched += commands.drain(..).count() as u64,
                    Err(error) => {
                        commands.remove(place(&error, commands.len()).ok_or(error)?);
                        skipped += 1;
                    }
                }
            }
        }
        Ok((touched, skipped))
    }

    fn erase_found(&self, actor: &Actor, rule: &Rule, found: &Found) -> Result<Touched, EngineError> {
        let (mut touched, mut skipped) = (0, 0);
        let request = |ids: Vec<RecordId>| EraseRequest {
            object: found.object.def.key.clone(),
            ids,
            reason: format!("retention: {}", rule.name).chars().take(200).collect(),
            ..EraseRequest::default()
        };
        // The rule's right, not the actor's: whoever made it had to be an administrator.
        let system = Actor::system();
        for some in found.ids.chunks(ROOTS_MAX) {
            let mut asked = request(some.to_vec());
            let mut plan = self.erase_plan(&system, &asked)?;
            if !plan.blocked.is_empty() {
                let free = |id: &&RecordId| {
                    self.erase_plan(&system, &request(vec![**id])).is_ok_and(|plan| plan.blocked.is_empty())
                };
                asked = request(some.iter().filter(free).copied().collect());
                skipped += (some.len() - asked.ids.len()) as u64;
                if asked.ids.is_empty() {
                    continue;
                }
                plan = self.erase_plan(&system, &asked)?;
            }
            self.erase_noted(actor, &asked.object, &asked.reason, plan.work)?;
            touched += asked.ids.len() as u64;
        }
        Ok((touched, skipped))
    }

    fn anonymise(&self, actor: &Actor, rule: &Rule, found: &Found) -> Result<Touched, EngineError> {
        let object = &found.object.def.key;
        let update = |id: &RecordId| Command::Update {
            object: object.clone(),
            id: *id,
            version: None,
            values: Fields::Json(rule.fields.clone()),
        };
        let (mut touched, mut skipped) = (0, 0);
        for some in found.ids.chunks(BATCH_OPS_MAX) {
            let mut commands: Vec<Command> = some.iter().map(update).collect();
            while !commands.is_empty() {
                let reason = format!("retention: {}", rule.name);
                match self.replace_for_good(actor, object, &reason, commands.clone()) {
                    Ok(changed) => {
                        touched += changed;
                        commands.clear();
                    }
                    Err(error) => {
                        commands.remove(place(&error, commands.len()).ok_or(error)?);
                        skipped += 1;
                    }
                }
            }
        }
        Ok((touched, skipped))
    }

    fn note_run(&self, actor: &Actor, record: &Record, run: &RetentionRun) -> Result<(), EngineError> {
        let count = i64::try_from(run.count).unwrap_or(i64::MAX);
        let before = match record.values.get(ids::retention_rules::TOTAL_COUNT) {
            Value::Int(before) => *before,
            _ => 0,
        };
        let message: String = run.message.replace('\n', " ").chars().take(MESSAGE_CHARS_MAX).collect();
        let values = vec![
            ("last_run_at".to_string(), Value::DateTime(self.now_ms())),
            ("last_state".to_string(), Value::Text(run.state.clone())),
            ("last_count".to_string(), Value::Int(count)),
            ("total_count".to_string(), Value::Int(before.saturating_add(count))),
            ("message".to_string(), if message.is_empty() { Value::Null } else { Value::Text(message) }),
        ];
        let command = Command::Update {
            object: "retention_rules".into(),
            id: record.id,
            version: None,
            values: Fields::Parsed(values),
        };
        let options = CommitOptions::caused_by(Cause::of("retention", record.id.to_string()));
        self.commit(actor, Rights::Engine, vec![command], options).map(drop)
    }
}

/// Which of `of` commands an error is about; none for errors of the store, which are about all.
fn place(error: &EngineError, of: usize) -> Option<usize> {
    let index = error.index().or((of == 1).then_some(0));
    index.filter(|at| *at < of && !error.code().starts_with("store."))
}
