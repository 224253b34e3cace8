//! What an actor may see, where that depends on other records too: notes, tasks, files and whatever else hangs on a record are seen only
//! by whoever may see that record. The one door to decisions on records; `guard` decides on each by itself.

use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc};

use kith_base::RecordId;
use kith_model::{ObjectDef, expr::EvalContext};

use super::{Guard, Op, Restriction, decide::holds};
use crate::{
    Actor, EngineError, Record,
    image::{Bits, Image, coding::linked},
    meta::{Meta, ObjectMeta},
    query::ImageQuery,
};

/// Records that may hang on each other before the last is taken for unseen: a file on a note on a person is two.
const STEPS_MAX: u8 = 4;

/// Up to this many rows are decided one by one; for more, bitmaps of what they hang on are cheaper.
const SINGLY_MAX: usize = 64;

/// An actor's rights, with an eye on the records.
pub struct Sight<'a> {
    guard: Guard<'a>,
    image: &'a Image,
    meta: Arc<Meta>,
    context: EvalContext,
    /// Finds what a record hangs on; a transaction knows more than the image.
    find: Option<&'a dyn Fn(RecordId) -> Option<Record>>,
    /// What of an object may be seen, once worked out for a list.
    seen: RefCell<HashMap<(u32, u8), Rc<Seen>>>,
}

/// Which rows of an object may be seen.
enum Seen {
    Everything,
    Nothing,
    Rows(Bits),
}

impl Seen {
    fn has(&self, row: u32) -> bool {
        match self {
            Seen::Everything => true,
            Seen::Nothing => false,
            Seen::Rows(rows) => rows.get(row as usize),
        }
    }
}

impl<'a> Sight<'a> {
    pub(crate) fn new(actor: &'a Actor, image: &'a Image, meta: Arc<Meta>, context: EvalContext) -> Sight<'a> {
        Sight { guard: Guard::new(actor), image, meta, context, find: None, seen: RefCell::default() }
    }

    /// The same, with records of a transaction that is being prepared.
    pub(crate) fn finding(self, find: &'a dyn Fn(RecordId) -> Option<Record>) -> Sight<'a> {
        Sight { find: Some(find), ..self }
    }

    pub fn guard(&self) -> Guard<'a> {
        self.guard
    }

    pub fn context(&self) -> &EvalContext {
        &self.context
    }

    /// Whether the actor may do `op` with this record.
    pub fn may(&self, object: &Arc<ObjectDef>, op: Op, record: &Record) -> bool {
        self.guard.may(object, op, record, &self.context) && self.hangs_on_seen(record)
    }

    /// Decides on doing `op` with a record as it is now; `fields`: those an update changes.
    ///
    /// # Errors
    /// `record.not_found` where the actor may not even read it, `access.denied`, or `field.not_found` for a hidden field.
    pub fn check(&self, object: &Arc<ObjectDef>, op: Op, record: &Record, fields: &[u32]) -> Result<(), EngineError> {
        if !self.hangs_on_seen(record) {
            return Err(EngineError::RecordNotFound { object: object.key.clone(), id: record.id });
        }
        self.guard.check(object, op, record, fields, &self.context)
    }

    /// Whether reading every record of the object is allowed without looking at any.
    pub fn sees_all(&self, object: &ObjectMeta) -> bool {
        matches!(self.guard.restriction(&object.def, Op::Read), Restriction::Everything)
            && (object.belongs.is_empty() || self.guard.is_unbound())
    }

    /// Whether the actor may read what a record hangs on; true for what hangs on nothing.
    pub(crate) fn hangs_on_seen(&self, record: &Record) -> bool {
        self.guard.is_unbound() || self.follows(record, STEPS_MAX)
    }

    /// Whether a record may be made to hang on this one.
    pub(crate) fn may_hang_on(&self, id: RecordId) -> bool {
        self.guard.is_unbound() || self.sees(id, STEPS_MAX)
    }

    fn follows(&self, record: &Record, steps: u8) -> bool {
        let Some(object) = self.meta.object_by_id(record.object) else { return true };
        object.belongs.iter().all(|field| match linked(record.values.get(*field)) {
            [] => true,
            ids => ids.iter().any(|id| self.sees(*id, steps)),
        })
    }

    fn sees(&self, id: RecordId, steps: u8) -> bool {
        let found = match self.find {
            Some(find) => find(id),
            None => self.image.get(id),
        };
        let Some(target) = found else { return false };
        let Some(object) = self.meta.object_by_id(target.object) else { return false };
        if !object.belongs.is_empty() && steps == 0 {
            return false;
        }
        let restriction = self.guard.of_role(&object.def);
        holds(&restriction, &object.def, &target, &self.context) && self.follows(&target, steps.saturating_sub(1))
    }

    /// Narrows a question about an object to the records that hang on what the actor may read.
    ///
    /// # Errors
    /// As `Image::select`.
    pub(crate) fn narrow(&self, object: &ObjectMeta, query: &mut ImageQuery) -> Result<(), EngineError> {
        if object.belongs.is_empty() || self.guard.is_unbound() {
            return Ok(());
        }
        if object.belongs.iter().all(|field| self.leads_to_seen_only(object, *field)) {
            return Ok(());
        }
        let mut rows = self.image.rows(query, &self.context)?;
        if rows.count() <= SINGLY_MAX {
            let mut kept = Bits::zeros(rows.len());
            for (row, record) in self.image.records_of_rows(object.def.id, &rows) {
                kept.set(row as usize, self.follows(&record, STEPS_MAX));
            }
            rows = kept;
        } else {
            for field in &object.belongs {
                if let Some(seen) = self.leading(object, *field, STEPS_MAX) {
                    rows.and(&seen);
                }
            }
        }
        // What the filter selects is in the rows already.
        (query.filter, query.ids, query.rows) = (None, None, Some(rows));
        Ok(())
    }

    /// For sort keys that compare titles of other records: the rows in which the actor may see what is compared.
    pub(crate) fn clear(&self, object: &ObjectMeta, sort: &[(String, bool)]) -> Vec<(String, Bits)> {
        if self.guard.is_unbound() && !self.guard.is_scoped() {
            return Vec::new();
        }
        let links = sort.iter().filter_map(|(key, _)| {
            let field = object.field(key)?.id;
            object.links.iter().any(|link| link.field == field).then_some((key, field))
        });
        links.filter_map(|(key, field)| Some((key.clone(), self.titles_seen(object, field)?))).collect()
    }

    /// Rows whose link leads to a record with a title that may be read, or nowhere. None: all.
    fn titles_seen(&self, object: &ObjectMeta, field: u32) -> Option<Bits> {
        let titled = |target: u32| {
            let Some(meta) = self.meta.object_by_id(target) else { return false };
            let known = self.guard.known(&meta.def);
            let shown = |key: &String| key.is_empty() || known.field(key).is_some();
            self.guard.may_some(&meta.def, Op::Read) && shown(&meta.def.title) && shown(&meta.def.subtitle)
        };
        let nothing = Rc::new(Seen::Nothing);
        let of = |target: u32| if titled(target) { self.seen(target, STEPS_MAX) } else { nothing.clone() };
        self.rows_leading(object, field, &of)
    }

    fn leads_to_seen_only(&self, object: &ObjectMeta, field: u32) -> bool {
        let seen = |target: u32| matches!(*self.seen(target, STEPS_MAX), Seen::Everything);
        self.led_to(object, field).into_iter().all(seen)
    }

    /// Rows that hang on what may be read, or on nothing. None: all.
    fn leading(&self, object: &ObjectMeta, field: u32, steps: u8) -> Option<Bits> {
        self.rows_leading(object, field, &|target| self.seen(target, steps))
    }

    fn rows_leading(&self, object: &ObjectMeta, field: u32, of: &dyn Fn(u32) -> Rc<Seen>) -> Option<Bits> {
        let seen: HashMap<u32, Rc<Seen>> =
            self.led_to(object, field).into_iter().map(|target| (target, of(target))).collect();
        if seen.values().all(|seen| matches!(**seen, Seen::Everything)) {
            return None;
        }
        let has = |(object, row): (u32, u32)| seen.get(&object).is_some_and(|seen| seen.has(row));
        Some(self.image.rows_leading(object.def.id, field, &has))
    }

    /// Numbers of the objects that a link may lead to, as few as are known.
    fn led_to(&self, object: &ObjectMeta, field: u32) -> Vec<u32> {
        match object.links.iter().find(|link| link.field == field).and_then(|link| link.target) {
            Some(target) => vec![target],
            None => self.image.objects_led_to(object.def.id, field),
        }
    }

    /// What of an object may be read by the role, the trash included.
    fn seen(&self, object: u32, steps: u8) -> Rc<Seen> {
        if let Some(known) = self.seen.borrow().get(&(object, steps)) {
            return known.clone();
        }
        let made = Rc::new(self.work_out(object, steps));
        self.seen.borrow_mut().insert((object, steps), made.clone());
        made
    }

    fn work_out(&self, object: u32, steps: u8) -> Seen {
        let Some(meta) = self.meta.object_by_id(object) else { return Seen::Nothing };
        if !meta.belongs.is_empty() && steps == 0 {
            return Seen::Nothing;
        }
        let mut rows = match self.guard.of_role(&meta.def) {
            Restriction::Nothing => return Seen::Nothing,
            Restriction::Everything => None,
            Restriction::Where(rule) => Some(self.image.rows_where(object, &rule, &self.context)),
        };
        for field in &meta.belongs {
            if let Some(seen) = self.leading(meta, *field, steps.saturating_sub(1)) {
                match &mut rows {
                    Some(rows) => drop(rows.and(&seen)),
                    None => rows = Some(seen),
                }
            }
        }
        rows.map_or(Seen::Everything, Seen::Rows)
    }
}
