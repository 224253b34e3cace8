//! Teams: users whose records each other may see, where a role says "the team's".

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 2;
    pub const NAME: u32 = 1;
    pub const DESCRIPTION: u32 = 2;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "teams", "Team", "Teams")
        .icon("users")
        .system()
        .field(ids::NAME, field::text("name", "Name").required().unique().in_list())
        .field(ids::DESCRIPTION, field::long_text("description", "Description").in_list())
        .build()
}
