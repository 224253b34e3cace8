//! The host's functions, as the contract has them, over the world of the test. Each counts as a host call, after which a call may be cut off.

use super::{
    HttpError, Level, web, with_world,
    world::{Line, Phase, World},
};
use crate::Error;

/// What unwinds when a call is cut off on purpose.
pub struct CutOff;

/// One host call: done as a whole, and then perhaps the last that the plugin makes.
fn called<T>(act: impl FnOnce(&mut World) -> T) -> T {
    let (answer, cut) = with_world(|world| {
        let answer = act(world);
        world.host_calls += 1;
        let cut = world.crash_after == Some(world.host_calls);
        if cut {
            world.crash_after = None;
        }
        (answer, cut)
    });
    if cut {
        std::panic::resume_unwind(Box::new(CutOff));
    }
    answer
}

/// Refuses while saving or asking.
fn doing(world: &World, what: &str) -> Result<(), Error> {
    match world.phase {
        Phase::Doing => Ok(()),
        Phase::Saving => Err(Error::Denied(format!("{what} is not possible while saving"))),
        Phase::Asking => Err(Error::Denied(format!("{what} is not possible in a question"))),
    }
}

pub mod invocation {
    use super::called;

    pub fn actor() -> Option<String> {
        called(|world| world.actor.clone())
    }
    pub fn cause() -> String {
        called(|world| world.cause.clone())
    }
    pub fn depth() -> u32 {
        called(|_| 0)
    }
    pub fn remaining_ms() -> u32 {
        called(|_| 10_000)
    }
    pub fn locale() -> String {
        called(|world| world.locale.clone())
    }
    pub fn time_zone() -> String {
        called(|world| world.time_zone.clone())
    }
    pub fn extra(_key: &str) -> Option<String> {
        called(|_| None)
    }
}

pub mod env {
    use super::called;

    pub fn now_ms() -> u64 {
        called(|world| world.now_ms)
    }
    pub fn random(n: u32) -> Vec<u8> {
        called(|world| (0..n.min(1_024)).map(|_| world.random() as u8).collect())
    }
}

pub mod settings {
    pub fn get() -> String {
        super::called(|world| world.settings.to_string())
    }
}

pub mod secrets {
    pub fn reveal(name: &str) -> Option<String> {
        super::called(|world| {
            let open = world.manifest.secrets.get(name).is_some_and(|secret| secret.reveal);
            world.secrets.get(name).filter(|_| open).cloned()
        })
    }
}

pub mod log {
    use super::{Level, Line, called};

    pub fn write(level: Level, message: &str, attrs: &[(String, String)]) {
        called(|world| world.log.push(Line { level, message: message.into(), facts: attrs.to_vec() }));
    }
}

pub mod records {
    use super::{Error, World, called, doing};
    use crate::{
        Record, Violation,
        bindings::host::kith::plugin::records::{Op, Page, Query},
        testing::{filter, run},
    };

    fn may(world: &World, right: &str, object: &str) -> Result<(), Error> {
        if world.manifest.may(right, world.manifest.short(object)) {
            return Ok(());
        }
        Err(Error::Denied(format!("[records] {object} = [\"{right}\"] is not in the manifest")))
    }

    fn selected(world: &World, mut record: Record, select: &[String]) -> Record {
        if !select.is_empty() {
            record.fields.retain(|field| select.iter().any(|key| world.manifest.short(key) == field.name));
        }
        record
    }

    pub fn get(object: &str, ids: &[String], select: &[String]) -> Result<Vec<Record>, Error> {
        called(|world| {
            may(world, "read", object)?;
            let found = ids.iter().filter_map(|id| world.get(object, id));
            Ok(found.map(|record| selected(world, record, select)).collect())
        })
    }

    pub fn find(query: &Query) -> Result<Page, Error> {
        called(|world| {
            may(world, "read", &query.object)?;
            let mut rows = filter::matching(world, &query.filter, &query.params, world.all(&query.object))?;
            for key in query.order.iter().rev() {
                let (key, down) = key.strip_prefix('-').map_or((key.as_str(), false), |key| (key, true));
                rows.sort_by(|one, other| {
                    let order = compare(one.get(world.manifest.short(key)), other.get(world.manifest.short(key)));
                    if down { order.reverse() } else { order }
                });
            }
            let from: usize =
                query.cursor.as_deref().map_or(Ok(0), str::parse).map_err(|_| {
                    Error::from(Violation::new("bad_cursor", "the cursor is none that this query gave"))
                })?;
            let limit = query.limit.clamp(1, 500) as usize;
            let next = (rows.len() > from + limit).then(|| (from + limit).to_string());
            let rows = rows.into_iter().skip(from).take(limit).map(|row| selected(world, row, &query.select));
            Ok(Page { rows: rows.collect(), next })
        })
    }

    fn compare(one: &crate::Value, other: &crate::Value) -> std::cmp::Ordering {
        let number = |value: &crate::Value| match value {
            crate::Value::Integer(number) => Some(*number as f64),
            crate::Value::Decimal(text) => text.parse().ok(),
            _ => None,
        };
        match (number(one), number(other)) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => one.to_json().to_string().cmp(&other.to_json().to_string()),
        }
    }

    pub fn apply(ops: &[Op]) -> Result<Vec<Record>, Error> {
        // Computed fields are worked out by the plugin itself, so outside of the host call.
        let changes = called(|world| {
            doing(world, "a change of records")?;
            if ops.len() > 500 {
                return Err(Error::Limit("500 changes at once".into()));
            }
            if world.conflicts > 0 {
                world.conflicts -= 1;
                let of = |object: &str, id: &str| world.get(object, id).map_or(1, |record| record.version + 1);
                return Err(Error::Conflict(match ops.first() {
                    Some(Op::Update(op)) => of(&op.object, &op.id),
                    Some(Op::Delete(op)) => of(&op.object, &op.id),
                    _ => 1,
                }));
            }
            for op in ops {
                check(world, op)?;
            }
            if world.dry_run {
                return Ok(Vec::new());
            }
            Ok(ops.iter().filter_map(|op| carry_out(world, op)).collect())
        })?;
        Ok(run::after_changes(changes))
    }

    fn check(world: &World, op: &Op) -> Result<(), Error> {
        let (right, object, id, version) = match op {
            Op::Create(op) => ("create", &op.object, None, None),
            Op::Update(op) => ("update", &op.object, Some(&op.id), op.if_version),
            Op::Delete(op) => ("delete", &op.object, Some(&op.id), op.if_version),
        };
        may(world, right, object)?;
        let Some(id) = id else { return Ok(()) };
        let record = world.get(object, id).ok_or(Error::NotFound)?;
        match version {
            Some(version) if version != record.version => Err(Error::Conflict(record.version)),
            _ => Ok(()),
        }
    }

    /// Before and after.
    fn carry_out(world: &mut World, op: &Op) -> Option<run::Changed> {
        match op {
            Op::Create(op) => {
                if let Some((object, id)) = op.idempotency_key.as_ref().and_then(|key| world.created.get(key)) {
                    let record = world.get(object, id);
                    return record.map(|record| run::Changed { before: Some(record.clone()), after: Some(record) });
                }
                let record = world.insert(&op.object, op.fields.clone());
                if let Some(key) = &op.idempotency_key {
                    world.created.insert(key.clone(), (record.object.clone(), record.id.clone()));
                }
                Some(run::Changed { before: None, after: Some(record) })
            }
            Op::Update(op) => {
                let before = world.get(&op.object, &op.id)?;
                let mut after = before.clone();
                world.set(&mut after, op.fields.clone());
                after.version += 1;
                world.replace(after.clone());
                Some(run::Changed { before: Some(before), after: Some(after) })
            }
            Op::Delete(op) => {
                let before = world.get(&op.object, &op.id);
                world.remove(&op.object, &op.id);
                Some(run::Changed { before, after: None })
            }
        }
    }
}

pub mod http {
    use super::{HttpError, Phase, called, web, with_world};

    pub fn send(request: &web::Request) -> Result<web::Response, HttpError> {
        let refused = with_world(|world| {
            if world.phase == Phase::Saving {
                return Some(HttpError::Denied("http is not possible while saving".into()));
            }
            let allowed = world.manifest.http.as_ref().map_or(&[][..], |http| &http.allow);
            (!world.manifest.allows(allowed, &request.url, &world.settings))
                .then(|| HttpError::Denied(format!("[http] allow does not name the host of {}", request.url)))
        });
        let sent = refused.map_or_else(|| with_secrets(request), Err);
        // The other side is played by the test, which may look at its Kith.
        let server = called_without_cut(&sent);
        let answer = match (sent, server) {
            (Err(error), _) => Err(error),
            (Ok(_), Answer::Given(answer)) => answer,
            (Ok(_), Answer::Nobody) => Err(HttpError::Connect),
            (Ok(sent), Answer::Ask(mut server)) => {
                let answer = server(&sent);
                with_world(|world| {
                    world.server.get_or_insert(server);
                });
                answer
            }
        };
        called(|world| {
            if let (Ok(answer), Some(key)) = (&answer, &request.idempotency_key)
                && answer.status < 400
            {
                world.answered.insert(key.clone(), answer.clone());
            }
        });
        answer
    }

    enum Answer {
        Given(Result<web::Response, HttpError>),
        Nobody,
        Ask(crate::testing::Server),
    }

    fn called_without_cut(sent: &Result<web::Request, HttpError>) -> Answer {
        with_world(|world| {
            let Ok(sent) = sent else { return Answer::Nobody };
            if let Some(before) = sent.idempotency_key.as_ref().and_then(|key| world.answered.get(key)) {
                return Answer::Given(Ok(before.clone()));
            }
            world.requests.push(sent.clone());
            match world.answers.pop_front() {
                Some(answer) => Answer::Given(answer),
                None => world.server.take().map_or(Answer::Nobody, Answer::Ask),
            }
        })
    }

    /// Fills in the secrets that may go to this host.
    fn with_secrets(request: &web::Request) -> Result<web::Request, HttpError> {
        with_world(|world| {
            let mut sent = request.clone();
            for (name, secret) in &world.manifest.secrets {
                let written = format!("{{{{secret:{name}}}}}");
                let body = String::from_utf8_lossy(&sent.body).contains(&written);
                if !body
                    && !sent.url.contains(&written)
                    && !sent.headers.iter().any(|(_, value)| value.contains(&written))
                {
                    continue;
                }
                if !world.manifest.allows(&secret.allow_hosts, &request.url, &world.settings) {
                    return Err(HttpError::Denied(format!("secret '{name}' may not go to this host")));
                }
                let Some(value) = world.secrets.get(name) else {
                    return Err(HttpError::Denied(format!("secret '{name}' is not set")));
                };
                sent.url = sent.url.replace(&written, value);
                for (_, header) in &mut sent.headers {
                    *header = header.replace(&written, value);
                }
                if body {
                    sent.body = String::from_utf8_lossy(&sent.body).replace(&written, value).into_bytes();
                }
            }
            Ok(sent)
        })
    }
}

pub mod kv {
    use super::{Error, World, called, doing};
    use crate::{bindings::host::kith::plugin::kv::Entry, testing::world};

    fn granted(world: &World) -> Result<(), Error> {
        world.manifest.kv.as_ref().map(|_| ()).ok_or_else(|| Error::Denied("[kv] is not in the manifest".into()))
    }

    fn live<'w>(world: &'w World, key: &str) -> Option<&'w world::Entry> {
        world.kv.get(key).filter(|entry| entry.expires_ms.is_none_or(|at| at > world.now_ms))
    }

    pub fn get(key: &str) -> Result<Option<Entry>, Error> {
        called(|world| {
            granted(world)?;
            let entry = live(world, key);
            Ok(entry.map(|entry| Entry { key: key.into(), value: entry.value.clone(), version: entry.version }))
        })
    }

    pub fn put(key: &str, value: &[u8], if_version: Option<u64>, ttl_s: Option<u32>) -> Result<u64, Error> {
        called(|world| {
            granted(world)?;
            doing(world, "a write to kv")?;
            if key.len() > 200 || value.len() > 64 * 1_024 {
                return Err(Error::Limit("keys have 200 bytes, values 64 KiB".into()));
            }
            let there = live(world, key).map_or(0, |entry| entry.version);
            if if_version.is_some_and(|wanted| wanted != there) {
                return Err(Error::Conflict(there));
            }
            let expires_ms = ttl_s.map(|ttl| world.now_ms + u64::from(ttl) * 1_000);
            if !world.dry_run {
                world.kv.insert(key.into(), world::Entry { value: value.to_vec(), version: there + 1, expires_ms });
            }
            Ok(there + 1)
        })
    }

    pub fn remove(key: &str) -> Result<(), Error> {
        called(|world| {
            granted(world)?;
            doing(world, "a write to kv")?;
            world.kv.remove(key);
            Ok(())
        })
    }

    pub fn keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Error> {
        called(|world| {
            granted(world)?;
            let keys =
                world.kv.keys().filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
            Ok(keys.filter(|key| live(world, key).is_some()).take(limit.min(1_000) as usize).cloned().collect())
        })
    }
}

pub mod outbox {
    use super::{Error, called, doing};
    use crate::{
        bindings::host::kith::plugin::outbox::{Mail, Notice},
        testing::Later,
    };

    pub fn send_mail(mail: &Mail, key: &str) -> Result<String, Error> {
        called(|world| {
            doing(world, "mail")?;
            if !world.manifest.outbox.as_ref().is_some_and(|outbox| outbox.mail) {
                return Err(Error::Denied("[outbox] mail = true is not in the manifest".into()));
            }
            if !world.dry_run && !world.mails.iter().any(|(sent, _)| sent == key) {
                world.mails.push((key.into(), mail.clone()));
            }
            Ok(format!("mail:{key}"))
        })
    }

    pub fn notify(notice: &Notice) -> Result<(), Error> {
        called(|world| {
            doing(world, "a notice")?;
            if !world.manifest.outbox.as_ref().is_some_and(|outbox| outbox.notify) {
                return Err(Error::Denied("[outbox] notify = true is not in the manifest".into()));
            }
            if !world.dry_run {
                world.notices.push(notice.clone());
            }
            Ok(())
        })
    }

    pub fn run_later(job: &str, input: &str, delay_s: u32, key: &str) -> Result<String, Error> {
        called(|world| {
            doing(world, "a job for later")?;
            if !world.manifest.jobs.contains_key(job) {
                return Err(Error::Denied(format!("[jobs.{job}] is not in the manifest")));
            }
            if let Some(id) = world.later_keys.get(key) {
                return Ok(id.clone());
            }
            let id = world.fresh_id();
            let due_ms = world.now_ms + u64::from(delay_s) * 1_000;
            world.later_keys.insert(key.into(), id.clone());
            world.later.push(Later { id: id.clone(), job: job.into(), input: input.into(), due_ms, key: key.into() });
            Ok(id)
        })
    }

    pub fn cancel(id: &str) -> Result<bool, Error> {
        called(|world| {
            let before = world.later.len();
            world.later.retain(|later| later.id != id);
            Ok(world.later.len() < before)
        })
    }
}

pub mod blobs {
    use super::{Error, called, doing};
    use crate::bindings::host::kith::plugin::blobs::Info;

    pub fn stat(id: &str) -> Result<Info, Error> {
        called(|world| world.files.get(id).map(|(info, _)| info.clone()).ok_or(Error::NotFound))
    }

    pub fn read(id: &str, offset: u64, len: u32) -> Result<Vec<u8>, Error> {
        called(|world| {
            if !world.manifest.blobs.as_ref().is_some_and(|blobs| blobs.read) && world.manifest.importers.is_empty() {
                return Err(Error::Denied("[blobs] read = true is not in the manifest".into()));
            }
            let (_, content) = world.files.get(id).ok_or(Error::NotFound)?;
            let from = (offset as usize).min(content.len());
            let to = (from + (len as usize).min(1 << 20)).min(content.len());
            Ok(content[from..to].to_vec())
        })
    }

    pub fn put(name: &str, mime: &str, content: &[u8], _attach_to: Option<&str>) -> Result<Info, Error> {
        called(|world| {
            doing(world, "keeping a file")?;
            if !world.manifest.blobs.as_ref().is_some_and(|blobs| blobs.write) {
                return Err(Error::Denied("[blobs] write = true is not in the manifest".into()));
            }
            Ok(world.keep(name, mime, content.to_vec()))
        })
    }
}
