//! Checking the chain as a job: in the background after the start, slowly, and on demand. One runs at a time, the newest; writers go on
//! beside it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use kith_base::TimestampMs;
use kith_store::{Anchor, VerifyReport};
use parking_lot::Mutex;

use super::{
    alert::{Alert, Severity},
    anchor,
};
use crate::{Actor, Engine, EngineError, access::Scope};

/// Before the check after a start begins: first the server answers.
const AFTER_START: Duration = Duration::from_secs(2);

/// Time that the check after a start rests for each unit of time it works: a sixth of one core.
const REST_FACTOR: u32 = 5;

/// Longest rest between two looks at whether the engine closes.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a verification is asked to do.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Heads noted earlier that the journal must still contain.
    pub anchors: Vec<Anchor>,
    /// Compares the records with the journal too. Writers wait while that is done.
    pub records: bool,
}

/// A verification under way.
#[derive(Clone, Debug, Default)]
pub struct Running {
    pub started_at: TimestampMs,
    /// Bytes read, and to be read.
    pub done: u64,
    pub all: u64,
}

/// A verification that came to its end.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Number of the run.
    pub run: u64,
    pub finished_at: TimestampMs,
    pub took_ms: u64,
    /// The records were compared too.
    pub records: bool,
    /// What was found, or why it could not be done.
    pub outcome: Result<VerifyReport, String>,
}

/// Where verifying stands.
#[derive(Clone, Debug, Default)]
pub struct VerifyState {
    /// Number of the newest run.
    pub run: u64,
    pub running: Option<Running>,
    pub last: Option<Verified>,
}

/// The journal's head.
#[derive(Clone, Debug)]
pub struct AuditHead {
    pub seq: u64,
    pub at: TimestampMs,
    pub hash: [u8; 32],
}

impl AuditHead {
    /// The hash as short as is safe, for paper.
    pub fn short(&self) -> String {
        anchor::short(&self.hash)
    }
}

/// What the engine remembers of verifications.
#[derive(Default)]
pub struct Verification {
    state: Mutex<VerifyState>,
    /// Number of the newest run; older ones give up.
    newest: AtomicU64,
}

impl Verification {
    /// Begins a run, which ends the one before.
    fn begin(&self, now: TimestampMs) -> u64 {
        let mut state = self.state.lock();
        state.run += 1;
        state.running = Some(Running { started_at: now, ..Running::default() });
        self.newest.store(state.run, Ordering::Release);
        state.run
    }

    fn is_newest(&self, run: u64) -> bool {
        self.newest.load(Ordering::Acquire) == run
    }

    fn progress(&self, run: u64, done: u64, all: u64) {
        let mut state = self.state.lock();
        if let (true, Some(running)) = (state.run == run, state.running.as_mut()) {
            (running.done, running.all) = (done, all);
        }
    }

    fn end(&self, verified: Verified) {
        let mut state = self.state.lock();
        if state.run == verified.run {
            state.running = None;
            state.last = Some(verified);
        }
    }
}

impl Engine {
    /// The journal's head, to be noted outside.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator, or a token of one with the scope `audit:head`.
    pub fn audit_head(&self, actor: &Actor) -> Result<AuditHead, EngineError> {
        let head_only = actor.scopes.as_ref().is_some_and(|scopes| scopes.contains(&Scope::AuditHead));
        let may = actor.is_admin() || actor.is_system() || (actor.role.admin && head_only);
        if !may {
            let said = "the head is for administrators and their tokens with the scope audit:head; ask one";
            return Err(self.refuse(actor, "audit", "read", EngineError::AccessDenied(said.into())));
        }
        let seq = self.head();
        let entry = self.storage().read_from(seq, 1)?.into_iter().next();
        Ok(entry.map_or(AuditHead { seq: 0, at: 0, hash: [0; 32] }, |entry| AuditHead {
            seq: entry.seq,
            at: entry.time_ms,
            hash: entry.hash,
        }))
    }

    /// Where verifying stands.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator.
    pub fn verify_state(&self, actor: &Actor) -> Result<VerifyState, EngineError> {
        self.require_auditor(actor)?;
        Ok(self.core().access.verification.state.lock().clone())
    }

    /// The same for the figures, without the findings.
    pub fn last_verified(&self) -> Option<Verified> {
        self.core().access.verification.state.lock().last.clone()
    }

    /// Starts a verification in the background and says where it stands. One that runs already gives up.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator.
    pub fn start_verification(&self, actor: &Actor, asked: Asked) -> Result<VerifyState, EngineError> {
        self.require_auditor(actor)?;
        let run = self.core().access.verification.begin(self.now_ms());
        self.verify_on_a_thread(run, asked, false)?;
        self.verify_state(actor)
    }

    /// The check after a start: slow, and only of the chain.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn verify_in_background(&self) -> Result<(), EngineError> {
        let run = self.core().access.verification.begin(self.now_ms());
        self.verify_on_a_thread(run, Asked::default(), true)
    }

    fn verify_on_a_thread(&self, run: u64, asked: Asked, slowly: bool) -> Result<(), EngineError> {
        let engine = self.downgrade();
        let work = move || {
            // The engine is not held while nothing is done, so that a closing process need not wait.
            if slowly {
                std::thread::sleep(AFTER_START);
            }
            if let Some(engine) = engine.upgrade() {
                engine.run_verification(run, &asked, slowly);
            }
        };
        let started = std::thread::Builder::new().name("kith-verify".into()).spawn(work);
        started.map(drop).map_err(|e| EngineError::Internal(format!("the verifying thread cannot start: {e}")))
    }

    fn run_verification(&self, run: u64, asked: &Asked, slowly: bool) {
        let core = self.core();
        let verification = &core.access.verification;
        let goes_on = || verification.is_newest(run) && !core.closing.load(Ordering::Relaxed);
        if !goes_on() {
            return;
        }
        let started = Instant::now();
        let mut worked_since = Instant::now();
        let mut each = |done: u64, all: u64| {
            verification.progress(run, done, all);
            let mut rest = if slowly { worked_since.elapsed() * REST_FACTOR } else { Duration::ZERO };
            while !rest.is_zero() && goes_on() {
                let some = rest.min(LOOK_EVERY);
                std::thread::sleep(some);
                rest -= some;
            }
            worked_since = Instant::now();
            goes_on()
        };
        let outcome = self.storage().verify_chain(&asked.anchors, &mut each).and_then(|mut report| {
            if asked.records && goes_on() {
                let whole = self.storage().verify(&mut |done, all| verification.progress(run, done, all))?;
                report = VerifyReport { anchors: report.anchors, ..whole };
            }
            Ok(report)
        });
        if !goes_on() {
            return;
        }
        self.say(&outcome);
        verification.end(Verified {
            run,
            finished_at: self.now_ms(),
            took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            records: asked.records,
            outcome: outcome.map_err(|error| error.to_string()),
        });
    }

    /// Tells administrators what does not hold.
    fn say(&self, outcome: &Result<VerifyReport, kith_store::StoreError>) {
        let report = match outcome {
            Ok(report) => report,
            Err(error) => return tracing::error!(code = error.code(), "the journal could not be verified"),
        };
        if !report.is_clean() {
            let first = report.findings.iter().filter_map(|finding| finding.seq).min();
            tracing::error!(findings = report.findings.len(), first, "the journal does not verify; run kith verify");
            let detail = format!("{} places, first at entry {}", report.findings.len(), first.unwrap_or(0));
            self.alert(Alert { severity: Severity::Critical, code: "journal.damaged", user: None, detail });
        }
        let lost = report.anchors.iter().filter(|(_, holds)| !holds).count();
        if lost > 0 {
            tracing::error!(anchors = lost, "the journal is not the one that was anchored");
            let detail = format!("{lost} anchors do not hold");
            self.alert(Alert { severity: Severity::Critical, code: "journal.rewritten", user: None, detail });
        }
    }

    pub(super) fn require_auditor(&self, actor: &Actor) -> Result<(), EngineError> {
        if actor.is_admin() || actor.is_system() {
            return Ok(());
        }
        let said = "only an administrator may read or verify the audit; ask one";
        Err(self.refuse(actor, "audit", "read", EngineError::AccessDenied(said.into())))
    }
}
