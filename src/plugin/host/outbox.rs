//! `outbox`: what happens after the call. Mail and notices belong to parts of Kith that are not there yet, and say so; work put off is a record.

use kith_base::RecordId;
use kith_engine::{Actor, Command, CommitOptions, Fields};
use kith_model::Value;

use super::told;
use crate::{
    contract::{
        Error,
        outbox::{Host, Mail, Notice},
    },
    jobs::Put,
    kept::{Kept, check_key},
    objects::ids::jobs as ids,
    runtime::call::{CallState, Phase},
};

const OBJECT: &str = "plugin_jobs";
const DELAY_S_MAX: u32 = 400 * 24 * 3_600;
const INPUT_BYTES_MAX: usize = 64 << 10;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for CallState {
    fn send_mail(&mut self, m: Mail, idempotency_key: String) -> Answer<String> {
        self.ask("outbox.send-mail", (m, idempotency_key), |state, _| {
            state.doing("sending mail")?;
            Err(Error::Unavailable("this Kith does not send mail yet".into()))
        })
    }

    fn notify(&mut self, n: Notice) -> Answer<()> {
        self.ask("outbox.notify", (n,), |state, _| {
            state.doing("notices")?;
            Err(Error::Unavailable("this Kith has no notices yet".into()))
        })
    }

    fn run_later(&mut self, job: String, input: String, delay_s: u32, idempotency_key: String) -> Answer<String> {
        self.ask("outbox.run-later", (job, input, delay_s, idempotency_key), |state, (job, input, delay_s, key)| {
            state.put_off(&job, &input, delay_s, &key)
        })
    }

    fn cancel(&mut self, id: String) -> Answer<bool> {
        self.ask("outbox.cancel", (id,), |state, (id,)| state.cancel_job(&id))
    }
}

impl CallState {
    fn doing(&self, what: &str) -> Result<(), Error> {
        self.at_least(Phase::Doing, what).map_err(Error::Denied)
    }

    fn put_off(&mut self, job: &str, input: &str, delay_s: u32, key: &str) -> Result<String, Error> {
        self.doing("putting work off")?;
        if !self.plugin.manifest.jobs.contains_key(job) {
            return Err(Error::Denied(format!("there is no job '{job}'; add [jobs.{job}] to plugin.toml")));
        }
        if delay_s > DELAY_S_MAX || input.len() > INPUT_BYTES_MAX {
            let said = format!("a delay is at most {DELAY_S_MAX} s, and an input at most {INPUT_BYTES_MAX} bytes");
            return Err(Error::Limit(said));
        }
        check_key(key).map_err(Error::Limit)?;
        let engine = &self.services.engine;
        let id = Kept::of(engine, &self.plugin.id).record_for(&format!("job/{job}/{key}")).map_err(|e| told(&e))?;
        let known = engine.get_for_change(&Actor::system(), OBJECT, id).is_ok();
        if known || self.info.dry_run {
            return Ok(id.to_string());
        }
        self.limits.write_rows(1).map_err(Error::Limit)?;
        let put = Put {
            plugin: &self.plugin.id,
            kind: "job",
            name: job,
            input,
            key,
            due_at: self.info.now_ms + i64::from(delay_s) * 1_000,
            actor: self.info.actor,
            depth: self.info.depth.saturating_add(1),
        };
        put.write(&self.services.engine, id).map_err(|e| told(&e))?;
        Ok(id.to_string())
    }

    fn cancel_job(&self, id: &str) -> Result<bool, Error> {
        self.doing("cancelling work")?;
        let engine = &self.services.engine;
        let Ok(id) = id.parse::<RecordId>() else { return Ok(false) };
        let Ok(record) = engine.get_for_change(&Actor::system(), OBJECT, id) else { return Ok(false) };
        let is = |field: u32, text: &str| matches!(record.values.get(field), Value::Text(t) if t == text);
        if !is(ids::PLUGIN, &self.plugin.id) || !is(ids::STATE, "waiting") || self.info.dry_run {
            return Ok(false);
        }
        let values = vec![("state".to_string(), Value::Text("cancelled".into()))];
        let command = Command::Update {
            object: OBJECT.into(),
            id,
            version: Some(record.version),
            values: Fields::Parsed(values),
        };
        match engine.execute(&Actor::system(), vec![command], CommitOptions::caused_by(self.cause())) {
            Ok(_) => Ok(true),
            // It began to run just now.
            Err(kith_engine::EngineError::VersionConflict { .. }) => Ok(false),
            Err(error) => Err(told(&error)),
        }
    }
}
