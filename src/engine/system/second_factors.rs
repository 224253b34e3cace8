//! Second factors: the authenticator app and the recovery codes of a user. Enrolled, used and reset by the engine alone; nobody reads the
//! seed or the hashes.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 20;
    pub const USER: u32 = 1;
    pub const SEED: u32 = 2;
    pub const LAST_STEP: u32 = 3;
    pub const RECOVERY: u32 = 4;
    pub const RECOVERY_LEFT: u32 = 5;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "second_factors", "Second factor", "Second factors")
        .icon("smartphone")
        .title("user")
        .system()
        .field(ids::USER, field::user("user", "User").belongs().read_only().in_list())
        .field(ids::RECOVERY_LEFT, field::integer("recovery_codes_left", "Recovery codes left").read_only().in_list())
        .field(ids::SEED, field::secret("seed", "Seed").hidden().read_only())
        // Number of the half minute whose code was used last: it does not work again.
        .field(ids::LAST_STEP, field::integer("last_step", "Last step").hidden().read_only())
        .field(ids::RECOVERY, field::secret("recovery", "Recovery codes").hidden().read_only())
        .build()
}
