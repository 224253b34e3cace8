//! Which records of an administration object belong to which user: kept in memory beside the image, so that a sign-in does not search
//! everything that points at a user. Holds ids only, and decides nothing.

use std::collections::{BTreeSet, HashMap};

use kith_base::RecordId;
use kith_model::{Value, expr::EvalContext};
use parking_lot::Mutex;

use crate::{Record, image::Image, query::ImageQuery};

/// Records read at first use. More sessions than that in one vault are years of them; the oldest are of no interest.
const READ_MAX: usize = 200_000;

/// Ids of one object by user, oldest first; those in the trash too. Read from the image on first use.
pub struct ByUser {
    object: u32,
    field: u32,
    ids: Mutex<Option<HashMap<RecordId, BTreeSet<RecordId>>>>,
}

impl ByUser {
    pub const fn new(object: u32, field: u32) -> ByUser {
        ByUser { object, field, ids: Mutex::new(None) }
    }

    /// The records of a user, newest first, at most `limit`.
    pub fn of(&self, image: &Image, user: RecordId, limit: usize) -> Vec<Record> {
        let newest: Vec<RecordId> = {
            let mut ids = self.ids.lock();
            let ids = ids.get_or_insert_with(|| self.read(image));
            ids.get(&user).map_or_else(Vec::new, |ids| ids.iter().rev().take(limit).copied().collect())
        };
        newest.into_iter().filter_map(|id| image.get_of(self.object, id)).collect()
    }

    /// To be called after a change of the record reached the image.
    pub fn changed(&self, record: &Record) {
        // Whoever reads the image for the first time after this sees the change there.
        if let (true, Some(ids)) = (record.object == self.object, self.ids.lock().as_mut()) {
            self.put(ids, record);
        }
    }

    fn read(&self, image: &Image) -> HashMap<RecordId, BTreeSet<RecordId>> {
        let mut ids = HashMap::new();
        let anybody = EvalContext { now_ms: 0, time_zone: "UTC".into(), me: None };
        for trashed in [false, true] {
            let all = ImageQuery { object: self.object, limit: READ_MAX, trashed, ..ImageQuery::default() };
            let page = image.query(&all, &anybody).unwrap_or_default();
            page.records.iter().for_each(|record| self.put(&mut ids, record));
        }
        ids
    }

    fn put(&self, ids: &mut HashMap<RecordId, BTreeSet<RecordId>>, record: &Record) {
        // The user of such a record never changes, so nothing has to be taken out elsewhere.
        if let Value::Link(user) = record.values.get(self.field) {
            ids.entry(*user).or_default().insert(record.id);
        }
    }
}
