//! Sessions: signed-in browsers. Only a hash of the cookie is kept.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 6;
    pub const USER: u32 = 1;
    pub const HASH: u32 = 2;
    pub const CLIENT: u32 = 3;
    pub const LAST_SEEN_AT: u32 = 4;
    pub const EXPIRES_AT: u32 = 5;
    pub const ADDRESS: u32 = 6;
    pub const EPOCH: u32 = 7;
    pub const SECOND_FACTOR: u32 = 8;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "sessions", "Session", "Sessions")
        .icon("monitor")
        .title("client")
        .system()
        .field(ids::CLIENT, field::text("client", "Client").read_only().in_list())
        .field(ids::USER, field::user("user", "User").belongs().read_only().in_list())
        .field(
            ids::LAST_SEEN_AT,
            field::datetime("last_seen_at", "Last seen").read_only().in_list().help("To the hour"),
        )
        .field(
            ids::EXPIRES_AT,
            field::datetime("expires_at", "Expires")
                .read_only()
                .in_list()
                .help("At the latest; unused sessions end sooner"),
        )
        .field(
            ids::ADDRESS,
            field::text("address", "Address").read_only().in_list().help("Where it was signed in from"),
        )
        .field(ids::SECOND_FACTOR, field::boolean("second_factor", "Second factor").read_only())
        // Lower than the user's: the session has ended.
        .field(ids::EPOCH, field::integer("epoch", "Epoch").hidden().read_only())
        .field(ids::HASH, field::secret("hash", "Hash").hidden().read_only())
        .build()
}
