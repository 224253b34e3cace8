//! Making users and changing passwords. The records of `users` are otherwise changed like any other.

use kith_base::{RecordId, Secret};
use kith_model::Value;

use super::{
    password,
    session::{password_hash, slowed, text},
    slow_down::{Attempt, Guessed},
};
use crate::{
    Actor, ActorKind, Cause, Command, CommitOptions, Engine, EngineError, Fields, IdempotencyKey, Record,
    access::Guard,
    audit::{AuditItem, AuditKind},
    pipeline::prepare::Rights,
    system::{ids, seeds},
};

/// Who should be able to sign in.
#[derive(Debug, Default)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    /// Key or id of a role: `admin`, `member`, `read-only` or one of your own.
    pub role: String,
    pub teams: Vec<RecordId>,
    /// None: cannot sign in until an administrator sets one.
    pub password: Option<Secret<String>>,
    /// The same request with the same key makes one user. Its hash goes into the journal, so it must not cover the password.
    pub idempotency: Option<IdempotencyKey>,
}

impl Engine {
    /// Makes a user.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator; `record.invalid` and `record.not_unique` with the field at fault.
    pub fn create_user(&self, actor: &Actor, user: NewUser) -> Result<Record, EngineError> {
        self.require_admin(actor, "users", "make users")?;
        if let Some(made) = self.replayed(actor, user.idempotency.as_ref())?.and_then(|mut made| made.pop()) {
            return Ok(made);
        }
        let role = self.role_named(&user.role)?;
        let name = if user.name.trim().is_empty() { name_from(&user.email) } else { user.name.trim().to_string() };
        let mut values = vec![
            ("email".to_string(), self.read_text("users", "email", &user.email)?),
            ("name".to_string(), self.read_text("users", "name", &name)?),
            ("role".to_string(), Value::Link(role)),
            ("teams".to_string(), if user.teams.is_empty() { Value::Null } else { Value::Links(user.teams) }),
        ];
        if let Some(password) = &user.password {
            password::check(password, &[&user.email, &name, &self.workspace_name()])?;
            values.push(("password".to_string(), Value::Secret(password::hash(password)?)));
            values.push(("password_changed_at".to_string(), Value::DateTime(self.now_ms())));
        }
        let command = Command::Create { object: "users".into(), id: None, values: Fields::Parsed(values) };
        let options = CommitOptions { idempotency: user.idempotency, ..CommitOptions::caused_by(Cause::new("user")) };
        let mut made = self.commit(actor, Rights::Engine, vec![command], options)?;
        self.mask(actor, &mut made);
        made.pop().ok_or_else(|| EngineError::Internal("a new user has no record".into()))
    }

    /// Sets a user's password as an administrator, and ends the user's sessions.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator; `record.not_found`; `record.invalid` for a weak password.
    pub fn set_password(&self, actor: &Actor, user: RecordId, new: &Secret<String>) -> Result<(), EngineError> {
        self.require_admin(actor, "users", "set others' passwords")?;
        self.write_password(actor, user, new, None)
    }

    /// Changes the actor's own password and ends its other sessions; `keep` is the token of the session that asks.
    ///
    /// # Errors
    /// `auth.wrong` when `current` is wrong, `auth.slow_down` after several of those, `record.invalid` for a weak password.
    pub fn change_password(
        &self,
        actor: &Actor,
        current: &Secret<String>,
        new: &Secret<String>,
        keep: Option<&str>,
    ) -> Result<(), EngineError> {
        let user = actor.user.filter(|_| actor.kind == ActorKind::User).ok_or_else(|| {
            EngineError::AccessDenied(
                "only a signed-in user changes its password; sign in with e-mail and password".into(),
            )
        })?;
        let record = self.user_record(user)?;
        self.prove_password(actor, &record, current)?;
        let keep = keep.and_then(|token| self.session(token).ok()).map(|session| session.id);
        self.write_password(actor, user, new, keep)
    }

    /// Takes the actor's own password once more, for what a stolen session must not do.
    pub(super) fn prove_password(
        &self,
        actor: &Actor,
        record: &Record,
        current: &Secret<String>,
    ) -> Result<(), EngineError> {
        let email = text(record.values.get(ids::users::EMAIL));
        // Counted apart from sign-ins: strangers who guess must not keep somebody from a better password.
        let attempt = Attempt { what: Guessed::PasswordFromHome, account: &email, address: "" };
        self.core().access.slow_down.begin(attempt, self.now_ms()).map_err(slowed)?;
        if !password::verify(current, password_hash(record))? {
            self.audit(
                AuditItem::of(actor, self.now_ms(), AuditKind::Refused)
                    .object("users")
                    .records(&[record.id])
                    .detail("password"),
            );
            return Err(EngineError::AuthWrong);
        }
        self.core().access.slow_down.succeeded(attempt);
        Ok(())
    }

    fn write_password(
        &self,
        actor: &Actor,
        user: RecordId,
        new: &Secret<String>,
        keep: Option<RecordId>,
    ) -> Result<(), EngineError> {
        let record = self.user_record(user)?;
        let (email, name) = (text(record.values.get(ids::users::EMAIL)), text(record.values.get(ids::users::NAME)));
        password::check(new, &[&email, &name, &self.workspace_name()])?;
        let values = vec![
            ("password".to_string(), Value::Secret(password::hash(new)?)),
            ("password_changed_at".to_string(), Value::DateTime(self.now_ms())),
        ];
        let others = self.living_sessions(user).into_iter().map(|session| session.id).filter(|id| Some(*id) != keep);
        // In one transaction: a new password with the old sessions alive would be a false promise.
        let mut commands =
            vec![Command::Update { object: "users".into(), id: user, version: None, values: Fields::Parsed(values) }];
        let room = kith_base::limits::BATCH_OPS_MAX - commands.len();
        let mut others: Vec<RecordId> = others.collect();
        let rest = others.split_off(others.len().min(room));
        commands.extend(others.into_iter().map(|id| Command::Delete { object: "sessions".into(), id, version: None }));
        self.commit(actor, Rights::Engine, commands, CommitOptions::caused_by(Cause::new("password_change")))?;
        self.end_sessions(&rest)
    }

    pub(crate) fn require_admin(&self, actor: &Actor, object: &str, what: &str) -> Result<(), EngineError> {
        if actor.is_admin() || actor.is_system() {
            return Ok(());
        }
        let said = format!("only an administrator may {what}; ask one");
        Err(self.refuse(actor, object, "administer", EngineError::AccessDenied(said)))
    }

    /// How a password would fare for an account with this e-mail and name.
    pub fn password_strength(&self, password: &Secret<String>, email: &str, name: &str) -> password::Strength {
        password::strength(password, &[email, name, &self.workspace_name()])
    }

    /// What the workspace calls itself: the company, most often.
    pub(super) fn workspace_name(&self) -> String {
        let settings = self.core().image.get_of(ids::settings::OBJECT, seeds::SETTINGS);
        settings.map_or_else(String::new, |record| text(record.values.get(ids::settings::NAME)))
    }

    pub(super) fn user_record(&self, id: RecordId) -> Result<Record, EngineError> {
        let found = self.core().image.get_of(ids::users::OBJECT, id).filter(|record| !record.trashed);
        found.ok_or_else(|| EngineError::RecordNotFound { object: "users".into(), id })
    }

    /// A role by key or id.
    fn role_named(&self, name: &str) -> Result<RecordId, EngineError> {
        let image = &self.core().image;
        let living = |id: &RecordId| image.meta(*id).is_some_and(|m| m.object == ids::roles::OBJECT && !m.trashed);
        if let Some(id) = name.parse::<RecordId>().ok().filter(living) {
            return Ok(id);
        }
        let found = image.lookup(ids::roles::OBJECT, ids::roles::KEY, &name.trim().to_lowercase());
        found.into_iter().find(living).ok_or_else(|| {
            let shown: String = name.chars().take(60).collect();
            let said = format!("there is no role '{shown}'; the starting ones are admin, member and read-only");
            EngineError::invalid("role", "no_such_record", said)
        })
    }

    /// A text as a required field takes it.
    pub(super) fn read_text(&self, object: &str, key: &str, text: &str) -> Result<Value, EngineError> {
        let schema = self.schema();
        let field = schema.object(object).and_then(|object| object.field(key));
        let field = field.ok_or_else(|| EngineError::Internal(format!("'{object}' has no field '{key}'")))?;
        let json = serde_json::Value::String(text.to_string());
        match field.kind().read(field, &self.read_context(), &json) {
            Ok(Value::Null) => Err(EngineError::invalid(key, "required", format!("'{key}' is required"))),
            Ok(value) => Ok(value),
            Err(violation) => Err(EngineError::Invalid(vec![violation])),
        }
    }

    /// Whether the actor may do this with some records of an object; unknown objects: no.
    pub fn can(&self, actor: &Actor, object: &str, op: crate::Op) -> bool {
        self.schema().object(object).is_some_and(|object| Guard::new(actor).may_some(object, op))
    }
}

/// A name for someone of whom only the address is known.
fn name_from(email: &str) -> String {
    email.split('@').next().unwrap_or_default().trim().to_string()
}
