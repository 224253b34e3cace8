//! Erasures: what was erased for good, when, by whom and why. Holds ids and counts, and nothing of what was erased.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 40;
    pub const OF: u32 = 1;
    pub const STATE: u32 = 2;
    pub const REASON: u32 = 3;
    pub const RECORDS: u32 = 4;
    pub const FILES: u32 = 5;
    pub const LINKS: u32 = 6;
    pub const SEQ: u32 = 7;
    pub const FINISHED_AT: u32 = 8;
    pub const WORK: u32 = 9;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "erasures", "Erasure", "Erasures")
        .icon("eraser")
        .title("object")
        .subtitle("reason")
        .system()
        .field(ids::OF, field::text("object", "Object").read_only().in_list())
        .field(
            ids::STATE,
            field::select("state", "State")
                .read_only()
                .in_list()
                .options([("running", "Running", "blue"), ("done", "Done", "green")]),
        )
        .field(ids::REASON, field::text("reason", "Reason").read_only().in_list())
        .field(ids::RECORDS, field::integer("records", "Records").read_only().in_list())
        .field(ids::FILES, field::integer("files", "Files").read_only().in_list())
        .field(ids::LINKS, field::integer("links", "Links cleared").read_only())
        .field(ids::SEQ, field::integer("seq", "Journal entry").read_only().in_list())
        .field(ids::FINISHED_AT, field::datetime("finished_at", "Finished").read_only().in_list())
        .field(ids::WORK, field::json("work", "What was to be done").hidden().read_only())
        .build()
}
