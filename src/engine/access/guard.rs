//! Where access is enforced: lists, single records, writes, search, export, history, events and totals all ask a guard, through `sight`
//! where records are at hand. Decides nothing itself (`decide` does) and reads nothing.

use std::sync::Arc;

use kith_model::{
    FieldDef, ObjectDef, Value,
    expr::{EvalContext, Expr},
};

use super::{
    FieldAccess, Op, Reach,
    decide::{self, Restriction},
    rules::ObjectRules,
};
use crate::{Actor, EngineError, Record};

/// An actor's rights, asked object by object. Cheap: rules are compiled once per role and object.
#[derive(Clone, Copy)]
pub struct Guard<'a>(&'a Actor);

impl<'a> Guard<'a> {
    pub fn new(actor: &'a Actor) -> Guard<'a> {
        Guard(actor)
    }

    /// What the actor's role means for an object; none for the system, which no role binds.
    fn rules(self, object: &Arc<ObjectDef>) -> Option<Arc<ObjectRules>> {
        (!self.0.is_system()).then(|| self.0.role.rules.of(&self.0.role, object))
    }

    /// The records that the actor may do `op` with. `restrict`, `may_some` and `may` also ask for the right to read them.
    pub fn restriction(self, object: &Arc<ObjectDef>, op: Op) -> Restriction {
        self.compiled(object, &decide::reach_of(self.0, object, op))
    }

    fn compiled(self, object: &Arc<ObjectDef>, reach: &Reach) -> Restriction {
        if self.0.user.is_none() && decide::is_personal(reach) {
            return Restriction::Nothing;
        }
        let rules = || self.0.role.rules.of(&self.0.role, object);
        match reach {
            Reach::None => Restriction::Nothing,
            Reach::All => Restriction::Everything,
            Reach::Own => rules().own(),
            Reach::Team => rules().team(&self.0.peers),
            Reach::Rule(cel) => rules().rule(cel),
        }
    }

    /// Filters that a question about the object must carry; none: no restriction.
    ///
    /// # Errors
    /// `access.denied` when the actor may not do it with any record.
    pub fn restrict(self, object: &Arc<ObjectDef>, op: Op) -> Result<Vec<Arc<Expr>>, EngineError> {
        let mut filters = Vec::new();
        for op in with_read(op) {
            match self.restriction(object, *op) {
                Restriction::Nothing => return Err(self.denied(object, *op)),
                Restriction::Everything => {}
                Restriction::Where(expr) => filters.push(expr),
            }
        }
        Ok(filters)
    }

    /// Whether the actor may do `op` with at least some records: what buttons and menus go by.
    pub fn may_some(self, object: &Arc<ObjectDef>, op: Op) -> bool {
        with_read(op).iter().all(|op| !matches!(self.restriction(object, *op), Restriction::Nothing))
    }

    /// No rule of a role binds the actor, whatever its scopes.
    pub(super) fn is_unbound(self) -> bool {
        self.0.is_system() || self.0.role.admin
    }

    pub(super) fn is_scoped(self) -> bool {
        self.0.scopes.is_some()
    }

    /// The records that the actor's role lets it read. Scopes name the objects that a token works with, not what their records hang on.
    pub(super) fn of_role(self, object: &Arc<ObjectDef>) -> Restriction {
        self.compiled(object, &decide::role_reach(self.0, object, Op::Read))
    }

    /// Whether the actor may do `op` with this record, whatever it hangs on; see `Sight::may`.
    pub(super) fn may(self, object: &Arc<ObjectDef>, op: Op, record: &Record, context: &EvalContext) -> bool {
        with_read(op).iter().all(|op| decide::holds(&self.restriction(object, *op), object, record, context))
    }

    /// The object without the fields hidden from the actor: what writes are read against, so that a hidden field is as unknown as one
    /// that never was.
    pub fn known(self, object: &Arc<ObjectDef>) -> Arc<ObjectDef> {
        self.rules(object).map_or_else(|| object.clone(), |rules| rules.known.clone())
    }

    /// The object without what the actor may not compare with: hidden fields and secrets. Filters, sorts and groups resolve against it.
    pub fn seen(self, object: &Arc<ObjectDef>) -> Arc<ObjectDef> {
        self.rules(object).map_or_else(|| object.clone(), |rules| rules.seen.clone())
    }

    pub fn field_access(self, object: &Arc<ObjectDef>, field: u32) -> FieldAccess {
        self.rules(object).map_or(FieldAccess::Write, |rules| rules.field_access(field))
    }

    /// The refusal of a field that is not there, or is hidden from the actor: the same words for both.
    pub fn unknown_field(self, object: &Arc<ObjectDef>, key: &str) -> EngineError {
        let near = |field: &&FieldDef| {
            !key.is_empty()
                && (field.key.starts_with(key) || key.starts_with(&field.key) || field.label.eq_ignore_ascii_case(key))
        };
        let known = self.known(object);
        let hint =
            known.fields.iter().find(near).map_or(String::new(), |field| format!("; did you mean '{}'?", field.key));
        EngineError::FieldNotFound { object: object.key.clone(), field: key.chars().take(60).collect(), hint }
    }

    /// Numbers of the fields the actor may read.
    pub fn visible_fields(self, object: &Arc<ObjectDef>) -> Vec<u32> {
        self.known(object).fields.iter().map(|field| field.id).collect()
    }

    /// Numbers of the fields the actor may not read, sorted.
    pub fn hidden_fields(self, object: &Arc<ObjectDef>) -> Vec<u32> {
        self.rules(object).map_or_else(Vec::new, |rules| rules.hidden().to_vec())
    }

    /// Takes the values out of `record` that the actor may not see.
    pub fn mask_record(self, object: &Arc<ObjectDef>, record: &mut Record) {
        if let Some(rules) = self.rules(object) {
            for field in rules.hidden() {
                record.values.set(*field, Value::Null);
            }
        }
    }

    /// Decides on making a record with these fields.
    ///
    /// # Errors
    /// `access.denied`, or `field.not_found` for a field hidden from the actor.
    pub fn check_create(self, object: &Arc<ObjectDef>, fields: &[u32]) -> Result<(), EngineError> {
        if matches!(self.restriction(object, Op::Create), Restriction::Nothing) {
            return Err(self.denied(object, Op::Create));
        }
        self.check_fields(object, fields)
    }

    /// Decides on doing `op` with a record as it is now, whatever it hangs on; see `Sight::check`. `fields`: those an update changes.
    ///
    /// # Errors
    /// `record.not_found` where the actor may not even read it, `access.denied`, or `field.not_found` for a hidden field.
    pub(super) fn check(
        self,
        object: &Arc<ObjectDef>,
        op: Op,
        record: &Record,
        fields: &[u32],
        context: &EvalContext,
    ) -> Result<(), EngineError> {
        let within = |op| decide::holds(&self.restriction(object, op), object, record, context);
        if !within(Op::Read) {
            return Err(EngineError::RecordNotFound { object: object.key.clone(), id: record.id });
        }
        if !within(op) {
            return Err(self.denied(object, op));
        }
        self.check_fields(object, fields)
    }

    /// # Errors
    /// `field.not_found` for a field hidden from the actor, `access.denied` for one it may only read.
    pub fn check_fields(self, object: &Arc<ObjectDef>, fields: &[u32]) -> Result<(), EngineError> {
        let Some(rules) = self.rules(object) else { return Ok(()) };
        for id in fields {
            let key = || object.field_by_id(*id).map_or_else(|| id.to_string(), |field| field.key.clone());
            match rules.field_access(*id) {
                FieldAccess::Write => {}
                FieldAccess::Read => {
                    let said = format!(
                        "you may see '{}' of {} and not change it; ask an administrator for the right",
                        key(),
                        object.key
                    );
                    return Err(EngineError::AccessDenied(said));
                }
                // The same answer as for a field that does not exist.
                FieldAccess::Hidden => return Err(self.unknown_field(object, &key())),
            }
        }
        Ok(())
    }

    /// The refusal of `op`, in words for the actor.
    pub fn denied(self, object: &ObjectDef, op: Op) -> EngineError {
        let by = if self.0.scopes.is_some() { "the token's scopes and its user's role do" } else { "your role does" };
        let (op, what) = (op.name(), object.label_plural.to_lowercase());
        EngineError::AccessDenied(format!("{by} not allow to {op} these {what}; ask an administrator for the right"))
    }
}

/// Changing, removing or exporting what one may not read is no right.
fn with_read(op: Op) -> &'static [Op] {
    match op {
        Op::Create => &[Op::Create],
        Op::Read => &[Op::Read],
        Op::Update => &[Op::Update, Op::Read],
        Op::Delete => &[Op::Delete, Op::Read],
        Op::Export => &[Op::Export, Op::Read],
        Op::Erase => &[Op::Erase, Op::Read],
    }
}
