//! Rules of retention: what happens to records that have been there long enough. Refuses to hold behaviour: see `retention`.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 41;
    pub const NAME: u32 = 1;
    pub const OF: u32 = 2;
    pub const FILTER: u32 = 3;
    pub const DAYS: u32 = 4;
    pub const SINCE: u32 = 5;
    pub const ACTION: u32 = 6;
    pub const FIELDS: u32 = 7;
    pub const PERCENT_MAX: u32 = 8;
    pub const ENABLED: u32 = 9;
    pub const LAST_RUN_AT: u32 = 10;
    pub const LAST_STATE: u32 = 11;
    pub const LAST_COUNT: u32 = 12;
    pub const TOTAL_COUNT: u32 = 13;
    pub const MESSAGE: u32 = 14;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "retention_rules", "Retention rule", "Retention rules")
        .icon("timer")
        .system()
        .field(ids::NAME, field::text("name", "Name").required().in_list())
        .field(
            ids::OF,
            field::text("object", "Object")
                .required()
                .in_list()
                .help("Such as people; * for all objects, where the trash is emptied"),
        )
        .field(ids::FILTER, field::text("filter", "Filter").help("CEL; only records for which it holds"))
        .field(ids::DAYS, field::integer("days", "Days").required().config("min", 0).config("max", 36_500).in_list())
        .field(
            ids::SINCE,
            field::text("since", "Since").default("updated_at").help("updated_at, created_at or a date of the record"),
        )
        .field(
            ids::ACTION,
            field::select("action", "Action").required().in_list().options([
                ("trash", "Move to the trash", "gray"),
                ("erase", "Erase from the trash for good", "red"),
                ("anonymise", "Anonymise fields, with their history", "orange"),
            ]),
        )
        .field(
            ids::FIELDS,
            field::json("fields", "Fields").help("To anonymise: field and what stands there then, null for nothing"),
        )
        .field(
            ids::PERCENT_MAX,
            field::integer("percent_max", "At most %")
                .required()
                .default(10)
                .config("min", 1)
                .config("max", 100)
                .help("Records of the object that one run may touch without a confirmation"),
        )
        .field(ids::ENABLED, field::boolean("enabled", "Enabled").default(false).in_list())
        .field(ids::LAST_RUN_AT, field::datetime("last_run_at", "Last run").read_only().in_list())
        .field(
            ids::LAST_STATE,
            field::select("last_state", "Last outcome").read_only().in_list().options([
                ("done", "Done", "green"),
                ("held", "Held: too many records", "orange"),
                ("failed", "Failed", "red"),
            ]),
        )
        .field(ids::LAST_COUNT, field::integer("last_count", "Touched by the last run").read_only().in_list())
        .field(ids::TOTAL_COUNT, field::integer("total_count", "Touched in all").read_only())
        .field(ids::MESSAGE, field::text("message", "Message").read_only())
        .build()
}
