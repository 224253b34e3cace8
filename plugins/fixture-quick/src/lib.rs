//! As little as a plugin with a say can do, so that what a call costs is the host's part: for the figures in `tests/bench`.

use kith_plugin::{Change, Event, Result, Violation};

kith_plugin::plugin! {
    before_save: check,
    after_commit: hear,
}

fn check(change: &Change) -> Result<(), Violation> {
    if change.text("name") == Some("Reject") {
        return Err(Violation::on("name", "rejected", "no company is called Reject"));
    }
    Ok(())
}

fn hear(_: &Event) -> Result<()> {
    Ok(())
}
