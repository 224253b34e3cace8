//! Scopes of API tokens: they narrow what the user's role gives and never widen it.

use std::{fmt, str::FromStr};

use super::Op;

/// One scope: `people:read`, `deals:write`, `*:read`, `*:write` or `admin`. Write includes read. `*` stands for every object, but
/// changing users, roles, tokens and the schema needs `admin`, which includes all others. `audit:head` gives the journal's head and nothing
/// else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    Admin,
    /// The hash of the journal's newest entry, for whoever anchors it elsewhere.
    AuditHead,
    Read(Reaches),
    Write(Reaches),
}

/// The objects a scope names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reaches {
    Every,
    Object(String),
}

impl Reaches {
    fn covers(&self, object: &str) -> bool {
        match self {
            Reaches::Every => true,
            Reaches::Object(key) => key == object,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a scope; scopes look like people:read, deals:write, *:read, *:write or admin")]
pub struct BadScope(String);

impl Scope {
    /// Whether this scope allows `op` on `object`; `administration` says that it changes who may do what.
    pub fn allows(&self, object: &str, op: Op, administration: bool) -> bool {
        match (self, op) {
            (Scope::Admin, _) => true,
            (Scope::Read(on) | Scope::Write(on), Op::Read | Op::Export) => on.covers(object),
            // Nothing brings back what was erased: a token for that must be an administrator's.
            (Scope::Write(_), Op::Erase) => false,
            (Scope::Write(on), _) => !administration && on.covers(object),
            (Scope::Read(_) | Scope::AuditHead, _) => false,
        }
    }
}

impl FromStr for Scope {
    type Err = BadScope;

    fn from_str(text: &str) -> Result<Scope, BadScope> {
        let bad = || BadScope(text.chars().take(60).collect());
        if text == "admin" {
            return Ok(Scope::Admin);
        }
        if text == "audit:head" {
            return Ok(Scope::AuditHead);
        }
        let (object, right) = text.split_once(':').ok_or_else(bad)?;
        let key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let on = match object {
            "*" => Reaches::Every,
            key_text if !key_text.is_empty() && key_text.len() <= 63 && key_text.chars().all(key) => {
                Reaches::Object(object.to_string())
            }
            _ => return Err(bad()),
        };
        match right {
            "read" => Ok(Scope::Read(on)),
            "write" => Ok(Scope::Write(on)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |on: &Reaches| match on {
            Reaches::Every => "*".to_string(),
            Reaches::Object(key) => key.clone(),
        };
        match self {
            Scope::Admin => f.write_str("admin"),
            Scope::AuditHead => f.write_str("audit:head"),
            Scope::Read(reaches) => write!(f, "{}:read", on(reaches)),
            Scope::Write(reaches) => write!(f, "{}:write", on(reaches)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_survive_text_and_others_are_refused() {
        for text in ["admin", "audit:head", "*:read", "*:write", "people:read", "deals_2:write"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "people",
            "people:",
            ":read",
            "people:delete",
            "People:read",
            "*",
            "Admin",
            "people:read:write",
            "a b:read",
        ] {
            let said = text.parse::<Scope>().unwrap_err().to_string();
            assert!(said.contains("people:read"), "{said}");
        }
    }

    #[test]
    fn a_scope_allows_what_it_names_and_nothing_else() {
        // scope, object, op, administration, allowed
        let table = [
            ("people:read", "people", Op::Read, false, true),
            ("people:read", "people", Op::Export, false, true),
            ("people:read", "people", Op::Update, false, false),
            ("people:read", "deals", Op::Read, false, false),
            ("people:write", "people", Op::Create, false, true),
            ("people:write", "people", Op::Read, false, true),
            ("people:write", "deals", Op::Delete, false, false),
            ("*:read", "deals", Op::Read, false, true),
            ("*:read", "deals", Op::Create, false, false),
            ("*:write", "deals", Op::Delete, false, true),
            ("*:write", "users", Op::Update, true, false),
            ("users:write", "users", Op::Update, true, false),
            ("audit:head", "people", Op::Read, false, false),
            ("people:write", "people", Op::Erase, false, false),
            ("*:write", "people", Op::Erase, false, false),
            ("admin", "people", Op::Erase, false, true),
            ("admin", "users", Op::Update, true, true),
            ("admin", "deals", Op::Export, false, true),
        ];
        for (scope, object, op, administration, allowed) in table {
            let scope: Scope = scope.parse().unwrap();
            assert_eq!(scope.allows(object, op, administration), allowed, "{scope} {object} {op:?}");
        }
    }
}
