//! Records a new vault starts with: three roles and the workspace's settings. Refuses to create a user: the first admin is named by
//! whoever creates the vault.

use kith_base::RecordId;
use serde_json::{Value as Json, json};

/// The role that may do everything.
pub const ROLE_ADMIN: RecordId = fixed(3, 1);
/// The role of people who work with the data.
pub const ROLE_MEMBER: RecordId = fixed(3, 2);
/// The role of people who look and change nothing.
pub const ROLE_READ_ONLY: RecordId = fixed(3, 3);
/// The one record of `settings`.
pub const SETTINGS: RecordId = fixed(10, 1);

/// A rule that empties the trash, for whoever wants it: it is not enabled.
pub const EMPTY_TRASH: RecordId = fixed(41, 1);

/// An id that is the same in every vault: version and variant bits of a UUIDv7 from the year 1970, then object and number.
pub const fn fixed(object: u8, number: u8) -> RecordId {
    RecordId([0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, object, number])
}

/// Id, object and values of each starting record.
pub fn seeds() -> Vec<(RecordId, &'static str, Json)> {
    vec![
        (
            ROLE_ADMIN,
            "roles",
            json!({ "key": "admin", "name": "Administrator", "admin": true, "description": "Everything, users and roles included" }),
        ),
        (
            ROLE_MEMBER,
            "roles",
            json!({
                "key": "member",
                "name": "Member",
                "description": "Works with all records, and changes no settings",
                "grants": { "default": { "create": true, "read": "all", "update": "all", "delete": "all", "export": "all" } },
            }),
        ),
        (
            ROLE_READ_ONLY,
            "roles",
            json!({
                "key": "read-only",
                "name": "Read only",
                "description": "Sees all records and changes none",
                "grants": { "default": { "create": false, "read": "all", "update": "none", "delete": "none", "export": "none" } },
            }),
        ),
        (
            EMPTY_TRASH,
            "retention_rules",
            json!({
                "name": "Empty the trash", "object": "*", "days": 30, "since": "updated_at", "action": "erase",
                "percent_max": 10, "enabled": false,
            }),
        ),
        (
            SETTINGS,
            "settings",
            json!({
                "name": "Kith", "currency": "EUR", "country": "US", "locale": "en", "time_zone": "UTC", "week_start": "monday",
                "day_first": false, "decimal_comma": false,
            }),
        ),
    ]
}
