//! Whom the workspace asks for a second factor, kept beside its settings so that no request has to read them.

use std::sync::atomic::{AtomicU8, Ordering};

use kith_model::Value;

use crate::{
    Record,
    image::Image,
    system::{ids, seeds},
};

const UNREAD: u8 = 0;
const OPTIONAL: u8 = 1;
const ADMINS: u8 = 2;
const EVERYONE: u8 = 3;

/// The setting `second_factor`.
#[derive(Default)]
pub struct Policy(AtomicU8);

impl Policy {
    /// Whether everybody, or an administrator, is asked.
    pub fn asks(&self, image: &Image, admin: bool) -> bool {
        let mut now = self.0.load(Ordering::Acquire);
        if now == UNREAD {
            let read = image.get_of(ids::settings::OBJECT, seeds::SETTINGS).map_or(OPTIONAL, |record| meant(&record));
            // A change that came in between knows better than what was read before it.
            now = self
                .0
                .compare_exchange(UNREAD, read, Ordering::AcqRel, Ordering::Acquire)
                .map_or_else(|it| it, |_| read);
        }
        now == EVERYONE || (now == ADMINS && admin)
    }

    /// To be called after a change of the record reached the image.
    pub fn changed(&self, record: &Record) {
        if record.object == ids::settings::OBJECT && record.id == seeds::SETTINGS {
            self.0.store(meant(record), Ordering::Release);
        }
    }
}

fn meant(record: &Record) -> u8 {
    match record.values.get(ids::settings::SECOND_FACTOR) {
        Value::Text(word) if word == "admins" => ADMINS,
        Value::Text(word) if word == "everyone" => EVERYONE,
        _ => OPTIONAL,
    }
}
