//! API tokens: a user's rights, narrowed by scopes, for a program. Only a hash of the token is kept.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 5;
    pub const NAME: u32 = 1;
    pub const HASH: u32 = 2;
    pub const USER: u32 = 3;
    pub const SCOPES: u32 = 4;
    pub const EXPIRES_AT: u32 = 5;
    pub const LAST_USED_AT: u32 = 6;
    pub const REVOKED: u32 = 7;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "tokens", "API token", "API tokens")
        .icon("key")
        .system()
        .field(ids::NAME, field::text("name", "Name").required().in_list())
        .field(ids::USER, field::user("user", "User").belongs().read_only().in_list())
        .field(
            ids::SCOPES,
            field::tags("scopes", "Scopes")
                .read_only()
                .in_list()
                .help("Such as people:read, deals:write, *:read or admin"),
        )
        .field(ids::EXPIRES_AT, field::datetime("expires_at", "Expires").read_only().in_list())
        .field(ids::LAST_USED_AT, field::datetime("last_used_at", "Last used").read_only().in_list())
        .field(ids::REVOKED, field::boolean("revoked", "Revoked").default(false).in_list())
        .field(ids::HASH, field::secret("hash", "Hash").hidden().read_only())
        .build()
}
