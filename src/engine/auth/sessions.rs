//! Sessions as their owner and administrators see them: listed, and ended one by one or all at once.

use kith_base::{RecordId, TimestampMs};
use kith_model::Value;

use super::{
    directory::text,
    session::{is_over, time},
};
use crate::{
    Actor, ActorKind, Engine, EngineError, Record,
    audit::{AuditItem, AuditKind},
    system::ids,
};

/// One session.
#[derive(Clone, Debug)]
pub struct SessionView {
    pub id: RecordId,
    /// What the browser calls itself.
    pub client: String,
    /// Where it was signed in from.
    pub address: String,
    pub created_at: TimestampMs,
    /// To the hour.
    pub last_seen_at: TimestampMs,
    pub expires_at: TimestampMs,
    /// Began with a second factor.
    pub second_factor: bool,
}

impl Engine {
    /// Living sessions of a user, newest first: one's own, or anybody's for an administrator.
    ///
    /// # Errors
    /// `access.denied`, `record.not_found`.
    pub fn sessions(&self, actor: &Actor, user: RecordId) -> Result<Vec<SessionView>, EngineError> {
        self.require_own_or_admin(actor, user, "see others' sessions")?;
        self.user_record(user)?;
        Ok(self.open_sessions(user).iter().map(view).collect())
    }

    /// Ends one session of a user.
    ///
    /// # Errors
    /// `access.denied`, `record.not_found` when the user has no such session.
    pub fn end_session(&self, actor: &Actor, user: RecordId, session: RecordId) -> Result<(), EngineError> {
        self.require_own_or_admin(actor, user, "end others' sessions")?;
        let found = self.open_sessions(user).iter().any(|record| record.id == session);
        if !found {
            return Err(EngineError::RecordNotFound { object: "sessions".into(), id: session });
        }
        self.end_and_note(actor, &[session])
    }

    /// Ends all sessions of a user but `keep`, and says how many.
    ///
    /// # Errors
    /// `access.denied`, `record.not_found`.
    pub fn end_all_sessions(
        &self,
        actor: &Actor,
        user: RecordId,
        keep: Option<RecordId>,
    ) -> Result<usize, EngineError> {
        self.require_own_or_admin(actor, user, "end others' sessions")?;
        self.user_record(user)?;
        let ended: Vec<RecordId> =
            self.open_sessions(user).iter().map(|record| record.id).filter(|id| Some(*id) != keep).collect();
        self.end_and_note(actor, &ended)?;
        Ok(ended.len())
    }

    fn end_and_note(&self, actor: &Actor, sessions: &[RecordId]) -> Result<(), EngineError> {
        self.end_sessions(sessions)?;
        if !sessions.is_empty() {
            let item = AuditItem::of(actor, self.now_ms(), AuditKind::SignedOut).object("sessions");
            self.audit(item.records(sessions));
        }
        Ok(())
    }

    fn open_sessions(&self, user: RecordId) -> Vec<Record> {
        let Some(known) = self.core().access.directory.known(&self.core().image, user) else { return Vec::new() };
        let now = self.now_ms();
        let mut sessions = self.living_sessions(user);
        sessions.retain(|record| !is_over(record, &known, now));
        sessions
    }

    fn require_own_or_admin(&self, actor: &Actor, user: RecordId, what: &str) -> Result<(), EngineError> {
        if actor.kind == ActorKind::User && actor.user == Some(user) {
            return Ok(());
        }
        self.require_admin(actor, "sessions", what)
    }
}

fn view(record: &Record) -> SessionView {
    let value = |field| record.values.get(field);
    SessionView {
        id: record.id,
        client: text(value(ids::sessions::CLIENT)),
        address: text(value(ids::sessions::ADDRESS)),
        created_at: record.created_at,
        last_seen_at: time(record, ids::sessions::LAST_SEEN_AT),
        expires_at: time(record, ids::sessions::EXPIRES_AT),
        second_factor: value(ids::sessions::SECOND_FACTOR) == &Value::Bool(true),
    }
}
