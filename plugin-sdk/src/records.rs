//! Records, as far as the admin granted it: reads at any time, changes outside of saving.

use crate::bindings::host::kith::plugin::records::{Create, Delete, Query, Update};
pub use crate::bindings::host::kith::plugin::records::{Op, Page};
use crate::{Error, Field, Record, Result, Value, host};

/// Records of an object: `records::find("people").filter("source == $1", ["fair"]).all()?`.
pub fn find(object: &str) -> Find {
    Find(Query {
        object: object.into(),
        select: Vec::new(),
        filter: String::new(),
        params: Vec::new(),
        order: Vec::new(),
        limit: 500,
        cursor: None,
    })
}

/// A search that has not been sent yet.
#[must_use]
pub struct Find(Query);

impl Find {
    /// Only these fields; all that may be read when never called.
    pub fn select<T: Into<String>>(mut self, fields: impl IntoIterator<Item = T>) -> Find {
        self.0.select = fields.into_iter().map(Into::into).collect();
        self
    }

    /// CEL as in lists; `$1`, `$2` … stand for the parameters, which is the only safe way to bring values in.
    pub fn filter<T: Into<Value>>(mut self, filter: &str, params: impl IntoIterator<Item = T>) -> Find {
        self.0.filter = filter.into();
        self.0.params = params.into_iter().map(Into::into).collect();
        self
    }

    /// Field keys; a leading `-` for descending.
    pub fn order<T: Into<String>>(mut self, fields: impl IntoIterator<Item = T>) -> Find {
        self.0.order = fields.into_iter().map(Into::into).collect();
        self
    }

    /// At most this many on a page; 500 when never called, and 500 at most.
    pub fn limit(mut self, limit: u32) -> Find {
        self.0.limit = limit.min(500);
        self
    }

    /// From where a page before ended.
    pub fn after(mut self, cursor: Option<&str>) -> Find {
        self.0.cursor = cursor.map(Into::into);
        self
    }

    /// One page.
    pub fn page(self) -> Result<Page> {
        host::records::find(&self.0)
    }

    /// All pages. Use `page` where there may be tens of thousands: a plugin has 64 MB.
    pub fn all(mut self) -> Result<Vec<Record>> {
        let mut rows = Vec::new();
        loop {
            let mut page = host::records::find(&self.0)?;
            rows.append(&mut page.rows);
            match page.next {
                Some(next) => self.0.cursor = Some(next),
                None => return Ok(rows),
            }
        }
    }

    /// The first, in the order asked for.
    pub fn first(mut self) -> Result<Option<Record>> {
        self.0.limit = 1;
        Ok(host::records::find(&self.0)?.rows.into_iter().next())
    }
}

/// One record by id.
///
/// # Errors
/// `not-found`, also for records that may not be read.
pub fn get(object: &str, id: &str, fields: &[&str]) -> Result<Record> {
    get_many(object, &[id.to_string()], fields)?.into_iter().next().ok_or(Error::NotFound)
}

/// Those of these ids that exist and may be read, in the order asked for. At most 500.
pub fn get_many(object: &str, ids: &[String], fields: &[&str]) -> Result<Vec<Record>> {
    let select: Vec<String> = fields.iter().map(|field| field.to_string()).collect();
    host::records::get(object, ids, &select)
}

/// Creates one record. With the same `key` (remembered for 7 days) it is created once, however often this is called.
pub fn create(object: &str, fields: Vec<Field>, key: Option<&str>) -> Result<Record> {
    one(Op::create(object, fields, key))
}

/// Changes fields of one record.
pub fn update(object: &str, id: &str, fields: Vec<Field>) -> Result<Record> {
    one(Op::update(object, id, None, fields))
}

/// Changes fields of a record as it was read.
///
/// # Errors
/// `conflict` when somebody changed it in between: read it again and decide again.
pub fn update_if_unchanged(record: &Record, fields: Vec<Field>) -> Result<Record> {
    one(Op::update(&record.object, &record.id, Some(record.version), fields))
}

/// Moves one record to the trash.
pub fn delete(object: &str, id: &str) -> Result<()> {
    apply(&[Op::delete(object, id, None)]).map(|_| ())
}

/// All or none; at most 500. The records as they are afterwards.
pub fn apply(ops: &[Op]) -> Result<Vec<Record>> {
    host::records::apply(ops)
}

fn one(op: Op) -> Result<Record> {
    apply(&[op])?.into_iter().next().ok_or(Error::NotFound)
}

impl Op {
    pub fn create(object: &str, fields: Vec<Field>, key: Option<&str>) -> Op {
        Op::Create(Create { object: object.into(), fields, idempotency_key: key.map(Into::into) })
    }

    pub fn update(object: &str, id: &str, if_version: Option<u64>, fields: Vec<Field>) -> Op {
        Op::Update(Update { object: object.into(), id: id.into(), if_version, fields })
    }

    pub fn delete(object: &str, id: &str, if_version: Option<u64>) -> Op {
        Op::Delete(Delete { object: object.into(), id: id.into(), if_version })
    }
}
