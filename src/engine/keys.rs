//! Care for the vault's keys: who opens it, and the rotation of the data key, which a thread carries out beside all other work.
//! Every act is in the audit. Holds no key itself.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use kith_base::Secret;
use kith_store::{KeyCare, KeyReport, Recipient, StoreError, VaultError};

use crate::{
    Actor, ActorKind, Engine, EngineError,
    audit::{AuditItem, AuditKind},
};

/// A step that failed for want of space, or over a damaged file, is tried again after this.
const RETRY: Duration = Duration::from_secs(30);
/// Longest sleep before the thread looks whether the engine closes.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Engine {
    /// The keys of the vault, without any key, and how far a rotation has come.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator.
    pub fn keys(&self, actor: &Actor) -> Result<KeyReport, EngineError> {
        self.allow_admin(actor, "list")?;
        Ok(self.key_care()?.keys())
    }

    /// Makes a new data key. Old values are sealed again in the background; `keys` says how far that is.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator; `vault.rotation_under_way`.
    pub fn rotate_key(&self, actor: &Actor) -> Result<KeyReport, EngineError> {
        self.allow_admin(actor, "rotate")?;
        self.key_care()?.rotate(self.now_ms())?;
        self.audit_keys(actor, "data key rotated");
        self.start_resealing()?;
        Ok(self.key_care()?.keys())
    }

    /// Lets one more key open the vault; `recovery`: it is made to be kept on paper.
    ///
    /// # Errors
    /// `access.denied` unless it comes from the command line; `vault.*`.
    pub fn add_key(&self, actor: &Actor, label: &str, recipient: &str, recovery: bool) -> Result<(), EngineError> {
        self.allow_cli(actor, "add")?;
        let (label, recipient) = (label.to_string(), recipient.to_string());
        let said = format!("key added: {label}");
        let new = Recipient { label, recipient, added_ms: self.now_ms(), passphrase: false, recovery };
        self.key_care()?.add_recipient(new)?;
        self.audit_keys(actor, &said);
        Ok(())
    }

    /// Takes the vault away from a key, named by its label or public half.
    ///
    /// # Errors
    /// `access.denied` unless it comes from the command line; `vault.*`.
    pub fn remove_key(&self, actor: &Actor, which: &str) -> Result<(), EngineError> {
        self.allow_cli(actor, "remove")?;
        let gone = self.key_care()?.remove_recipient(which)?;
        self.audit_keys(actor, &format!("key removed: {}", gone.label));
        Ok(())
    }

    /// Lets a passphrase open the vault, in place of the one before.
    ///
    /// # Errors
    /// `access.denied` unless it comes from the command line; `vault.empty_passphrase`.
    pub fn set_vault_passphrase(&self, actor: &Actor, new: &Secret<String>) -> Result<(), EngineError> {
        self.allow_cli(actor, "passphrase")?;
        self.key_care()?.set_passphrase(new, self.now_ms())?;
        self.audit_keys(actor, "passphrase set");
        Ok(())
    }

    fn key_care(&self) -> Result<&dyn KeyCare, EngineError> {
        self.storage().key_care().ok_or_else(|| EngineError::Request("this store seals nothing and has no keys".into()))
    }

    fn allow_admin(&self, actor: &Actor, op: &str) -> Result<(), EngineError> {
        if actor.is_admin() || actor.is_system() {
            return Ok(());
        }
        let error =
            EngineError::AccessDenied("only an administrator may do this with the vault's keys; ask one".into());
        Err(self.refuse(actor, "keys", op, error))
    }

    /// Who opens the vault decides who can read a stolen disk: that takes more than a session somebody left open.
    fn allow_cli(&self, actor: &Actor, op: &str) -> Result<(), EngineError> {
        if matches!(actor.kind, ActorKind::Cli | ActorKind::System) {
            return Ok(());
        }
        let said = "who opens the vault is changed on the server itself; run 'kith key' there";
        Err(self.refuse(actor, "keys", op, EngineError::AccessDenied(said.into())))
    }

    fn audit_keys(&self, actor: &Actor, what: &str) {
        self.audit(AuditItem::of(actor, self.now_ms(), AuditKind::Keys).object("keys").detail(what));
        self.flush_audit();
    }

    /// Starts the thread that seals old values again, when there are any and it does not run.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start_resealing(&self) -> Result<(), EngineError> {
        let under_way = self.storage().key_care().is_some_and(|care| care.keys().resealing.is_some());
        let thread = &mut *self.core().resealing.lock();
        if !under_way || thread.as_ref().is_some_and(|running| !running.is_finished()) {
            return Ok(());
        }
        let engine = self.downgrade();
        let run = move || {
            let (mut wait, mut told) = (Duration::ZERO, false);
            loop {
                let rested = Instant::now();
                // In short naps, so that closing does not wait.
                loop {
                    let left = wait.saturating_sub(rested.elapsed());
                    match engine.upgrade() {
                        Some(engine) if !engine.core().closing.load(Ordering::Relaxed) => {}
                        _ => return,
                    }
                    if left.is_zero() {
                        break;
                    }
                    std::thread::sleep(left.min(LOOK_EVERY));
                }
                let Some(engine) = engine.upgrade() else { return };
                let began = Instant::now();
                match engine.reseal_step() {
                    Ok(true) => (wait, told) = (began.elapsed().min(RETRY), false),
                    Ok(false) => return,
                    Err(error) if is_repeatable(&error) => {
                        if !std::mem::replace(&mut told, true) {
                            tracing::warn!(code = error.code(), "old values cannot be sealed again yet: {error}");
                        }
                        wait = RETRY;
                    }
                    Err(error) => {
                        return tracing::error!(code = error.code(), "sealing old values again ended: {error}");
                    }
                }
            }
        };
        let started = std::thread::Builder::new().name("kith-reseal".into()).spawn(run);
        *thread = Some(started.map_err(|e| EngineError::Internal(format!("a background thread cannot start: {e}")))?);
        Ok(())
    }

    /// One step; its end is in the audit.
    fn reseal_step(&self) -> Result<bool, VaultError> {
        let Some(care) = self.storage().key_care() else { return Ok(false) };
        let more = care.reseal_step()?;
        if !more {
            tracing::info!("everything is sealed with the newest data key; older ones are gone from the vault");
            self.audit_keys(&Actor::system(), "older data keys dropped");
        }
        Ok(more)
    }
}

fn is_repeatable(error: &VaultError) -> bool {
    matches!(error, VaultError::Store(StoreError::DiskFull(_) | StoreError::Damaged { .. }))
}
