//! Imports: one record per import job; what it wrote can be found and undone through it.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 9;
    pub const NAME: u32 = 1;
    pub const OF: u32 = 2;
    pub const STATE: u32 = 3;
    pub const FORMAT: u32 = 4;
    pub const ROWS: u32 = 5;
    pub const DONE: u32 = 6;
    pub const CREATED: u32 = 7;
    pub const UPDATED: u32 = 8;
    pub const SKIPPED: u32 = 9;
    pub const REFUSED: u32 = 10;
    pub const LINKS_CREATED: u32 = 11;
    pub const OPTIONS: u32 = 12;
    pub const MESSAGE: u32 = 13;
    pub const FINISHED_AT: u32 = 14;
    pub const FIRST_SEQ: u32 = 15;
    pub const LAST_SEQ: u32 = 16;
    pub const REFUSED_FILE: u32 = 17;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "imports", "Import", "Imports")
        .icon("upload")
        .subtitle("object")
        .system()
        .field(ids::NAME, field::text("name", "File").read_only().in_list())
        .field(ids::OF, field::text("object", "Object").read_only().in_list())
        .field(
            ids::STATE,
            field::select("state", "State").read_only().default("running").in_list().options([
                ("running", "Running", "blue"),
                ("done", "Done", "green"),
                ("failed", "Failed", "red"),
                ("undone", "Undone", "gray"),
            ]),
        )
        .field(ids::FORMAT, field::text("format", "Format").read_only())
        .field(ids::ROWS, field::integer("rows", "Rows").read_only().in_list())
        .field(ids::DONE, field::integer("done", "Rows done").read_only())
        .field(ids::CREATED, field::integer("created", "Created").read_only().in_list())
        .field(ids::UPDATED, field::integer("updated", "Updated").read_only().in_list())
        .field(ids::SKIPPED, field::integer("skipped", "Skipped").read_only().in_list())
        .field(ids::REFUSED, field::integer("refused", "Refused").read_only().in_list())
        .field(ids::LINKS_CREATED, field::integer("links_created", "Linked records created").read_only())
        .field(ids::OPTIONS, field::json("options", "Options").read_only())
        .field(ids::MESSAGE, field::text("message", "Message").read_only())
        .field(ids::FINISHED_AT, field::datetime("finished_at", "Finished").read_only())
        .field(ids::FIRST_SEQ, field::integer("first_seq", "First journal entry").hidden().read_only())
        .field(ids::LAST_SEQ, field::integer("last_seq", "Last journal entry").hidden().read_only())
        .field(ids::REFUSED_FILE, field::text("refused_file", "Refused rows").stored().hidden().read_only())
        .build()
}
