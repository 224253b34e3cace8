//! Signing in and out, and the sessions between. Gives the same answer, in about the same time, for a wrong user and a wrong password.

use kith_base::{RecordId, Secret, TimestampMs};
use kith_model::Value;

use super::{
    directory::{self, Known, usable_user},
    password,
    places::{self, Place},
    slow_down::{Attempt, Counts, Guessed},
    ticket::{self, SESSION_PREFIX},
};
use crate::{
    Actor, ActorKind, Cause, Command, CommitOptions, Engine, EngineError, Fields, Record,
    audit::{Alert, AuditItem, AuditKind, Severity},
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

/// Sessions looked at for what is usual.
const PLACES_MAX: usize = 50;

/// Sessions of one user looked at, living and ended.
const SESSIONS_MAX: usize = 2_000;

/// Failures that are worth an alert: of one account, of one address, and of everybody within ten minutes.
const FAILURES_ACCOUNT: u32 = 10;
const FAILURES_ADDRESS: u32 = 30;
const FAILURES_ALL: u32 = 300;

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
    /// Checks e-mail and password and starts a session, or asks for the second factor.
    ///
    /// # Errors
    /// `auth.wrong` whatever is wrong; `auth.slow_down` after several failures, without looking at the password; `auth.second_factor`
    /// with a challenge when the password is right and a code is still to come.
    pub fn sign_in(&self, email: &str, password: &Secret<String>, client: Client<'_>) -> Result<SignedIn, EngineError> {
        let access = &self.core().access;
        let known = self.user_by_email(email);
        let home = known.as_ref().is_some_and(|user| self.was_here(user.id, client));
        let what = if home { Guessed::PasswordFromHome } else { Guessed::Password };
        let attempt = Attempt { what, account: email, address: client.address };
        let counts = access.slow_down.begin(attempt, self.now_ms()).map_err(slowed)?;
        let user = known.as_ref().filter(|user| usable_user(&self.core().image, user.id).is_some());
        // The same work for every e-mail: one hash, whether there is a user, a password, a second factor, or none of them.
        if !password::verify(password, user.and_then(password_hash))? {
            tracing::warn!("a sign-in failed");
            let user = known.map(|u| u.id);
            self.audit(AuditItem::of_stranger(self.now_ms(), AuditKind::SignInFailed, user, client.address));
            self.alert_failures(user, counts, client);
            return Err(EngineError::AuthWrong);
        }
        access.slow_down.succeeded(attempt);
        let user = user.map(|user| user.id).ok_or(EngineError::AuthWrong)?;
        let known = access.directory.known(&self.core().image, user).ok_or(EngineError::AuthWrong)?;
        if let Some(challenge) = self.challenge(&known)? {
            return Err(EngineError::SecondFactor(Box::new(challenge)));
        }
        self.begin_session(&known, client, false, Vec::new())
    }

    /// Starts a session for somebody who has proved who it is, and notes what is unusual about it. `with` is done in the same
    /// transaction.
    pub(super) fn begin_session(
        &self,
        known: &Known,
        client: Client<'_>,
        second_factor: bool,
        with: Vec<Command>,
    ) -> Result<SignedIn, EngineError> {
        let place = Place::new(client.address, client.name, self.now_ms());
        let unusual = places::unusual(&self.places_of(known.actor.id), &place, known.actor.is_admin());
        let signed_in = self.start_session(known, client, second_factor, with)?;
        self.audit(AuditItem::of(&known.actor, self.now_ms(), AuditKind::SignedIn).detail(client.address));
        for (severity, code) in unusual {
            self.alert(Alert { severity, code, user: Some(known.actor.id), detail: client.address.to_string() });
        }
        Ok(signed_in)
    }

    /// Whether the user has signed in from this network before.
    fn was_here(&self, user: RecordId, client: Client<'_>) -> bool {
        let network = Place::new(client.address, client.name, 0).network;
        !network.is_empty() && self.places_of(user).iter().any(|place| place.network == network)
    }

    /// Where the user's last sessions came from, ended ones included.
    fn places_of(&self, user: RecordId) -> Vec<Place> {
        let sessions = self.core().access.sessions.of(&self.core().image, user, PLACES_MAX);
        let place = |record: &Record| {
            let (address, client) =
                (record.values.get(ids::sessions::ADDRESS), record.values.get(ids::sessions::CLIENT));
            Place::new(&text(address), &text(client), time(record, ids::sessions::LAST_SEEN_AT))
        };
        sessions.iter().map(place).collect()
    }

    /// Alerts once as a count passes a mark, so that a long attack is a few lines and not a million.
    fn alert_failures(&self, user: Option<RecordId>, counts: Counts, client: Client<'_>) {
        let marks = [
            (counts.account == FAILURES_ACCOUNT, Severity::Warning, "sign_in.many_failures", user),
            (counts.address == FAILURES_ADDRESS, Severity::Warning, "sign_in.guessing_address", None),
            (counts.all == FAILURES_ALL, Severity::Critical, "sign_in.flood", None),
        ];
        for (_, severity, code, user) in marks.into_iter().filter(|(passed, ..)| *passed) {
            self.alert(Alert { severity, code, user, detail: client.address.to_string() });
        }
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
        let known = self.core().access.directory.known(&self.core().image, user).ok_or(EngineError::AuthRequired)?;
        let second_factor = record.values.get(ids::sessions::SECOND_FACTOR) == &Value::Bool(true);
        if is_of_old(&record, &known) || (!second_factor && self.needs_second_factor(&known.actor)) {
            return Err(EngineError::AuthRequired);
        }
        Ok((Session { id, actor: Actor::clone(&known.actor), expires_at }, is_stale(seen, now)))
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

    fn start_session(
        &self,
        known: &Known,
        client: Client<'_>,
        second_factor: bool,
        with: Vec<Command>,
    ) -> Result<SignedIn, EngineError> {
        let (now, actor) = (self.now_ms(), &known.actor);
        let id = RecordId::generate(now);
        let (token, hash) = ticket::issue(SESSION_PREFIX, id)?;
        let expires_at = now + ABSOLUTE_MS;
        let clipped = |text: &str| {
            let short: String = text.chars().filter(|c| !c.is_control()).take(CLIENT_CHARS_MAX).collect();
            if short.is_empty() { Value::Null } else { Value::Text(short) }
        };
        let values = vec![
            ("user".to_string(), Value::Link(actor.id)),
            ("client".to_string(), clipped(client.name)),
            ("address".to_string(), clipped(client.address)),
            ("hash".to_string(), Value::Secret(hash)),
            ("last_seen_at".to_string(), Value::DateTime(now)),
            ("expires_at".to_string(), Value::DateTime(expires_at)),
            ("epoch".to_string(), Value::Int(known.epoch)),
            ("second_factor".to_string(), Value::Bool(second_factor)),
        ];
        let mut commands =
            vec![Command::Create { object: "sessions".into(), id: Some(id), values: Fields::Parsed(values) }];
        commands.extend(with);
        // Sessions that ran out are put away when their user comes back, so that they do not pile up.
        let over = self.living_sessions(actor.id).into_iter().filter(|s| is_over(s, known, now));
        commands.extend(over.take(50).map(|s| Command::Delete { object: "sessions".into(), id: s.id, version: None }));
        self.commit(&Actor::system(), Rights::Engine, commands, CommitOptions::caused_by(Cause::new("sign_in")))?;
        Ok(SignedIn { token, actor: Actor::clone(actor), expires_at })
    }

    /// Sessions of a user that nobody has ended, newest first; some may have run out.
    pub(super) fn living_sessions(&self, user: RecordId) -> Vec<Record> {
        let mut sessions = self.core().access.sessions.of(&self.core().image, user, SESSIONS_MAX);
        sessions.retain(|record| !record.trashed);
        sessions
    }

    pub(super) fn end_sessions(&self, sessions: &[RecordId]) -> Result<(), EngineError> {
        for some in sessions.chunks(kith_base::limits::BATCH_OPS_MAX) {
            let end = |id: &RecordId| Command::Delete { object: "sessions".into(), id: *id, version: None };
            let commands: Vec<Command> = some.iter().map(end).collect();
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

/// The wait as a refusal.
pub(super) fn slowed(wait_ms: i64) -> EngineError {
    EngineError::SlowDown { seconds: u64::try_from(wait_ms.div_euclid(1_000) + 1).unwrap_or(1) }
}

/// Whether a session ran out, or ended with a change of its user.
pub(super) fn is_over(session: &Record, known: &Known, now: TimestampMs) -> bool {
    now >= time(session, ids::sessions::EXPIRES_AT)
        || now >= time(session, ids::sessions::LAST_SEEN_AT).saturating_add(IDLE_MS)
        || is_of_old(session, known)
}

/// Made before the user's role or state changed.
fn is_of_old(session: &Record, known: &Known) -> bool {
    directory::whole(session.values.get(ids::sessions::EPOCH)) < known.epoch
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
