//! A field named like a core field: what it computes must never reach the other.

use kith_plugin::{Change, Record, Result};

kith_plugin::plugin! {
    before_save: check,
    computed: { first_name: length },
}

fn check(_: &Change) {}

fn length(_: &Record) -> Result<i64> {
    Ok(4_242)
}
