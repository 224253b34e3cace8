//! Signing in and out, and the sessions between. Gives the same answer, in about the same time, for a wrong user and a wrong password.

use kith_base::{RecordId, Secret, TimestampMs};
use kith_model::Value;

use super::{
    directory::{self, usable_user},
    password,
    slow_down::Attempt,
    ticket::{self, SESSION_PREFIX},
};
use crate::{
    Actor, ActorKind, Cause, Command, CommitOptions, Engine, EngineError, Fields, Record,
    audit::{AuditItem, AuditKind},
    pipeline::prepare::Rights,
    system::ids,
};

/// A session ends after this time without use.
const IDLE_MS: i64 = 30 * DAY_MS;

/// And at the latest after this one, so that a stolen cookie does not work for ever.
const ABSOLUTE_MS: i64 = 90 * DAY_MS;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// How exactly the last use of sessions and tokens is kept: an hour costs one small write per session and hour.
const SEEN_MS: i64 = 3_600 * 1_000;

/// Characters kept of what the client calls itself.
const CLIENT_CHARS_MAX: usize = 120;

/// Where a sign-in comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Client<'a> {
    /// Network address; empty for the command line.
    pub address: &'a str,
    /// What it calls itself, such as the User-Agent.
    pub name: &'a str,
}

/// A new session.
#[derive(Debug)]
pub struct SignedIn {
    /// The value of the session cookie. Not kept anywhere.
    pub token: Secret<String>,
    pub actor: Actor,
    pub expires_at: TimestampMs,
}

/// A session in use.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: RecordId,
    pub actor: Actor,
    /// At the latest; unused sessions end sooner.
    pub expires_at: TimestampMs,
}

impl Engine {
    /// Checks e-mail and password and starts a session.
    ///
    /// # Errors
    /// `auth.wrong` whatever is wrong; `auth.slow_down` after several failures, without looking at the password.
    pub fn sign_in(&self, email: &str, password: &Secret<String>, client: Client<'_>) -> Result<SignedIn, EngineError> {
        let access = &self.core().access;
        let attempt = Attempt { email, address: client.address };
        access.slow_down.begin(attempt, self.now_ms()).map_err(|wait_ms| EngineError::SlowDown {
            seconds: u64::try_from(wait_ms.div_euclid(1_000) + 1).unwrap_or(1),
        })?;
        let known = self.user_by_email(email);
        let user = known.as_ref().filter(|user| usable_user(&self.core().image, user.id).is_some());
        if !password::verify(password, user.and_then(password_hash)) {
            tracing::warn!("a sign-in failed");
            self.audit(AuditItem::of_stranger(
                self.now_ms(),
                AuditKind::SignInFailed,
                known.map(|u| u.id),
                client.address,
            ));
            return Err(EngineError::AuthWrong);
        }
        access.slow_down.succeeded(attempt);
        let user = user.map(|user| user.id).ok_or(EngineError::AuthWrong)?;
        let actor = access.directory.actor(&self.core().image, user).ok_or(EngineError::AuthWrong)?;
        let signed_in = self.start_session(&actor, client)?;
        self.audit(AuditItem::of(&actor, self.now_ms(), AuditKind::SignedIn).detail(client.address));
        Ok(signed_in)
    }

    /// The actor of a session cookie. Notes now and then that the session is in use.
    ///
    /// # Errors
    /// `auth.required` for anything but a living session of a usable user.
    pub fn actor_for_session(&self, token: &str) -> Result<Actor, EngineError> {
        self.session(token).map(|session| session.actor)
    }

    /// The session of a cookie.
    ///
    /// # Errors
    /// `auth.required` for anything but a living session of a usable user.
    pub fn session(&self, token: &str) -> Result<Session, EngineError> {
        let (session, stale) = self.session_found(token)?;
        if stale {
            self.touch("sessions", "last_seen_at", session.id, self.now_ms());
        }
        Ok(session)
    }

    /// As `actor_for_session`, for callers who must not wait. None: its use has to be noted first.
    ///
    /// # Errors
    /// As `actor_for_session`.
    pub fn actor_for_session_here(&self, token: &str) -> Result<Option<Actor>, EngineError> {
        let (session, stale) = self.session_found(token)?;
        Ok((!stale).then_some(session.actor))
    }

    /// The session of a cookie, and whether its use should be noted.
    fn session_found(&self, token: &str) -> Result<(Session, bool), EngineError> {
        let now = self.now_ms();
        let (id, shown) = ticket::read(SESSION_PREFIX, token).ok_or(EngineError::AuthRequired)?;
        let record = self.ticket_record(ids::sessions::OBJECT, ids::sessions::HASH, id, shown)?;
        let (expires_at, seen) = (time(&record, ids::sessions::EXPIRES_AT), time(&record, ids::sessions::LAST_SEEN_AT));
        if now >= expires_at || now >= seen.saturating_add(IDLE_MS) {
            return Err(EngineError::AuthRequired);
        }
        let user = link(&record, ids::sessions::USER).ok_or(EngineError::AuthRequired)?;
        let actor = self.core().access.directory.actor(&self.core().image, user).ok_or(EngineError::AuthRequired)?;
        Ok((Session { id, actor: Actor::clone(&actor), expires_at }, is_stale(seen, now)))
    }

    /// Ends a session. One that is gone already is no error.
    ///
    /// # Errors
    /// When the end cannot be made durable; the session is still alive then.
    pub fn sign_out(&self, token: &str) -> Result<(), EngineError> {
        let Ok(session) = self.session(token) else { return Ok(()) };
        self.end_sessions(&[session.id])?;
        self.audit(AuditItem::of(&session.actor, self.now_ms(), AuditKind::SignedOut));
        Ok(())
    }

    /// The same actor with its rights as they are now; none when it may no longer act. For readers that live longer than a request.
    pub fn refresh(&self, actor: &Actor) -> Option<Actor> {
        let fresh = match (actor.kind, actor.user) {
            (ActorKind::User | ActorKind::Token, Some(user)) => {
                self.core().access.directory.actor(&self.core().image, user)?
            }
            _ => return Some(actor.clone()),
        };
        let mut fresh = Actor::clone(&fresh);
        if actor.kind == ActorKind::Token {
            self.token_record(actor.id)?;
            fresh = Actor {
                kind: actor.kind,
                id: actor.id,
                name: actor.name.clone(),
                scopes: actor.scopes.clone(),
                ..fresh
            };
        }
        Some(fresh)
    }

    fn start_session(&self, actor: &Actor, client: Client<'_>) -> Result<SignedIn, EngineError> {
        let now = self.now_ms();
        let id = RecordId::generate(now);
        let (token, hash) = ticket::issue(SESSION_PREFIX, id)?;
        let expires_at = now + ABSOLUTE_MS;
        let name: String = client.name.chars().filter(|c| !c.is_control()).take(CLIENT_CHARS_MAX).collect();
        let values = vec![
            ("user".to_string(), Value::Link(actor.id)),
            ("client".to_string(), if name.is_empty() { Value::Null } else { Value::Text(name) }),
            ("hash".to_string(), Value::Secret(hash)),
            ("last_seen_at".to_string(), Value::DateTime(now)),
            ("expires_at".to_string(), Value::DateTime(expires_at)),
        ];
        let mut commands =
            vec![Command::Create { object: "sessions".into(), id: Some(id), values: Fields::Parsed(values) }];
        // Sessions that ran out are put away when their user comes back, so that they do not pile up.
        let over = self.sessions_of(actor.id).into_iter().filter(|s| {
            now >= time(s, ids::sessions::EXPIRES_AT)
                || now >= time(s, ids::sessions::LAST_SEEN_AT).saturating_add(IDLE_MS)
        });
        commands.extend(over.take(50).map(|s| Command::Delete { object: "sessions".into(), id: s.id, version: None }));
        self.commit(&Actor::system(), Rights::Engine, commands, CommitOptions::caused_by(Cause::new("sign_in")))?;
        Ok(SignedIn { token, actor: actor.clone(), expires_at })
    }

    /// Living sessions of a user.
    pub(super) fn sessions_of(&self, user: RecordId) -> Vec<Record> {
        let image = &self.core().image;
        let pointing = image.pointing_at(user).into_iter();
        let sessions =
            pointing.filter(|(object, field, _)| (*object, *field) == (ids::sessions::OBJECT, ids::sessions::USER));
        sessions
            .filter_map(|(_, _, id)| image.get_of(ids::sessions::OBJECT, id))
            .filter(|record| !record.trashed)
            .collect()
    }

    pub(super) fn end_sessions(&self, sessions: &[RecordId]) -> Result<(), EngineError> {
        for some in sessions.chunks(kith_base::limits::BATCH_OPS_MAX) {
            let end = |id: &RecordId| Command::Delete { object: "sessions".into(), id: *id, version: None };
            let commands = some.iter().map(end).collect();
            self.commit(&Actor::system(), Rights::Engine, commands, CommitOptions::caused_by(Cause::new("sign_out")))?;
        }
        Ok(())
    }

    /// The living record that a ticket names, if the ticket fits it.
    pub(super) fn ticket_record(
        &self,
        object: u32,
        hash: u32,
        id: RecordId,
        shown: blake3::Hash,
    ) -> Result<Record, EngineError> {
        let record = self.core().image.get_of(object, id).filter(|record| !record.trashed);
        let fits =
            |record: &Record| matches!(record.values.get(hash), Value::Secret(kept) if ticket::matches(kept, shown));
        record.filter(fits).ok_or(EngineError::AuthRequired)
    }

    /// Notes that a session or token is in use. A failure is not the caller's business: the next use tries again.
    pub(super) fn touch(&self, object: &str, field: &str, id: RecordId, now: TimestampMs) {
        // Of several requests at once, one writes.
        if !self.core().access.touching.lock().insert(id) {
            return;
        }
        let values = Fields::Parsed(vec![(field.to_string(), Value::DateTime(now))]);
        let command = Command::Update { object: object.to_string(), id, version: None, values };
        let done =
            self.commit(&Actor::system(), Rights::Engine, vec![command], CommitOptions::caused_by(Cause::new("use")));
        if let Err(error) = done {
            tracing::debug!(code = error.code(), "the last use of a session or token was not noted");
        }
        self.core().access.touching.lock().remove(&id);
    }

    pub(super) fn user_by_email(&self, email: &str) -> Option<Record> {
        let folded = email.trim().to_lowercase();
        let image = &self.core().image;
        let found = image.lookup(ids::users::OBJECT, ids::users::EMAIL, &folded).into_iter();
        found.filter_map(|id| image.get_of(ids::users::OBJECT, id)).find(|record| !record.trashed)
    }
}

pub(super) fn password_hash(user: &Record) -> Option<&str> {
    match user.values.get(ids::users::PASSWORD) {
        Value::Secret(hash) => Some(hash),
        _ => None,
    }
}

/// Whether a last use is long enough ago to be noted again.
pub(super) fn is_stale(seen: TimestampMs, now: TimestampMs) -> bool {
    now - seen >= SEEN_MS
}

pub(super) fn time(record: &Record, field: u32) -> TimestampMs {
    match record.values.get(field) {
        Value::DateTime(ms) => *ms,
        _ => 0,
    }
}

pub(super) fn link(record: &Record, field: u32) -> Option<RecordId> {
    match record.values.get(field) {
        Value::Link(id) => Some(*id),
        _ => None,
    }
}

pub(super) use directory::text;
