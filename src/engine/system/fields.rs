//! Fields made by an admin, and what an admin changed on built-in ones. Field keys are those of `FieldDef`, so that a record's JSON
//! reads as one; empty fields leave a built-in definition as it is.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 8;
    pub const NUMBER: u32 = 1;
    pub const OF: u32 = 2;
    pub const KEY: u32 = 3;
    pub const LABEL: u32 = 4;
    pub const KIND: u32 = 5;
    pub const HELP: u32 = 6;
    pub const REQUIRED: u32 = 7;
    pub const UNIQUE: u32 = 8;
    pub const HIDDEN: u32 = 9;
    pub const MANY: u32 = 10;
    pub const IN_LIST: u32 = 11;
    pub const DEFAULT: u32 = 12;
    pub const OPTIONS: u32 = 13;
    pub const TARGET: u32 = 14;
    pub const INVERSE: u32 = 15;
    pub const EXPRESSION: u32 = 16;
    pub const CONFIG: u32 = 17;
    pub const POSITION: u32 = 18;
    pub const OWNER: u32 = 19;
    /// As of objects.
    pub const ORIGIN: u32 = 20;
    /// A plugin works its values out.
    pub const READ_ONLY: u32 = 21;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "fields", "Field", "Fields")
        .icon("columns")
        .title("label")
        .subtitle("object")
        .system()
        .field(ids::NUMBER, field::integer("number", "Number").required().read_only())
        .field(ids::OF, field::text("object", "Object").required().in_list().help("Key of the object it belongs to"))
        .field(ids::KEY, field::text("key", "Key").required().in_list())
        .field(ids::LABEL, field::text("label", "Label").in_list())
        .field(ids::KIND, field::text("kind", "Kind").in_list())
        .field(ids::HELP, field::text("help", "Help"))
        .field(ids::REQUIRED, field::boolean("required", "Required"))
        .field(ids::UNIQUE, field::boolean("unique", "Unique"))
        .field(ids::HIDDEN, field::boolean("hidden", "Hidden"))
        .field(ids::MANY, field::boolean("many", "Several values"))
        .field(ids::IN_LIST, field::boolean("in_list", "In new lists"))
        .field(ids::DEFAULT, field::json("default", "Default"))
        .field(ids::OPTIONS, field::json("options", "Options"))
        .field(ids::TARGET, field::text("target", "Target object"))
        .field(ids::INVERSE, field::json("inverse", "Shown on the target as"))
        .field(ids::EXPRESSION, field::long_text("expression", "Expression"))
        .field(ids::CONFIG, field::json("config", "Settings of the kind"))
        .field(ids::POSITION, field::decimal("position", "Position"))
        .field(
            ids::OWNER,
            field::integer("owner", "Number of its object")
                .read_only()
                .hidden()
                .help("Tells objects apart that had the same key one after the other"),
        )
        .field(ids::ORIGIN, field::text("origin", "Comes from").read_only().hidden())
        .field(ids::READ_ONLY, field::boolean("read_only", "Set by a plugin").read_only().hidden())
        .build()
}
