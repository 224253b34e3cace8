//! Objects made by an admin, and what an admin changed on built-in ones. Field keys are those of `ObjectDef`, so that a record's JSON
//! reads as one; empty fields leave a built-in definition as it is.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 7;
    pub const NUMBER: u32 = 1;
    pub const KEY: u32 = 2;
    pub const LABEL: u32 = 3;
    pub const LABEL_PLURAL: u32 = 4;
    pub const DESCRIPTION: u32 = 5;
    pub const ICON: u32 = 6;
    pub const TITLE: u32 = 7;
    pub const SUBTITLE: u32 = 8;
    pub const TIMELINE: u32 = 9;
    pub const POSITION: u32 = 10;
    /// `plugin:<id>`: added by a plugin; `kept:<id>`: was, and is the administrators' now; empty: made by one.
    pub const ORIGIN: u32 = 11;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "objects", "Object", "Objects")
        .icon("boxes")
        .title("label")
        .subtitle("key")
        .system()
        .field(ids::NUMBER, field::integer("number", "Number").required().unique().read_only())
        .field(ids::KEY, field::text("key", "Key").required().unique().in_list())
        .field(ids::LABEL, field::text("label", "Label").in_list())
        .field(ids::LABEL_PLURAL, field::text("label_plural", "Plural").in_list())
        .field(ids::DESCRIPTION, field::long_text("description", "Description"))
        .field(ids::ICON, field::text("icon", "Icon"))
        .field(ids::TITLE, field::text("title", "Title field"))
        .field(ids::SUBTITLE, field::text("subtitle", "Subtitle field"))
        .field(ids::TIMELINE, field::boolean("timeline", "Timeline"))
        .field(ids::POSITION, field::decimal("position", "Position"))
        .field(ids::ORIGIN, field::text("origin", "Comes from").read_only().hidden())
        .build()
}
