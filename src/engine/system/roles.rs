//! Roles: what their users may do. The grants are JSON in the shape of `access::Role`.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 3;
    pub const KEY: u32 = 1;
    pub const NAME: u32 = 2;
    pub const DESCRIPTION: u32 = 3;
    pub const ADMIN: u32 = 4;
    pub const GRANTS: u32 = 5;
    pub const SECOND_FACTOR: u32 = 6;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "roles", "Role", "Roles")
        .icon("shield")
        .subtitle("key")
        .system()
        .field(ids::NAME, field::text("name", "Name").required().in_list())
        .field(ids::KEY, field::text("key", "Key").required().unique().in_list())
        .field(ids::DESCRIPTION, field::long_text("description", "Description").in_list())
        .field(
            ids::ADMIN,
            field::boolean("admin", "Administrator")
                .default(false)
                .in_list()
                .help("May do everything, users and roles included"),
        )
        .field(
            ids::SECOND_FACTOR,
            field::boolean("second_factor", "Needs a second factor")
                .default(false)
                .help("Users of this role sign in with password and authenticator code"),
        )
        .field(
            ids::GRANTS,
            field::json("grants", "Grants")
                .help("Per object: create, read, update, delete, export, and fields; 'default' for the others"),
        )
        .build()
}
