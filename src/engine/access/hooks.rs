//! What roles and settings must satisfy to be saved, beyond what their fields say. A role that does not read would silently give nothing, so
//! mistakes are refused where they are made.

use std::sync::Arc;

use kith_model::{ObjectDef, Value, Violation, expr::Expr};

use super::{Grants, ObjectGrant, Op, Reach};
use crate::pipeline::hooks::{DomainHook, Draft, HookContext};

/// The rules of administration objects.
pub fn hooks() -> Vec<Arc<dyn DomainHook>> {
    vec![Arc::new(Roles), Arc::new(Settings), Arc::new(Users)]
}

struct Roles;

impl DomainHook for Roles {
    fn object(&self) -> &str {
        "roles"
    }

    fn before_save(&self, context: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        let Value::Json(text) = draft.get("grants") else { return Ok(()) };
        let wrong = |message: String| Violation::new("grants", "bad_grants", message);
        let grants =
            serde_json::from_str::<Grants>(text).map_err(|e| vec![wrong(format!("the grants cannot be read: {e}"))])?;
        let mut violations = Vec::new();
        let mut keys: Vec<&String> = grants.objects.keys().collect();
        keys.sort();
        for key in keys {
            match context.schema.object(key) {
                Some(object) => check_grant(&grants.objects[key], object, &wrong, &mut violations),
                None => violations.push(wrong(format!(
                    "the grants name the object '{key}', which does not exist; see GET /api/v1/objects"
                ))),
            }
        }
        if let Some(rule) = Op::ALL.iter().find_map(|op| rule_of(grants.default.reach(*op))) {
            let message = format!(
                "the default grant has the rule '{}'; rules are written per object, where their fields are known",
                clip(rule)
            );
            violations.push(wrong(message));
        }
        if !grants.default.fields.is_empty() {
            violations.push(wrong("the default grant names fields; name them per object".into()));
        }
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }
}

fn check_grant(
    grant: &ObjectGrant,
    object: &ObjectDef,
    wrong: &dyn Fn(String) -> Violation,
    violations: &mut Vec<Violation>,
) {
    for rule in Op::ALL.iter().filter_map(|op| rule_of(grant.reach(*op))) {
        if let Err(error) = Expr::parse(rule).and_then(|expr| expr.resolve(object)) {
            violations.push(wrong(format!("the rule '{}' on '{}' cannot be used: {error}", clip(rule), object.key)));
        }
    }
    let mut fields: Vec<&String> = grant.fields.keys().collect();
    fields.sort();
    for field in fields.into_iter().filter(|field| object.field(field).is_none()) {
        violations.push(wrong(format!(
            "the grants name the field '{}' of '{}', which does not exist",
            clip(field),
            object.key
        )));
    }
}

fn rule_of(reach: &Reach) -> Option<&str> {
    match reach {
        Reach::Rule(cel) => Some(cel),
        _ => None,
    }
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

struct Users;

impl DomainHook for Users {
    fn object(&self) -> &str {
        "users"
    }

    /// Sessions begun with another role, or before the user was disabled, end with the same change.
    fn before_save(&self, _: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        if !draft.is_new() && (draft.changed("role") || draft.changed("disabled")) {
            let epoch = match draft.before("session_epoch") {
                Value::Int(epoch) => *epoch,
                _ => 0,
            };
            draft.set("session_epoch", Value::Int(epoch.saturating_add(1)));
        }
        Ok(())
    }
}

struct Settings;

impl DomainHook for Settings {
    fn object(&self) -> &str {
        "settings"
    }

    fn before_save(&self, _: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        if draft.is_new() && draft.id != crate::system::seeds::SETTINGS {
            let message = "the workspace has one record of settings; change that one";
            return Err(vec![Violation { field: None, code: "only_one".into(), message: message.into() }]);
        }
        Ok(())
    }
}
