//! API tokens: issued once, shown once, kept as a hash.

use kith_base::{RecordId, Secret, TimestampMs};
use kith_model::Value;

use super::{
    session::{is_stale, link, text, time},
    ticket::{self, TOKEN_PREFIX},
};
use crate::{
    Actor, ActorKind, Cause, Command, CommitOptions, Engine, EngineError, Fields, IdempotencyKey, Record,
    access::Scope, pipeline::prepare::Rights, system::ids,
};

/// Scopes of one token. More are a mistake.
const SCOPES_MAX: usize = 100;

/// What a new token should be.
#[derive(Clone, Debug, Default)]
pub struct NewToken {
    pub name: String,
    /// Such as `people:read`; at least one.
    pub scopes: Vec<String>,
    /// Milliseconds since 1970; none: until it is revoked.
    pub expires_at: Option<TimestampMs>,
    /// Whose rights it has; the actor's own where none is named.
    pub user: Option<RecordId>,
    /// The same request with the same key issues one token.
    pub idempotency: Option<IdempotencyKey>,
}

impl Engine {
    /// Issues a token. The word is shown here and never again.
    ///
    /// # Errors
    /// `record.invalid` for a wrong scope or time; `access.denied` for someone else's token without being an administrator, or when the
    /// actor is itself a token without the scope `admin`; `idempotency.shown_once` for a request that was done before.
    pub fn create_token(&self, actor: &Actor, token: NewToken) -> Result<(Secret<String>, Record), EngineError> {
        let user = token.user.or(actor.user).ok_or_else(|| {
            EngineError::invalid("user", "required", "a token acts for a user; name the user it is for")
        })?;
        let own = actor.kind == ActorKind::User && actor.user == Some(user);
        if !own && !actor.is_admin() {
            let said = "only an administrator may issue tokens for others or by token; ask one";
            return Err(self.refuse(actor, "tokens", "create", EngineError::AccessDenied(said.into())));
        }
        if let Some(known) = self.replayed(actor, token.idempotency.as_ref())?.and_then(|mut made| made.pop()) {
            return Err(EngineError::ShownOnce(known.id));
        }
        let now = self.now_ms();
        let user = self.core().access.directory.actor(&self.core().image, user).ok_or_else(|| {
            EngineError::invalid(
                "user",
                "no_such_record",
                "there is no such user, or it is disabled; name one that can sign in",
            )
        })?;
        let scopes = read_scopes(&token.scopes)?;
        if token.expires_at.is_some_and(|at| at <= now) {
            return Err(EngineError::invalid(
                "expires_at",
                "in_the_past",
                "the token would have expired already; give a later time",
            ));
        }
        let id = RecordId::generate(now);
        let (word, hash) = ticket::issue(TOKEN_PREFIX, id)?;
        let values = vec![
            ("name".to_string(), self.read_text("tokens", "name", &token.name)?),
            ("user".to_string(), Value::Link(user.id)),
            ("scopes".to_string(), Value::Texts(scopes.iter().map(Scope::to_string).collect())),
            ("expires_at".to_string(), token.expires_at.map_or(Value::Null, Value::DateTime)),
            ("revoked".to_string(), Value::Bool(false)),
            ("hash".to_string(), Value::Secret(hash)),
        ];
        let command = Command::Create { object: "tokens".into(), id: Some(id), values: Fields::Parsed(values) };
        let options = CommitOptions { idempotency: token.idempotency, ..CommitOptions::caused_by(Cause::new("token")) };
        let mut made = self.commit(actor, Rights::Engine, vec![command], options)?;
        self.mask(actor, &mut made);
        let record = made.pop().ok_or_else(|| EngineError::Internal("a new token has no record".into()))?;
        // Two requests with one key at the same moment: the word of this one belongs to no token.
        if record.id != id { Err(EngineError::ShownOnce(record.id)) } else { Ok((word, record)) }
    }

    /// The actor of an API token.
    ///
    /// # Errors
    /// `auth.required` for anything but a living token of a usable user.
    pub fn actor_for_token(&self, token: &str) -> Result<Actor, EngineError> {
        let (actor, stale) = self.token_found(token)?;
        if stale {
            self.touch("tokens", "last_used_at", actor.id, self.now_ms());
        }
        Ok(actor)
    }

    /// As `actor_for_token`, for callers who must not wait. None: its use has to be noted first.
    ///
    /// # Errors
    /// As `actor_for_token`.
    pub fn actor_for_token_here(&self, token: &str) -> Result<Option<Actor>, EngineError> {
        let (actor, stale) = self.token_found(token)?;
        Ok((!stale).then_some(actor))
    }

    /// The actor of a token, and whether its use should be noted.
    fn token_found(&self, token: &str) -> Result<(Actor, bool), EngineError> {
        let now = self.now_ms();
        let (id, shown) = ticket::read(TOKEN_PREFIX, token).ok_or(EngineError::AuthRequired)?;
        let record = self.ticket_record(ids::tokens::OBJECT, ids::tokens::HASH, id, shown)?;
        let record = self.if_working(record).ok_or(EngineError::AuthRequired)?;
        let user = link(&record, ids::tokens::USER).ok_or(EngineError::AuthRequired)?;
        let user = self.core().access.directory.actor(&self.core().image, user).ok_or(EngineError::AuthRequired)?;
        let scopes = match record.values.get(ids::tokens::SCOPES) {
            // A scope that cannot be read allows nothing.
            Value::Texts(scopes) => scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
            _ => Vec::new(),
        };
        let stale = is_stale(time(&record, ids::tokens::LAST_USED_AT), now);
        let name = format!("{} ({})", text(record.values.get(ids::tokens::NAME)), user.name);
        Ok((Actor { kind: ActorKind::Token, id, name, scopes: Some(scopes), ..Actor::clone(&user) }, stale))
    }

    /// Makes a token useless at once. A user may revoke its own, an administrator all.
    ///
    /// # Errors
    /// `record.not_found` where the actor does not see such a token, `access.denied`.
    pub fn revoke_token(&self, actor: &Actor, id: RecordId) -> Result<Record, EngineError> {
        let values = Fields::Parsed(vec![("revoked".to_string(), Value::Bool(true))]);
        let command = Command::Update { object: "tokens".into(), id, version: None, values };
        let mut done = self.execute(actor, vec![command], CommitOptions::caused_by(Cause::new("token")))?;
        done.pop().ok_or_else(|| EngineError::Internal("a revoked token has no record".into()))
    }

    /// The record of a token that still works.
    pub(super) fn token_record(&self, id: RecordId) -> Option<Record> {
        self.core().image.get_of(ids::tokens::OBJECT, id).and_then(|record| self.if_working(record))
    }

    fn if_working(&self, record: Record) -> Option<Record> {
        let revoked = record.values.get(ids::tokens::REVOKED) == &Value::Bool(true);
        let expired = matches!(record.values.get(ids::tokens::EXPIRES_AT), Value::DateTime(at) if *at <= self.now_ms());
        (!record.trashed && !revoked && !expired).then_some(record)
    }
}

fn read_scopes(texts: &[String]) -> Result<Vec<Scope>, EngineError> {
    if texts.is_empty() || texts.len() > SCOPES_MAX {
        let said = format!(
            "name between 1 and {SCOPES_MAX} scopes, such as people:read, deals:write, *:read, *:write or admin"
        );
        return Err(EngineError::invalid("scopes", "required", said));
    }
    let read = |text: &String| text.trim().parse::<Scope>();
    let scopes: Result<Vec<Scope>, _> = texts.iter().map(read).collect();
    scopes.map_err(|error| EngineError::invalid("scopes", "bad_scope", error.to_string()))
}
