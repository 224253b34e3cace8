//! Users: people who sign in. The record's id is the actor's id.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 1;
    pub const EMAIL: u32 = 1;
    pub const NAME: u32 = 2;
    pub const ROLE: u32 = 3;
    pub const TEAMS: u32 = 4;
    pub const LOCALE: u32 = 5;
    pub const TIME_ZONE: u32 = 6;
    pub const DISABLED: u32 = 7;
    pub const PASSWORD: u32 = 8;
    pub const PASSWORD_CHANGED_AT: u32 = 9;
    pub const SESSION_EPOCH: u32 = 10;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "users", "User", "Users")
        .icon("user")
        .subtitle("email")
        .system()
        .field(ids::NAME, field::text("name", "Name").required().in_list())
        .field(ids::EMAIL, field::email("email", "E-mail").required().unique().in_list())
        .field(ids::ROLE, field::link("role", "Role", "roles").required().in_list().inverse("users", "Users"))
        .field(ids::TEAMS, field::links("teams", "Teams", "teams").in_list().inverse("members", "Members"))
        .field(ids::LOCALE, field::text("locale", "Language").help("BCP 47, such as en, it or da"))
        .field(
            ids::TIME_ZONE,
            field::text("time_zone", "Time zone").config("format", "time_zone").help("IANA name, such as Europe/Rome"),
        )
        .field(
            ids::DISABLED,
            field::boolean("disabled", "Disabled")
                .default(false)
                .in_list()
                .help("Cannot sign in; open sessions end at once"),
        )
        .field(ids::PASSWORD, field::secret("password", "Password").hidden().read_only())
        .field(ids::PASSWORD_CHANGED_AT, field::datetime("password_changed_at", "Password changed").read_only())
        // Grows when role or state change: sessions made before have ended.
        .field(ids::SESSION_EPOCH, field::integer("session_epoch", "Session epoch").hidden().read_only())
        .build()
}
