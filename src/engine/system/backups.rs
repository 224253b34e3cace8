//! Backups: one record per backup that was taken or tried, so that they are listed, audited and built upon like anything else. The
//! files themselves lie elsewhere and do not open with the server's key.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 21;
    pub const NAME: u32 = 1;
    pub const FOLDER: u32 = 2;
    pub const KIND: u32 = 3;
    pub const STATE: u32 = 4;
    pub const FINISHED_AT: u32 = 5;
    pub const SIZE_BYTES: u32 = 6;
    pub const FIRST_SEQ: u32 = 7;
    pub const LAST_SEQ: u32 = 8;
    pub const RECORDS: u32 = 9;
    pub const FILES: u32 = 10;
    pub const COUNTS: u32 = 11;
    pub const BUILDS_ON: u32 = 12;
    pub const LAST_HASH: u32 = 13;
    pub const SCHEDULED: u32 = 14;
    pub const MESSAGE: u32 = 15;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "backups", "Backup", "Backups")
        .icon("archive")
        .subtitle("kind")
        .system()
        .field(ids::NAME, field::text("name", "File").read_only().in_list())
        .field(ids::FOLDER, field::text("folder", "Folder").read_only())
        .field(
            ids::KIND,
            field::select("kind", "Kind")
                .read_only()
                .in_list()
                .options([("full", "Full", "blue"), ("incremental", "Incremental", "gray")]),
        )
        .field(
            ids::STATE,
            field::select("state", "State").read_only().in_list().options([
                ("running", "Running", "blue"),
                ("done", "Done", "green"),
                ("failed", "Failed", "red"),
                ("removed", "Removed", "gray"),
            ]),
        )
        .field(ids::FINISHED_AT, field::datetime("finished_at", "Finished").read_only().in_list())
        .field(ids::SIZE_BYTES, field::integer("size_bytes", "Size").read_only().in_list())
        .field(ids::FIRST_SEQ, field::integer("first_seq", "First entry").read_only())
        .field(ids::LAST_SEQ, field::integer("last_seq", "Last entry").read_only())
        .field(ids::RECORDS, field::integer("records", "Records").read_only().in_list())
        .field(ids::FILES, field::integer("files", "Files").read_only())
        .field(ids::COUNTS, field::json("counts", "Records per object").read_only())
        .field(ids::BUILDS_ON, field::text("builds_on", "Builds on").read_only())
        .field(ids::LAST_HASH, field::text("last_hash", "Hash of the last entry").hidden().read_only())
        .field(ids::SCHEDULED, field::boolean("scheduled", "By schedule").read_only())
        .field(ids::MESSAGE, field::text("message", "Message").read_only())
        .build()
}
