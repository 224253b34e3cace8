//! Answers each change of a company with a change of its own: with `fixture-bad` and its `event-loop`, a loop of two plugins.

use kith_plugin::{Error, Event, Result, fields, records};

kith_plugin::plugin! { after_commit: hear }

fn hear(event: &Event) -> Result<()> {
    let company = event.after.as_ref().ok_or(Error::NotFound)?;
    let pongs = company.integer("pongs").unwrap_or_default() + 1;
    records::update("companies", &company.id, fields! { "pongs" => pongs })?;
    Ok(())
}
