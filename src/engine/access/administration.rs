//! What everyone may do with administration objects, whatever their role. Refuses to let a role's default reach them: working with
//! all records must never mean working with all passwords.

use std::{collections::HashMap, sync::LazyLock};

use kith_model::ObjectDef;

use super::{FieldAccess, ObjectGrant, Op, Reach};

/// Rights that hold for every role on one administration object.
pub(super) struct Baseline {
    pub grant: ObjectGrant,
    /// The only fields that may be written; none named: all.
    pub writable: Option<&'static [&'static str]>,
}

/// Whether changing records of `object` changes who may do what, so that it needs an administrator.
pub fn is_guarded(object: &ObjectDef) -> bool {
    object.system && !matches!(object.key.as_str(), "views" | "imports")
}

/// What nobody does by hand, administrators included: tokens and sessions are issued, second factors are enrolled and reset, and
/// what was erased stays noted, plugins are installed.
pub fn is_engine_only(object: &ObjectDef, op: Op) -> bool {
    match object.key.as_str() {
        "tokens" | "sessions" => object.system && op == Op::Create,
        "second_factors" | "erasures" => object.system && !matches!(op, Op::Read | Op::Export),
        key if key == "plugins" || key.starts_with("plugin_") => object.system && !matches!(op, Op::Read | Op::Export),
        _ => false,
    }
}

/// What does not come back out of the trash by hand: an ended session would be alive again for whoever still has its cookie.
pub fn ends_for_good(object: &ObjectDef) -> bool {
    object.system && matches!(object.key.as_str(), "sessions" | "second_factors")
}

/// Rights of everyone on an administration object; an object not listed is for administrators only.
pub(super) fn baseline(object: &str) -> &'static Baseline {
    static NOTHING: LazyLock<Baseline> = LazyLock::new(|| Baseline { grant: ObjectGrant::default(), writable: None });
    static ALL: LazyLock<HashMap<&'static str, Baseline>> = LazyLock::new(list);
    ALL.get(object).unwrap_or(&NOTHING)
}

fn list() -> HashMap<&'static str, Baseline> {
    let rule = |cel: &str| Reach::Rule(cel.to_string());
    let readable = || ObjectGrant { read: Reach::All, ..ObjectGrant::default() };
    let mine = || ObjectGrant { read: rule("user == me"), ..ObjectGrant::default() };
    HashMap::from([
        // Names and addresses of colleagues, for owners and mentions; one's own profile to change.
        (
            "users",
            Baseline {
                grant: ObjectGrant { update: rule("id == me"), ..readable() },
                writable: Some(&["name", "locale", "time_zone"]),
            },
        ),
        ("teams", Baseline { grant: readable(), writable: None }),
        // The name of a role is no secret; what it hides is.
        (
            "roles",
            Baseline {
                grant: ObjectGrant { fields: HashMap::from([("grants".into(), FieldAccess::Hidden)]), ..readable() },
                writable: None,
            },
        ),
        // Where backups go concerns nobody but administrators.
        (
            "settings",
            Baseline {
                grant: ObjectGrant { fields: HashMap::from([("backups".into(), FieldAccess::Hidden)]), ..readable() },
                writable: None,
            },
        ),
        (
            "views",
            Baseline {
                grant: ObjectGrant {
                    create: true,
                    read: rule("shared == true || owner == me || created_by == me"),
                    update: Reach::Own,
                    delete: Reach::Own,
                    ..ObjectGrant::default()
                },
                writable: None,
            },
        ),
        (
            "tokens",
            Baseline {
                grant: ObjectGrant { update: rule("user == me"), delete: rule("user == me"), ..mine() },
                writable: Some(&["name", "revoked"]),
            },
        ),
        ("sessions", Baseline { grant: ObjectGrant { delete: rule("user == me"), ..mine() }, writable: Some(&[]) }),
        (
            "imports",
            Baseline {
                grant: ObjectGrant { create: true, read: Reach::Own, update: Reach::Own, ..ObjectGrant::default() },
                writable: None,
            },
        ),
    ])
}
