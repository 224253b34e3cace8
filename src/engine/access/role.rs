//! What a role grants, as stored in the records of `roles`. Refuses what it does not know: a misspelt grant must not look like one.

use std::collections::HashMap;

use kith_base::RecordId;
use serde::{Deserialize, Serialize};

use super::rules::RuleCache;

/// What someone wants to do with records of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    Create,
    Read,
    Update,
    Delete,
    Export,
    /// For good, with its history; a right of its own, which no other includes.
    Erase,
}

impl Op {
    pub const ALL: [Op; 6] = [Op::Create, Op::Read, Op::Update, Op::Delete, Op::Export, Op::Erase];

    pub fn name(self) -> &'static str {
        match self {
            Op::Create => "create",
            Op::Read => "read",
            Op::Update => "update",
            Op::Delete => "delete",
            Op::Export => "export",
            Op::Erase => "erase",
        }
    }
}

/// Which records of an object a right extends to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    #[default]
    None,
    /// Those the user owns or made.
    Own,
    /// Those a member of one of the user's teams owns or made.
    Team,
    All,
    /// Those for which this CEL holds, such as `region == "EU"`.
    Rule(String),
}

impl Reach {
    fn is_none(&self) -> bool {
        *self == Reach::None
    }
}

/// What may be done with one field. Ordered: more access is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldAccess {
    /// As if the field were not there.
    Hidden,
    Read,
    Write,
}

/// Rights on one object. What is left out is not granted; fields not named may be read and written as far as the record may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObjectGrant {
    pub create: bool,
    pub read: Reach,
    pub update: Reach,
    pub delete: Reach,
    pub export: Reach,
    #[serde(skip_serializing_if = "Reach::is_none")]
    pub erase: Reach,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub fields: HashMap<String, FieldAccess>,
}

impl ObjectGrant {
    /// Every right on every record.
    pub fn everything() -> ObjectGrant {
        ObjectGrant {
            create: true,
            read: Reach::All,
            update: Reach::All,
            delete: Reach::All,
            export: Reach::All,
            erase: Reach::All,
            fields: HashMap::new(),
        }
    }

    pub fn reach(&self, op: Op) -> &Reach {
        match op {
            Op::Create if self.create => &Reach::All,
            Op::Create => &Reach::None,
            Op::Read => &self.read,
            Op::Update => &self.update,
            Op::Delete => &self.delete,
            Op::Export => &self.export,
            Op::Erase => &self.erase,
        }
    }
}

/// The grants of a role: per object key, and for the domain objects not named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub objects: HashMap<String, ObjectGrant>,
    /// Never extends to administration objects.
    pub default: ObjectGrant,
}

/// A role, ready for decisions. Immutable: a change of the record makes a new one, and with it a new cache of compiled rules.
#[derive(Debug)]
pub struct Role {
    /// The role's record; zeroes for the built-in role of the command line.
    pub id: RecordId,
    pub key: String,
    pub name: String,
    pub admin: bool,
    /// Its users sign in with a second factor.
    pub second_factor: bool,
    pub grants: Grants,
    pub(super) rules: RuleCache,
}

impl Role {
    pub fn new(id: RecordId, key: &str, name: &str, admin: bool, grants: Grants) -> Role {
        Role {
            id,
            key: key.into(),
            name: name.into(),
            admin,
            second_factor: false,
            grants,
            rules: RuleCache::default(),
        }
    }

    /// May do everything.
    pub fn admin() -> Role {
        Role::new(crate::record::SYSTEM_ID, "admin", "Administrator", true, Grants::default())
    }

    /// May do nothing: stands in for a role that is gone or cannot be read.
    pub fn nothing(id: RecordId) -> Role {
        Role::new(id, "none", "No role", false, Grants::default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn grants_read_as_people_would_write_them() {
        let grants: Grants = serde_json::from_value(json!({
            "default": { "read": "all" },
            "objects": { "deals": { "create": true, "read": "team", "update": "own", "delete": { "rule": "status == \"open\"" },
                                    "fields": { "amount": "read", "margin": "hidden" } } },
        }))
        .unwrap();
        let deals = &grants.objects["deals"];
        assert_eq!((deals.reach(Op::Create), deals.reach(Op::Read)), (&Reach::All, &Reach::Team));
        assert_eq!(deals.reach(Op::Delete), &Reach::Rule("status == \"open\"".into()));
        assert_eq!(deals.reach(Op::Export), &Reach::None, "what is not granted is not given");
        assert_eq!(deals.fields["margin"], FieldAccess::Hidden);
        assert_eq!(grants.default.reach(Op::Update), &Reach::None);
    }

    #[test]
    fn a_misspelt_grant_is_refused() {
        for wrong in [
            json!({ "default": { "raed": "all" } }),
            json!({ "default": { "read": "everything" } }),
            json!({ "objcets": {} }),
            json!({ "default": { "fields": { "salary": "hiden" } } }),
        ] {
            assert!(serde_json::from_value::<Grants>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
