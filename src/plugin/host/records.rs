//! `records`: reading and writing as the plugin's own actor, so that the engine decides as for anybody else; what the grant does not name is
//! refused before.

use std::sync::Arc;

use kith_base::RecordId;
use kith_engine::{Actor, Cause, Command, CommitOptions, Engine, Fields, Query, Record};
use kith_model::ObjectDef;

use super::told;
use crate::{
    contract::{
        Entity, Error, Field,
        records::{Host, Op, Page, Query as Asked},
    },
    filter,
    kept::{Kept, check_key},
    manifest::Right,
    runtime::call::{CallState, Phase},
    values::{entity, fields, long_key},
};

const ROWS_MAX: usize = 500;

/// A change whose chain of causes is this long is refused: plugins that set each other off end here.
pub const DEPTH_MAX: u8 = 8;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for CallState {
    fn get(&mut self, object: String, ids: Vec<String>, select: Vec<String>) -> Answer<Vec<Entity>> {
        self.ask("records.get", (object, ids, select), |state, (object, ids, select)| {
            state.get_records(&object, &ids, &select)
        })
    }

    fn find(&mut self, q: Asked) -> Answer<Page> {
        self.ask("records.find", (q,), |state, (q,)| state.find_records(q))
    }

    fn apply(&mut self, ops: Vec<Op>) -> Answer<Vec<Entity>> {
        self.ask("records.apply", (ops,), |state, (ops,)| state.apply_ops(ops))
    }
}

impl CallState {
    /// The object by what the guest calls it, if the grant allows this.
    fn object(&self, name: &str, right: Right) -> Result<Arc<ObjectDef>, Error> {
        let manifest = &self.plugin.manifest;
        let key = manifest.object_key(name);
        if !self.plugin.may(right, &key) {
            let right = match right {
                Right::Read => "read",
                Right::Create => "create",
                Right::Update => "update",
                Right::Delete => "delete",
            };
            return Err(Error::Denied(format!(
                "'{name}' is not granted; ask for it in plugin.toml: [records] {name} = [\"{right}\"]"
            )));
        }
        self.engine().schema().object(&key).cloned().ok_or(Error::NotFound)
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.services.engine
    }

    fn shown(&self, object: &ObjectDef, record: &Record, select: &[String]) -> Entity {
        let manifest = &self.plugin.manifest;
        let keys: Vec<String> = select.iter().map(|key| long_key(manifest, object, key)).collect();
        entity(manifest, object, record, (!keys.is_empty()).then_some(&keys[..]))
    }

    fn get_records(&self, name: &str, ids: &[String], select: &[String]) -> Result<Vec<Entity>, Error> {
        let object = self.object(name, Right::Read)?;
        if ids.len() > ROWS_MAX {
            return Err(Error::Limit(format!("at most {ROWS_MAX} ids at a time")));
        }
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let Ok(id) = id.parse::<RecordId>() else { continue };
            match self.engine().get(&self.plugin.actor, &object.key, id) {
                Ok(record) => found.push(self.shown(&object, &record, select)),
                Err(kith_engine::EngineError::RecordNotFound { .. }) => {}
                Err(error) => return Err(told(&error)),
            }
        }
        Ok(found)
    }

    fn find_records(&self, asked: Asked) -> Result<Page, Error> {
        let object = self.object(&asked.object, Right::Read)?;
        let manifest = &self.plugin.manifest;
        let filter = match asked.filter.trim() {
            "" => None,
            text => Some(filter::bound(manifest, &object, text, &asked.params).map_err(Error::Other)?),
        };
        let sort = |key: &String| match key.strip_prefix('-') {
            Some(key) => (long_key(manifest, &object, key), true),
            None => (long_key(manifest, &object, key), false),
        };
        let query = Query {
            filter,
            sort: asked.order.iter().map(sort).collect(),
            limit: (asked.limit as usize).clamp(1, ROWS_MAX),
            cursor: asked.cursor,
            ..Query::of(&object.key)
        };
        let page = self.engine().query(&self.plugin.actor, &query).map_err(|e| told(&e))?;
        let rows = page.records.iter().map(|record| self.shown(&object, record, &asked.select)).collect();
        Ok(Page { rows, next: page.next_cursor })
    }

    fn apply_ops(&mut self, ops: Vec<Op>) -> Result<Vec<Entity>, Error> {
        self.at_least(Phase::Doing, "writing records").map_err(Error::Denied)?;
        if ops.len() > ROWS_MAX {
            return Err(Error::Limit(format!("at most {ROWS_MAX} changes at a time")));
        }
        if self.info.depth >= DEPTH_MAX {
            let said =
                format!("plugins set each other off {DEPTH_MAX} times in a row; this change is refused to end that");
            return Err(Error::Denied(said));
        }
        self.limits.write_rows(ops.len()).map_err(Error::Limit)?;
        let mut commands = Vec::with_capacity(ops.len());
        // Operations that turn out to be done: their key stands for a record that is there.
        let mut done: Vec<(usize, RecordId)> = Vec::new();
        let mut objects = Vec::with_capacity(ops.len());
        for (place, op) in ops.into_iter().enumerate() {
            let (object, command) = self.command(op)?;
            match &command {
                Command::Create { id: Some(id), .. } if self.exists(&object, *id) => done.push((place, *id)),
                _ => commands.push(command),
            }
            objects.push(object);
        }
        let options = CommitOptions { dry_run: self.info.dry_run, ..CommitOptions::caused_by(self.cause()) };
        let written = self.engine().execute(&self.plugin.actor, commands, options).map_err(|e| told(&e))?;
        let mut written = written.into_iter();
        let mut shown = Vec::with_capacity(objects.len());
        for (place, object) in objects.iter().enumerate() {
            let record = match done.iter().find(|(at, _)| *at == place) {
                Some((_, id)) => {
                    self.engine().get_for_change(&self.plugin.actor, &object.key, *id).map_err(|e| told(&e))?
                }
                None => written.next().ok_or(Error::NotFound)?,
            };
            shown.push(self.shown(object, &record, &[]));
        }
        Ok(shown)
    }

    fn exists(&self, object: &ObjectDef, id: RecordId) -> bool {
        self.engine().get_for_change(&Actor::system(), &object.key, id).is_ok()
    }

    /// One operation as the engine's command.
    fn command(&self, op: Op) -> Result<(Arc<ObjectDef>, Command), Error> {
        let read = |object: &ObjectDef, list: &[Field]| {
            fields(&self.plugin.manifest, object, list).map(Fields::Json).map_err(Error::Invalid)
        };
        let id = |text: &str| text.parse::<RecordId>().map_err(|_| Error::NotFound);
        Ok(match op {
            Op::Create(create) => {
                let object = self.object(&create.object, Right::Create)?;
                let values = read(&object, &create.fields)?;
                let id = match create.idempotency_key {
                    Some(key) if !self.info.dry_run => {
                        check_key(&key).map_err(Error::Limit)?;
                        let kept = Kept::of(&self.services.engine, &self.plugin.id);
                        Some(kept.record_for(&key).map_err(|e| told(&e))?)
                    }
                    _ => None,
                };
                let command = Command::Create { object: object.key.clone(), id, values };
                (object, command)
            }
            Op::Update(update) => {
                let object = self.object(&update.object, Right::Update)?;
                let values = read(&object, &update.fields)?;
                let (id, version) = (id(&update.id)?, update.if_version);
                let command = Command::Update { object: object.key.clone(), id, version, values };
                (object, command)
            }
            Op::Delete(delete) => {
                let object = self.object(&delete.object, Right::Delete)?;
                let (id, version) = (id(&delete.id)?, delete.if_version);
                let command = Command::Delete { object: object.key.clone(), id, version };
                (object, command)
            }
        })
    }

    /// What the journal says of what this call writes.
    pub(crate) fn cause(&self) -> Cause {
        Cause { depth: self.info.depth.saturating_add(1), ..Cause::of("plugin", self.plugin.id.clone()) }
    }
}
