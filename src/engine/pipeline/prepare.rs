//! From commands to planned changes: parse, access, hooks, validation. Works against the image plus its own earlier changes, writes
//! nothing, and may be run again when a record turned out to be newer.

use std::{collections::HashMap, sync::Arc};

use kith_base::{RecordId, TimestampMs};
use kith_model::{ReadContext, Value, Values, Violation, expr::EvalContext, validate};

use super::{
    head::ChangeKind,
    plan::{Planned, Target},
};
use crate::{
    Actor, Cause, Command, EngineError, Fields, Op, Record,
    access::{Guard, Sight, administration::ends_for_good},
    engine::Core,
    meta::{Meta, ObjectMeta},
    record::SYSTEM_ID,
    system::ids,
};

/// By whose right a change is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rights {
    /// The actor's own.
    Actor,
    /// The engine's: it has decided already (definitions, sign-in, upkeep). The actor is only named.
    Engine,
}

/// Changes that are ready for the writer.
pub(crate) struct Prepared {
    /// Revision of the schema they were prepared under.
    pub revision: u64,
    pub changes: Vec<Planned>,
    /// The record that each command led to.
    pub results: Vec<RecordId>,
    /// Records of commands that change nothing.
    pub unchanged: HashMap<RecordId, Record>,
}

/// Everything that preparing looks at.
pub(crate) struct Drafting<'a> {
    pub(super) core: &'a Core,
    pub(super) meta: Arc<Meta>,
    pub(super) actor: &'a Actor,
    pub(super) rights: Rights,
    pub(super) cause: &'a Cause,
    pub(super) context: &'a ReadContext,
    pub(super) now_ms: TimestampMs,
    pub(super) evaluation: EvalContext,
    pub(super) planned: Vec<Planned>,
    pub(super) by_id: HashMap<RecordId, usize>,
}

/// Prepares a transaction.
///
/// # Errors
/// The first refusal, with the place of its command.
pub(crate) fn prepare(
    core: &Core,
    actor: &Actor,
    rights: Rights,
    commands: &[Command],
    ids: &[RecordId],
    cause: &Cause,
    context: &ReadContext,
) -> Result<Prepared, EngineError> {
    let now_ms = core.now_ms();
    let evaluation = EvalContext { now_ms, time_zone: context.time_zone.clone(), me: actor.user };
    let meta = core.meta();
    let revision = meta.revision;
    let mut drafting = Drafting {
        core,
        meta,
        actor,
        rights,
        cause,
        context,
        now_ms,
        evaluation,
        planned: Vec::with_capacity(commands.len()),
        by_id: HashMap::with_capacity(commands.len()),
    };
    let mut unchanged = HashMap::new();
    for (index, command) in commands.iter().enumerate() {
        if let Some(record) = drafting.step(index, command, ids[index]).map_err(|e| placed(e, index, commands.len()))? {
            unchanged.insert(record.id, record);
        }
    }
    drafting.check_targets().map_err(|(index, e)| placed(e, index, commands.len()))?;
    for planned in &mut drafting.planned {
        planned.finish().map_err(|e| placed(e, planned.index, commands.len()))?;
    }
    Ok(Prepared { revision, changes: drafting.planned, results: ids.to_vec(), unchanged })
}

/// A single command needs no place.
pub(crate) fn placed(error: EngineError, index: usize, of: usize) -> EngineError {
    if of > 1 { error.at(index) } else { error }
}

/// The record each command is about; new ones get their id here, once, so that preparing again does not change it.
pub(crate) fn ids_of(commands: &[Command], now_ms: TimestampMs) -> Vec<RecordId> {
    let id = |command: &Command| match command {
        Command::Create { id: Some(id), .. } => *id,
        Command::Create { id: None, .. } => RecordId::generate(now_ms),
        Command::Update { id, .. } | Command::Delete { id, .. } | Command::Restore { id, .. } => *id,
    };
    commands.iter().map(id).collect()
}

impl Drafting<'_> {
    /// One command. Some: it changes nothing.
    fn step(&mut self, index: usize, command: &Command, id: RecordId) -> Result<Option<Record>, EngineError> {
        match command {
            Command::Create { object, values, .. } => self.create(index, object, id, values).map(|()| None),
            Command::Update { object, version, values, .. } => self.update(index, object, id, *version, values),
            Command::Delete { object, version, .. } => self.delete(index, object, id, *version),
            Command::Restore { object, .. } => self.restore(index, object, id),
        }
    }

    fn create(&mut self, index: usize, object: &str, id: RecordId, fields: &Fields) -> Result<(), EngineError> {
        let meta = self.object(object)?;
        if id == SYSTEM_ID || self.by_id.contains_key(&id) || self.core.image.meta(id).is_some() {
            let said = format!("there is a record {id} already; leave 'id' out, or send an update");
            return Err(EngineError::NotUnique(vec![Violation::new("id", "not_unique", said)]));
        }
        let mut values = Values::default();
        for (field, value) in &meta.defaults {
            values.set(*field, value.clone());
        }
        let read = self.read_fields(&meta, fields)?;
        if self.rights == Rights::Actor {
            let numbers: Vec<u32> = read.iter().map(|(field, _)| *field).collect();
            Guard::new(self.actor).check_create(&meta.def, &numbers)?;
        }
        for (field, value) in read {
            values.set(field, value);
        }
        let values = self.hook(&meta, id, None, values)?;
        let author = self.author();
        let record = Record {
            id,
            object: meta.def.id,
            version: 1,
            seq: 0,
            created_at: self.now_ms,
            updated_at: self.now_ms,
            created_by: author,
            updated_by: author,
            trashed: false,
            values,
        };
        self.plan(index, meta, None, record)
    }

    fn update(
        &mut self,
        index: usize,
        object: &str,
        id: RecordId,
        version: Option<u64>,
        fields: &Fields,
    ) -> Result<Option<Record>, EngineError> {
        let meta = self.object(object)?;
        let before = self.existing(&meta, id)?;
        let read = self.read_fields(&meta, fields)?;
        // Sending back what is there is no change: forms do so with fields they only show.
        let changed = read.iter().filter(|(field, value)| before.values.get(*field) != value).map(|(field, _)| *field);
        self.check(&meta, Op::Update, &before, &changed.collect::<Vec<u32>>())?;
        expect_version(&before, version)?;
        // In the trash the engine itself may take values away, and nobody may do anything else.
        let only_empties = self.rights == Rights::Engine && read.iter().all(|(_, value)| value.is_null());
        if before.trashed && !only_empties {
            return Err(EngineError::invalid("id", "in_trash", "the record is in the trash; restore it first"));
        }
        let mut values = before.values.clone();
        for (field, value) in read {
            values.set(field, value);
        }
        let values = if before.trashed { values } else { self.hook(&meta, id, Some(&before), values)? };
        if values == before.values {
            return Ok(Some(before));
        }
        let record = self.next(&before, values, before.trashed);
        self.plan(index, meta, Some(before), record)?;
        Ok(None)
    }

    fn delete(
        &mut self,
        index: usize,
        object: &str,
        id: RecordId,
        version: Option<u64>,
    ) -> Result<Option<Record>, EngineError> {
        let meta = self.object(object)?;
        let before = self.existing(&meta, id)?;
        self.check(&meta, Op::Delete, &before, &[])?;
        expect_version(&before, version)?;
        if before.trashed {
            return Ok(Some(before));
        }
        self.hook_delete(&meta, &before)?;
        let record = self.next(&before, before.values.clone(), true);
        self.plan(index, meta, Some(before), record)?;
        Ok(None)
    }

    fn restore(&mut self, index: usize, object: &str, id: RecordId) -> Result<Option<Record>, EngineError> {
        let meta = self.object(object)?;
        let before = self.existing(&meta, id)?;
        self.check(&meta, Op::Delete, &before, &[])?;
        if self.rights == Rights::Actor && ends_for_good(&meta.def) {
            let said = format!("records of '{object}' do not come back from the trash; sign in or enrol again");
            return Err(EngineError::AccessDenied(said));
        }
        if !before.trashed {
            return Ok(Some(before));
        }
        let record = self.next(&before, before.values.clone(), false);
        self.plan(index, meta, Some(before), record)?;
        Ok(None)
    }

    fn object(&self, key: &str) -> Result<Arc<ObjectMeta>, EngineError> {
        let meta = self.meta.object(key)?;
        let definition = matches!(meta.def.id, ids::objects::OBJECT | ids::fields::OBJECT);
        if definition && self.rights == Rights::Actor {
            let said = "objects and fields change through /api/v1/objects, which checks them against each other";
            return Err(EngineError::Request(said.into()));
        }
        Ok(meta.clone())
    }

    /// The record as this transaction sees it, without computed fields.
    fn existing(&self, meta: &Arc<ObjectMeta>, id: RecordId) -> Result<Record, EngineError> {
        let missing = || EngineError::RecordNotFound { object: meta.def.key.clone(), id };
        let mut record = self.current(id).filter(|r| r.object == meta.def.id).ok_or_else(missing)?;
        strip_computed(meta, &mut record);
        Ok(record)
    }

    fn check(&self, meta: &Arc<ObjectMeta>, op: Op, before: &Record, fields: &[u32]) -> Result<(), EngineError> {
        if self.rights == Rights::Engine || self.actor.is_system() {
            return Ok(());
        }
        let find = |id| self.whole(id);
        let sight = self.sight().finding(&find);
        if meta.computed.is_empty() {
            return sight.check(&meta.def, op, before, fields);
        }
        // Rules may be written over computed fields.
        let mut whole = before.clone();
        self.core.image.evaluate_computed(&mut whole);
        sight.check(&meta.def, op, &whole, fields)
    }

    fn sight(&self) -> Sight<'_> {
        Sight::new(self.actor, &self.core.image, self.meta.clone(), self.evaluation.clone())
    }

    /// As `current`, with what is computed.
    fn whole(&self, id: RecordId) -> Option<Record> {
        let mut record = self.current(id)?;
        if self.by_id.contains_key(&id) {
            self.core.image.evaluate_computed(&mut record);
        }
        Some(record)
    }

    /// The record with this transaction's earlier changes.
    pub(super) fn current(&self, id: RecordId) -> Option<Record> {
        match self.by_id.get(&id) {
            Some(at) => Some(self.planned[*at].record.clone()),
            None => self.core.image.get(id),
        }
    }

    fn author(&self) -> RecordId {
        self.actor.author()
    }

    /// What was sent, by field number.
    fn read_fields(&self, meta: &Arc<ObjectMeta>, fields: &Fields) -> Result<Vec<(u32, Value)>, EngineError> {
        let pairs = match fields {
            Fields::Json(map) => {
                // Read against what the actor knows: a hidden field is refused in the same words as one that never was.
                let known = match self.rights {
                    Rights::Actor => Guard::new(self.actor).known(&meta.def),
                    Rights::Engine => meta.def.clone(),
                };
                return validate::read_values(&known, self.context, map).map_err(EngineError::Invalid);
            }
            Fields::Parsed(pairs) => pairs,
        };
        let mut read = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let field = meta.field(key).ok_or_else(|| Guard::new(self.actor).unknown_field(&meta.def, key))?;
            if field.kind == "computed" {
                let said = format!("'{key}' is computed; change what it is computed from");
                return Err(EngineError::invalid(key, "read_only", said));
            }
            read.push((field.id, value.clone()));
        }
        Ok(read)
    }

    fn next(&self, before: &Record, values: Values, trashed: bool) -> Record {
        Record {
            version: before.version + 1,
            updated_at: self.now_ms,
            updated_by: self.author(),
            trashed,
            values,
            ..before.clone()
        }
    }

    /// Validates a new version and puts it into the plan, over an earlier one of this transaction.
    fn plan(
        &mut self,
        index: usize,
        meta: Arc<ObjectMeta>,
        before: Option<Record>,
        mut record: Record,
    ) -> Result<(), EngineError> {
        if !record.trashed {
            let violations = validate::check_record(&meta.def, &record.values);
            if !violations.is_empty() {
                return Err(EngineError::Invalid(violations));
            }
        }
        if let Some(at) = self.by_id.get(&record.id).copied() {
            let planned = &mut self.planned[at];
            record.version = planned.record.version;
            planned.record = record;
            planned.describe();
            return Ok(());
        }
        self.by_id.insert(record.id, self.planned.len());
        let mut planned = Planned {
            index,
            meta,
            record,
            before,
            kind: ChangeKind::Created,
            fields: Vec::new(),
            claims: Vec::new(),
            targets: Vec::new(),
            encoded: None,
        };
        planned.describe();
        self.planned.push(planned);
        Ok(())
    }

    /// Links may go to records that later commands of the transaction create, so they are checked at the end.
    fn check_targets(&self) -> Result<(), (usize, EngineError)> {
        for planned in &self.planned {
            let bad = planned.targets.iter().find(|target| {
                let (object, trashed) = match self.by_id.get(&target.id) {
                    Some(at) => (self.planned[*at].record.object, self.planned[*at].record.trashed),
                    None => match self.core.image.meta(target.id) {
                        Some(meta) => (meta.object, meta.trashed),
                        None => return true,
                    },
                };
                trashed || target.object.is_some_and(|wanted| wanted != object)
            });
            if let Some(target) = bad.or_else(|| self.unseen(planned)) {
                return Err((planned.index, self.bad_target(planned, target)));
            }
        }
        Ok(())
    }

    /// What the record would newly hang on though the actor may not read it; records of this transaction are the actor's own.
    fn unseen<'p>(&self, planned: &'p Planned) -> Option<&'p Target> {
        if self.rights == Rights::Engine || planned.meta.belongs.is_empty() {
            return None;
        }
        let hangs =
            |target: &&Target| planned.meta.belongs.contains(&target.field) && !self.by_id.contains_key(&target.id);
        let sight = self.sight();
        planned.targets.iter().filter(hangs).find(|target| !sight.may_hang_on(target.id))
    }

    fn bad_target(&self, planned: &Planned, target: &Target) -> EngineError {
        let key = planned.meta.field_by_id(target.field).map_or("", |f| f.key.as_str());
        let wanted = target.object.map_or("record", |object| self.meta.key_of(object));
        let said = format!("'{key}' points at {}, and there is no such {wanted} outside the trash", target.id);
        EngineError::invalid(key, "no_such_record", said)
    }
}

fn expect_version(record: &Record, version: Option<u64>) -> Result<(), EngineError> {
    match version {
        Some(expected) if expected != record.version => {
            Err(EngineError::VersionConflict { id: record.id, expected, found: record.version })
        }
        _ => Ok(()),
    }
}

pub(crate) fn strip_computed(meta: &ObjectMeta, record: &mut Record) {
    for field in &meta.computed {
        record.values.set(*field, Value::Null);
    }
}
