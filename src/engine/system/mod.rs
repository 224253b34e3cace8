//! Administration objects: users, roles, tokens and the rest are records like any other. Refuses to hold behaviour: who may do what
//! with them is decided in `access`.

mod backups;
mod erasures;
mod fields;
mod imports;
mod objects;
mod retention_rules;
mod roles;
mod second_factors;
pub mod seeds;
mod sessions;
mod settings;
mod teams;
mod tokens;
mod users;
mod views;

use kith_model::ObjectDef;

/// Numbers of the administration objects and their fields, for code that reads their records. Never renumbered.
pub mod ids {
    pub use super::{
        backups::ids as backups, erasures::ids as erasures, fields::ids as fields, imports::ids as imports,
        objects::ids as objects, retention_rules::ids as retention_rules, roles::ids as roles,
        second_factors::ids as second_factors, sessions::ids as sessions, settings::ids as settings,
        teams::ids as teams, tokens::ids as tokens, users::ids as users, views::ids as views,
    };
}

/// Every administration object, in display order.
pub fn objects() -> Vec<ObjectDef> {
    vec![
        users::object(),
        teams::object(),
        roles::object(),
        views::object(),
        tokens::object(),
        sessions::object(),
        second_factors::object(),
        objects::object(),
        fields::object(),
        imports::object(),
        backups::object(),
        settings::object(),
        erasures::object(),
        retention_rules::object(),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_and_keys_are_used_once_and_administration_stays_below_one_hundred() {
        let all = objects();
        let numbers: HashSet<u32> = all.iter().map(|o| o.id).collect();
        assert_eq!(numbers.len(), all.len());
        for object in &all {
            assert!(object.system && (1..100).contains(&object.id), "{}", object.key);
            let keys: HashSet<&str> = object.fields.iter().map(|f| f.key.as_str()).collect();
            let fields: HashSet<u32> = object.fields.iter().map(|f| f.id).collect();
            assert_eq!((keys.len(), fields.len()), (object.fields.len(), object.fields.len()), "{}", object.key);
            assert!(object.field(&object.title).is_some(), "{} has no field '{}'", object.key, object.title);
        }
    }

    #[test]
    fn field_numbers_written_down_are_the_ones_defined() {
        let users = users::object();
        assert_eq!(users.field_by_id(ids::users::PASSWORD).map(|f| f.kind.as_str()), Some("secret"));
        assert_eq!(users.field_by_id(ids::users::ROLE).map(|f| f.key.as_str()), Some("role"));
        let roles = roles::object();
        assert_eq!(roles.field_by_id(ids::roles::GRANTS).map(|f| f.key.as_str()), Some("grants"));
        let tokens = tokens::object();
        assert_eq!(tokens.field_by_id(ids::tokens::SCOPES).map(|f| f.key.as_str()), Some("scopes"));
        let sessions = sessions::object();
        assert_eq!(sessions.field_by_id(ids::sessions::EXPIRES_AT).map(|f| f.key.as_str()), Some("expires_at"));
    }
}
