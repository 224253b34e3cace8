//! Second factors: enrolled with an authenticator app, asked for at sign-in, renewed, removed and reset. A code works once; seeds and
//! recovery codes are in no answer but the one that makes them.

use kith_base::{RecordId, Secret, TimestampMs};
use kith_model::Value;

use super::{
    directory::{Known, text, whole},
    otp, recovery,
    session::{Client, SignedIn, slowed},
    slow_down::{Attempt, Counts, Guessed},
};
use crate::{
    Actor, ActorKind, Cause, Command, CommitOptions, Engine, EngineError, Fields, Record,
    audit::{Alert, AuditItem, AuditKind, Severity},
    pipeline::prepare::Rights,
    system::ids,
};

/// Wrong codes after a right password that are worth an alert: somebody has the password.
const FAILURES_ALERT: u32 = 5;

/// Sessions ended in the transaction that enrols; the others follow it.
const ENDED_AT_ONCE: usize = 500;

/// What an authenticator app needs, shown once.
#[derive(Debug)]
pub struct Enrolment {
    /// The seed in base32, for typing.
    pub secret: Secret<String>,
    /// `otpauth://…`.
    pub uri: Secret<String>,
    /// The same as a picture, in SVG.
    pub qr: Secret<String>,
}

/// The password was right; a code is still to come.
#[derive(Debug)]
pub struct Challenge {
    /// To be sent back with the code.
    pub word: Secret<String>,
    pub expires_at: TimestampMs,
    /// The user has no second factor yet and needs one: the code that answers confirms it.
    pub enrol: Option<Enrolment>,
}

/// How a user stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondFactorState {
    pub enabled: bool,
    /// By the workspace or the role.
    pub required: bool,
    pub since: Option<TimestampMs>,
    pub recovery_codes_left: u64,
}

/// What using a code leads to.
struct Used {
    command: Command,
    /// It was a recovery code; this many are left.
    recovery: Option<usize>,
}

impl Engine {
    /// The second step of a sign-in. With a new second factor its recovery codes come along, once.
    ///
    /// # Errors
    /// `auth.challenge_over`, `auth.wrong_code`, `auth.slow_down` after several wrong codes.
    pub fn answer_challenge(
        &self,
        word: &str,
        code: &Secret<String>,
        client: Client<'_>,
    ) -> Result<(SignedIn, Vec<Secret<String>>), EngineError> {
        let access = &self.core().access;
        let now = self.now_ms();
        let waiting = access.challenges.look(word, now).ok_or(EngineError::AuthChallengeOver)?;
        let known = access.directory.known(&self.core().image, waiting.user);
        let known = known.filter(|k| k.epoch == waiting.epoch).ok_or(EngineError::AuthChallengeOver)?;
        let account = waiting.user.to_string();
        let attempt = Attempt { what: Guessed::SecondFactor, account: &account, address: client.address };
        let counts = access.slow_down.begin(attempt, now).map_err(slowed)?;
        let _turn = access.second_factor.lock();
        let wrong = || self.wrong_code(waiting.user, counts, client);
        let (with, codes, recovery) = match (self.second_factor_record(waiting.user), &waiting.enrol) {
            (Some(record), _) => {
                let used = self.try_code(&record, code).ok_or_else(wrong)?;
                (vec![used.command], Vec::new(), used.recovery)
            }
            (None, Some(seed)) => {
                let step = otp::step_of(seed.expose(), &typed(code), now, 0).ok_or_else(wrong)?;
                let (command, codes) = self.enrolling(waiting.user, None, seed, step)?;
                (vec![command], codes, None)
            }
            // Reset meanwhile.
            (None, None) => return Err(EngineError::AuthChallengeOver),
        };
        let signed_in = self.begin_session(&known, client, true, with)?;
        access.slow_down.succeeded(attempt);
        access.challenges.done(word);
        self.note_recovery(waiting.user, recovery);
        Ok((signed_in, codes))
    }

    /// How the actor's user stands.
    pub fn second_factor_state(&self, actor: &Actor) -> SecondFactorState {
        let record = actor.user.and_then(|user| self.second_factor_record(user));
        let left = record.as_ref().map_or(0, |record| whole(record.values.get(ids::second_factors::RECOVERY_LEFT)));
        SecondFactorState {
            enabled: record.is_some(),
            required: self.needs_second_factor(actor),
            since: record.map(|record| record.created_at),
            recovery_codes_left: u64::try_from(left).unwrap_or(0),
        }
    }

    /// Begins an enrolment: shows a new seed, which counts once `confirm_second_factor` got a code of it. Whoever has a second factor
    /// already gives a code of that one too.
    ///
    /// # Errors
    /// `auth.wrong` for the password, `auth.wrong_code`, `auth.slow_down`, `access.denied` unless the actor is a signed-in user.
    pub fn begin_second_factor(
        &self,
        actor: &Actor,
        password: &Secret<String>,
        code: Option<&Secret<String>>,
    ) -> Result<Enrolment, EngineError> {
        let user = signed_in_user(actor)?;
        let record = self.user_record(user)?;
        self.prove_password(actor, &record, password)?;
        if self.second_factor_record(user).is_some() {
            self.prove_code(actor, code.ok_or_else(code_missing)?)?;
        }
        let seed = otp::new_seed()?;
        let enrolment = self.enrolment(&record, &seed)?;
        self.core().access.challenges.enrol(user, seed, self.now_ms());
        Ok(enrolment)
    }

    /// Puts an enrolment in force and ends the user's other sessions; `keep` is the token of the session that asks. The recovery codes are
    /// shown here and never again.
    ///
    /// # Errors
    /// `auth.wrong_code`, `auth.slow_down`, `record.invalid` when no enrolment waits.
    pub fn confirm_second_factor(
        &self,
        actor: &Actor,
        code: &Secret<String>,
        keep: Option<&str>,
    ) -> Result<Vec<Secret<String>>, EngineError> {
        let user = signed_in_user(actor)?;
        let access = &self.core().access;
        let seed = access.challenges.enrolling(user, self.now_ms()).ok_or_else(|| {
            let said = "no second factor waits to be confirmed; begin again with your password";
            EngineError::invalid("code", "no_enrolment", said)
        })?;
        let (attempt_of, now) = (user.to_string(), self.now_ms());
        let attempt = Attempt { what: Guessed::SecondFactor, account: &attempt_of, address: "" };
        let counts = access.slow_down.begin(attempt, now).map_err(slowed)?;
        let _turn = access.second_factor.lock();
        let step = otp::step_of(seed.expose(), &typed(code), now, 0);
        let step = step.ok_or_else(|| self.wrong_code(user, counts, Client::default()))?;
        let (command, codes) = self.enrolling(user, self.second_factor_record(user).as_ref(), &seed, step)?;
        let mut commands = vec![command];
        let keep = keep.and_then(|token| self.session(token).ok()).map(|session| session.id);
        if let Some(id) = keep {
            let values = Fields::Parsed(vec![("second_factor".to_string(), Value::Bool(true))]);
            commands.push(Command::Update { object: "sessions".into(), id, version: None, values });
        }
        let mut others: Vec<RecordId> =
            self.living_sessions(user).iter().map(|s| s.id).filter(|id| Some(*id) != keep).collect();
        let rest = others.split_off(others.len().min(ENDED_AT_ONCE));
        commands.extend(others.into_iter().map(|id| Command::Delete { object: "sessions".into(), id, version: None }));
        self.write_second_factor(actor, commands, "second_factor")?;
        self.end_sessions(&rest)?;
        access.slow_down.succeeded(attempt);
        access.challenges.enrolled(user);
        Ok(codes)
    }

    /// Makes a new set of recovery codes; the old ones end.
    ///
    /// # Errors
    /// `auth.wrong_code`, `auth.slow_down`, `record.not_found` when the user has no second factor.
    pub fn renew_recovery_codes(
        &self,
        actor: &Actor,
        code: &Secret<String>,
    ) -> Result<Vec<Secret<String>>, EngineError> {
        let record = self.prove_code(actor, code)?;
        let (codes, kept) = recovery::issue(signed_in_user(actor)?)?;
        let command = Command::Update {
            object: "second_factors".into(),
            id: record.id,
            version: None,
            values: Fields::Parsed(recovery_values(kept)),
        };
        self.write_second_factor(actor, vec![command], "recovery_codes")?;
        Ok(codes)
    }

    /// Goes back to the password alone.
    ///
    /// # Errors
    /// `access.denied` where the workspace or the role asks for a second factor; `auth.wrong_code`, `auth.slow_down`,
    /// `record.not_found` when there is none.
    pub fn remove_second_factor(&self, actor: &Actor, code: &Secret<String>) -> Result<(), EngineError> {
        let user = signed_in_user(actor)?;
        if self.needs_second_factor(actor) {
            let said = "your administrator asks for a second factor; enrol another one instead of removing it";
            return Err(self.refuse(actor, "second_factors", "remove", EngineError::AccessDenied(said.into())));
        }
        let record = self.prove_code(actor, code)?;
        self.write_second_factor(actor, taken_out(&record), "second_factor_removed")?;
        self.alert_about(user, Severity::Notice, "second_factor.removed");
        Ok(())
    }

    /// Takes away a user's second factor, whose phone is lost, and ends the user's sessions.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator; `record.not_found` when there is no such user or second factor.
    pub fn reset_second_factor(&self, actor: &Actor, user: RecordId) -> Result<(), EngineError> {
        self.require_admin(actor, "second_factors", "reset others' second factors")?;
        self.user_record(user)?;
        let _turn = self.core().access.second_factor.lock();
        let record = self.second_factor_record(user);
        let record = record.ok_or(EngineError::RecordNotFound { object: "second_factors".into(), id: user })?;
        self.write_second_factor(actor, taken_out(&record), "second_factor_reset")?;
        let sessions: Vec<RecordId> = self.living_sessions(user).iter().map(|session| session.id).collect();
        self.end_sessions(&sessions)?;
        self.alert_about(user, Severity::Warning, "second_factor.reset");
        Ok(())
    }

    /// Whether the workspace or the role asks this user for a second factor.
    pub(super) fn needs_second_factor(&self, actor: &Actor) -> bool {
        actor.role.second_factor || self.core().access.policy.asks(&self.core().image, actor.role.admin)
    }

    /// What has to come after the right password; none: nothing.
    pub(super) fn challenge(&self, known: &Known) -> Result<Option<Challenge>, EngineError> {
        let (user, challenges) = (known.actor.id, &self.core().access.challenges);
        let (seed, enrol) = if self.second_factor_record(user).is_some() {
            (None, None)
        } else if self.needs_second_factor(&known.actor) {
            let seed = otp::new_seed()?;
            let enrolment = self.enrolment(&self.user_record(user)?, &seed)?;
            (Some(seed), Some(enrolment))
        } else {
            return Ok(None);
        };
        let (word, expires_at) = challenges.issue(user, known.epoch, seed, self.now_ms())?;
        Ok(Some(Challenge { word, expires_at, enrol }))
    }

    fn enrolment(&self, user: &Record, seed: &Secret<String>) -> Result<Enrolment, EngineError> {
        let name = self.workspace_name();
        let issuer = if name.trim().is_empty() { "Kith" } else { name.trim() };
        let uri = otp::uri(seed.expose(), issuer, &text(user.values.get(ids::users::EMAIL)));
        Ok(Enrolment { secret: seed.clone(), qr: otp::picture(uri.expose())?, uri })
    }

    /// The living second factor of a user.
    fn second_factor_record(&self, user: RecordId) -> Option<Record> {
        let found = self.core().access.second_factors.of(&self.core().image, user, 8);
        found.into_iter().find(|r| !r.trashed && matches!(r.values.get(ids::second_factors::SEED), Value::Secret(_)))
    }

    /// The command that puts a seed in force, and its recovery codes.
    fn enrolling(
        &self,
        user: RecordId,
        before: Option<&Record>,
        seed: &Secret<String>,
        step: i64,
    ) -> Result<(Command, Vec<Secret<String>>), EngineError> {
        let (codes, kept) = recovery::issue(user)?;
        let mut values = recovery_values(kept);
        values.push(("seed".to_string(), Value::Secret(seed.expose().clone())));
        values.push(("last_step".to_string(), Value::Int(step)));
        let object = "second_factors".to_string();
        let command = match before {
            Some(record) => Command::Update { object, id: record.id, version: None, values: Fields::Parsed(values) },
            None => {
                values.push(("user".to_string(), Value::Link(user)));
                Command::Create { object, id: None, values: Fields::Parsed(values) }
            }
        };
        Ok((command, codes))
    }

    /// Whether the code is right, and the command that makes it used. To be committed while the turn is held.
    fn try_code(&self, record: &Record, code: &Secret<String>) -> Option<Used> {
        let value = |field| record.values.get(field);
        let secret = |field| if let Value::Secret(text) = value(field) { Some(text.as_str()) } else { None };
        let typed = typed(code);
        let (values, recovery) = if typed.len() == 6 {
            let used = whole(value(ids::second_factors::LAST_STEP));
            let step = otp::step_of(secret(ids::second_factors::SEED)?, &typed, self.now_ms(), used)?;
            (vec![("last_step".to_string(), Value::Int(step))], None)
        } else {
            let user = if let Value::Link(user) = value(ids::second_factors::USER) { *user } else { return None };
            let rest = recovery::take(user, secret(ids::second_factors::RECOVERY)?, &typed)?;
            let left = recovery::left(&rest);
            (recovery_values(rest), Some(left))
        };
        let command = Command::Update {
            object: "second_factors".into(),
            id: record.id,
            version: None,
            values: Fields::Parsed(values),
        };
        Some(Used { command, recovery })
    }

    /// Takes a code of the actor's own second factor and notes its use.
    fn prove_code(&self, actor: &Actor, code: &Secret<String>) -> Result<Record, EngineError> {
        let user = signed_in_user(actor)?;
        let access = &self.core().access;
        let account = user.to_string();
        let attempt = Attempt { what: Guessed::SecondFactor, account: &account, address: "" };
        let _turn = access.second_factor.lock();
        let record = self.second_factor_record(user);
        let record = record.ok_or(EngineError::RecordNotFound { object: "second_factors".into(), id: user })?;
        let counts = access.slow_down.begin(attempt, self.now_ms()).map_err(slowed)?;
        let used = self.try_code(&record, code).ok_or_else(|| self.wrong_code(user, counts, Client::default()))?;
        self.write_second_factor(actor, vec![used.command], "second_factor_used")?;
        access.slow_down.succeeded(attempt);
        self.note_recovery(user, used.recovery);
        Ok(record)
    }

    fn write_second_factor(&self, actor: &Actor, commands: Vec<Command>, cause: &str) -> Result<(), EngineError> {
        self.commit(actor, Rights::Engine, commands, CommitOptions::caused_by(Cause::new(cause))).map(drop)
    }

    /// Notes a wrong code. Whoever gets here knows the password.
    fn wrong_code(&self, user: RecordId, counts: Counts, client: Client<'_>) -> EngineError {
        tracing::warn!("a second factor failed");
        let now = self.now_ms();
        self.audit(AuditItem::of_stranger(now, AuditKind::SignInFailed, Some(user), client.address));
        if counts.account == FAILURES_ALERT {
            self.alert_about(user, Severity::Critical, "second_factor.many_failures");
        }
        EngineError::AuthWrongCode
    }

    fn note_recovery(&self, user: RecordId, left: Option<usize>) {
        if let Some(left) = left {
            let detail = format!("{left} left");
            let (severity, code) = (Severity::Notice, "second_factor.recovery_code");
            self.alert(Alert { severity, code, user: Some(user), detail });
        }
    }

    fn alert_about(&self, user: RecordId, severity: Severity, code: &'static str) {
        self.alert(Alert { severity, code, user: Some(user), detail: String::new() });
    }
}

fn signed_in_user(actor: &Actor) -> Result<RecordId, EngineError> {
    actor.user.filter(|_| actor.kind == ActorKind::User).ok_or_else(|| {
        EngineError::AccessDenied("only a signed-in user has a second factor; sign in with e-mail and password".into())
    })
}

fn code_missing() -> EngineError {
    EngineError::invalid("code", "required", "send a code of your present authenticator app, or a recovery code")
}

fn recovery_values(kept: String) -> Vec<(String, Value)> {
    let left = i64::try_from(recovery::left(&kept)).unwrap_or(0);
    let kept = if kept.is_empty() { Value::Null } else { Value::Secret(kept) };
    vec![("recovery".to_string(), kept), ("recovery_codes_left".to_string(), Value::Int(left))]
}

/// Into the trash, without what was secret about it.
fn taken_out(record: &Record) -> Vec<Command> {
    let (object, id) = ("second_factors".to_string(), record.id);
    let mut values = recovery_values(String::new());
    values.push(("seed".to_string(), Value::Null));
    vec![
        Command::Update { object: object.clone(), id, version: None, values: Fields::Parsed(values) },
        Command::Delete { object, id, version: None },
    ]
}

/// Apps show codes in two groups, and people type them so.
fn typed(code: &Secret<String>) -> String {
    code.expose().chars().filter(|c| !c.is_whitespace()).take(40).collect()
}
