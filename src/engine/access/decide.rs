//! The decision, as pure functions: an actor, an object, an operation and perhaps a record go in, an answer comes out. Everything that
//! fails to be understood (a rule that no longer reads, a role that is gone) gives less access, never more.

use std::{borrow::Cow, sync::Arc};

use kith_base::RecordId;
use kith_model::{
    FieldDef, ObjectDef,
    expr::{EvalContext, Expr},
};

use super::{FieldAccess, ObjectGrant, Op, Reach, Role, administration, row};
use crate::{Actor, Record};

/// Which records an operation extends to.
#[derive(Clone, Debug)]
pub enum Restriction {
    Nothing,
    Everything,
    /// Those for which the expression holds; resolved against the object.
    Where(Arc<Expr>),
}

/// Fields that say whose a record is, where an object has them, besides who made it.
const OWNER_FIELDS: [&str; 2] = ["owner", "assignee"];

/// The records of `object` that `actor` may do `op` with.
pub fn reach(actor: &Actor, object: &ObjectDef, op: Op) -> Restriction {
    let reach = reach_of(actor, object, op);
    match reach.as_ref() {
        personal if actor.user.is_none() && is_personal(personal) => Restriction::Nothing,
        Reach::None => Restriction::Nothing,
        Reach::All => Restriction::Everything,
        Reach::Own => compiled(&own(object), object),
        Reach::Team => team(object, &actor.peers),
        Reach::Rule(cel) => compiled(cel, object),
    }
}

/// Whether a reach depends on who asks. Someone without a user owns nothing: comparing with an absent `me` would give them what
/// nobody owns.
pub(super) fn is_personal(reach: &Reach) -> bool {
    match reach {
        Reach::Own | Reach::Team => true,
        Reach::Rule(cel) => cel.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "me"),
        Reach::None | Reach::All => false,
    }
}

/// Whether `actor` may do `op` with this record. All but reading and creating also need the right to read it.
pub fn may(actor: &Actor, object: &ObjectDef, op: Op, record: &Record, context: &EvalContext) -> bool {
    let within = |op| holds(&reach(actor, object, op), object, record, context);
    within(op) && (matches!(op, Op::Read | Op::Create) || within(Op::Read))
}

/// What `actor` may do with the values of one field.
pub fn field_access(actor: &Actor, object: &ObjectDef, field: &FieldDef) -> FieldAccess {
    if actor.is_system() { FieldAccess::Write } else { role_field_access(&actor.role, object, field) }
}

/// Whether the restriction lets this record through.
pub(super) fn holds(restriction: &Restriction, object: &ObjectDef, record: &Record, context: &EvalContext) -> bool {
    match restriction {
        Restriction::Nothing => false,
        Restriction::Everything => true,
        Restriction::Where(expr) => row::holds(expr, object, record, context),
    }
}

/// The right as granted, before it is compiled: role and scopes together.
pub(super) fn reach_of<'a>(actor: &'a Actor, object: &ObjectDef, op: Op) -> Cow<'a, Reach> {
    if actor.is_system() {
        return Cow::Owned(Reach::All);
    }
    if administration::is_engine_only(object, op) {
        return Cow::Owned(Reach::None);
    }
    let guarded = administration::is_guarded(object);
    let scoped = |scopes: &Vec<super::Scope>| scopes.iter().any(|scope| scope.allows(&object.key, op, guarded));
    if !actor.scopes.as_ref().is_none_or(scoped) {
        return Cow::Owned(Reach::None);
    }
    role_reach(actor, object, op)
}

/// The right as the role grants it, whatever the scopes.
pub(super) fn role_reach<'a>(actor: &'a Actor, object: &ObjectDef, op: Op) -> Cow<'a, Reach> {
    if actor.is_system() {
        return Cow::Owned(Reach::All);
    }
    match grant(&actor.role, object) {
        Cow::Borrowed(grant) => Cow::Borrowed(grant.reach(op)),
        Cow::Owned(grant) => Cow::Owned(grant.reach(op).clone()),
    }
}

/// The grant of a role on an object. Administration objects start from what everyone may do; there a role can widen reading, and of
/// the unguarded ones everything.
pub(super) fn grant<'r>(role: &'r Role, object: &ObjectDef) -> Cow<'r, ObjectGrant> {
    let named = role.grants.objects.get(&object.key);
    if role.admin {
        Cow::Owned(ObjectGrant::everything())
    } else if !object.system {
        Cow::Borrowed(named.unwrap_or(&role.grants.default))
    } else {
        let base = &administration::baseline(&object.key).grant;
        match named {
            None => Cow::Owned(base.clone()),
            Some(named) if !administration::is_guarded(object) => Cow::Borrowed(named),
            Some(named) => {
                let mut fields = base.fields.clone();
                fields.extend(named.fields.clone());
                Cow::Owned(ObjectGrant {
                    read: named.read.clone(),
                    export: named.export.clone(),
                    fields,
                    ..base.clone()
                })
            }
        }
    }
}

pub(super) fn role_field_access(role: &Role, object: &ObjectDef, field: &FieldDef) -> FieldAccess {
    // Hashes of passwords and tokens are for the engine alone, administrators included.
    if object.system && field.kind == "secret" {
        return FieldAccess::Hidden;
    }
    if role.admin {
        return FieldAccess::Write;
    }
    let grant = grant(role, object);
    let granted = match grant.fields.get(&field.key) {
        Some(access) => *access,
        None if reveals_hidden(&grant, field) => FieldAccess::Hidden,
        None => FieldAccess::Write,
    };
    let closed = administration::is_guarded(object)
        && administration::baseline(&object.key).writable.is_none_or(|fields| !fields.contains(&field.key.as_str()));
    if closed { granted.min(FieldAccess::Read) } else { granted }
}

/// A computed field tells what it is computed from; it is hidden with its sources unless the role names it.
fn reveals_hidden(grant: &ObjectGrant, field: &FieldDef) -> bool {
    let Some(cel) = field.expression.as_deref().filter(|_| !grant.fields.is_empty()) else { return false };
    match Expr::parse(cel) {
        Ok(expr) => expr.references().iter().any(|name| grant.fields.get(name.as_str()) == Some(&FieldAccess::Hidden)),
        Err(_) => true,
    }
}

/// `owner == me || created_by == me`, with the owner fields this object has.
pub(super) fn own(object: &ObjectDef) -> String {
    let mut parts: Vec<String> = owner_fields(object).map(|key| format!("{key} == me")).collect();
    parts.push("created_by == me".into());
    parts.join(" || ")
}

fn owner_fields(object: &ObjectDef) -> impl Iterator<Item = &'static str> {
    OWNER_FIELDS.into_iter().filter(|key| object.field(key).is_some_and(|field| field.kind == "user"))
}

/// The records that one of `peers` owns or made.
pub(super) fn team(object: &ObjectDef, peers: &[RecordId]) -> Restriction {
    if peers.is_empty() {
        return Restriction::Nothing;
    }
    let fields: Vec<&str> = owner_fields(object).chain(["created_by"]).collect();
    Restriction::Where(Arc::new(Expr::any_among(&fields, peers)))
}

/// A rule as a restriction; one that cannot be read gives nothing.
pub(super) fn compiled(cel: &str, object: &ObjectDef) -> Restriction {
    match Expr::parse(cel).and_then(|expr| expr.resolve(object)) {
        Ok(expr) => Restriction::Where(Arc::new(expr)),
        Err(error) => {
            tracing::warn!(object = %object.key, %error, "an access rule cannot be read and gives no access; mend it in the role");
            Restriction::Nothing
        }
    }
}
