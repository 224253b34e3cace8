//! Everything held on one record: itself, what hangs on it and what links to it, as far as the actor may see. What erasing would take,
//! asked for reading instead.

use std::collections::BTreeMap;

use kith_base::RecordId;

use super::plan::Reach;
use crate::{Actor, Engine, EngineError, Op, Record, Title, access::Guard};

/// What is held on a record. Masked for the actor.
#[derive(Clone, Debug)]
pub struct Held {
    pub record: Record,
    /// Records that hang on it, the trash included, by object and age.
    pub dependents: Vec<Record>,
    /// Other records that point at it, with the label of the field they do it by.
    pub links: Vec<(Title, String)>,
    /// Records that are held and that the actor may not read: only their number.
    pub unseen: usize,
}

impl Engine {
    /// Everything held on a record, for handing it to the person it is about.
    ///
    /// # Errors
    /// `object.not_found`, `record.not_found`, `access.denied` without the right to export the record.
    pub fn held_on(&self, actor: &Actor, object: &str, id: RecordId) -> Result<Held, EngineError> {
        let core = self.core();
        let meta = core.meta();
        let object = meta.object(object)?;
        let missing = || EngineError::RecordNotFound { object: object.def.key.clone(), id };
        let mut record = core.image.get_of(object.def.id, id).ok_or_else(missing)?;
        let (guard, sight) = (Guard::new(actor), self.sight(actor));
        let checked = sight.check(&object.def, Op::Export, &record, &[]);
        checked.map_err(|error| self.refuse(actor, &object.def.key, Op::Export.name(), error))?;
        guard.mask_record(&object.def, &mut record);
        let gone = BTreeMap::from([(id, object.def.id)]);
        let mut reach = Reach { core, meta: &meta, keep: Vec::new(), with: Vec::new(), gone, links: Vec::new() };
        reach.grow(vec![id])?;
        let mut held = Held { record, dependents: Vec::new(), links: Vec::new(), unseen: 0 };
        for (dependent, number) in reach.gone.iter().filter(|(dependent, _)| **dependent != id) {
            let found = core.image.get_of(*number, *dependent).zip(meta.object_by_id(*number));
            match found.filter(|(record, object)| sight.may(&object.def, Op::Read, record)) {
                Some((mut record, object)) => {
                    guard.mask_record(&object.def, &mut record);
                    held.dependents.push(record);
                }
                None => held.unseen += 1,
            }
        }
        held.dependents.sort_by_key(|record| (record.object, record.created_at, record.id));
        for (number, field, from) in &reach.links {
            let object = meta.object_by_id(*number);
            let known = object.map(|object| guard.known(&object.def));
            let label = known.as_ref().and_then(|def| def.field_by_id(*field)).map(|field| field.label.clone());
            match self.titles(actor, &[*from]).pop().zip(label) {
                Some(link) => held.links.push(link),
                None => held.unseen += 1,
            }
        }
        Ok(held)
    }
}
