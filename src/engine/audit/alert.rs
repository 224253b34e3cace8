//! What an administrator should look at: unusual sign-ins, guessing, a damaged journal. An alert is an audit item of its own kind, so it is
//! in the chain, found by `kind=alert`, and read from a cursor by whoever passes alerts on. Sends nothing itself.

use std::sync::atomic::{AtomicU64, Ordering};

use kith_base::RecordId;
use serde::Serialize;

use super::{
    item::{AuditItem, AuditKind},
    page::AuditLine,
};
use crate::{Actor, ActorKind, Engine, EngineError};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know, and most often nothing.
    Notice,
    /// Worth asking the person.
    Warning,
    /// Somebody should act now.
    Critical,
}

impl Severity {
    pub const ALL: [Severity; 3] = [Severity::Notice, Severity::Warning, Severity::Critical];

    pub fn name(self) -> &'static str {
        match self {
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }

    pub fn named(name: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

/// Something to look at.
#[derive(Clone, Debug)]
pub struct Alert {
    pub severity: Severity,
    /// Stable name, such as `sign_in.new_network`.
    pub code: &'static str,
    /// The account it is about, where there is one.
    pub user: Option<RecordId>,
    /// Address or number; no names, no words that somebody typed.
    pub detail: String,
}

/// Alerts since the start, for the figures.
#[derive(Default)]
pub struct AlertCounts([AtomicU64; 3]);

impl AlertCounts {
    fn add(&self, severity: Severity) {
        self.0[severity as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub fn get(&self, severity: Severity) -> u64 {
        self.0[severity as usize].load(Ordering::Relaxed)
    }
}

/// The detail of an alert's item. Three words in one text, so that the stored form of items stays as it is.
fn written(alert: &Alert) -> String {
    format!("{} {} {}", alert.severity.name(), alert.code, alert.detail)
}

/// Severity, code and rest of what `written` wrote; none for anything else.
pub(super) fn read(detail: &str) -> Option<(Severity, &str, &str)> {
    let mut words = detail.splitn(3, ' ');
    let severity = Severity::named(words.next()?)?;
    Some((severity, words.next()?, words.next().unwrap_or_default()))
}

impl Engine {
    /// Notes an alert: in the audit, in the figures, and as a line of the log without names.
    pub(crate) fn alert(&self, alert: Alert) {
        self.core().access.alerts.add(alert.severity);
        tracing::warn!(severity = alert.severity.name(), code = alert.code, "an alert; see the audit");
        let mut item = AuditItem::of(&Actor::system(), self.now_ms(), AuditKind::Alert).detail(&written(&alert));
        if let Some(user) = alert.user {
            item = item.object("users").records(&[user]);
            item.actor.kind = ActorKind::User;
            item.actor.id = user;
            item.actor.name = String::new();
        }
        self.audit(item);
    }

    /// Alerts since the engine was opened.
    pub fn alert_count(&self, severity: Severity) -> u64 {
        self.core().access.alerts.get(severity)
    }

    /// The alerts in journal entries after `seq`, oldest first, and the entry read up to: what a reader with a cursor of its own passes
    /// on, each at least once. Looks at no more than some thousand entries a call; call again until the number stays at `head`.
    ///
    /// # Errors
    /// `store.*` when the journal cannot be read.
    pub fn alerts_after(&self, seq: u64) -> Result<(Vec<AuditLine>, u64), EngineError> {
        const ENTRIES: u64 = 2_000;
        let until = self.head().min(seq.saturating_add(ENTRIES));
        let lines = self.audit_lines(seq + 1, until)?;
        Ok((lines.into_iter().filter(|line| line.kind == AuditKind::Alert.name()).collect(), until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_survives_its_detail_and_other_details_are_none() {
        let alert = Alert {
            severity: Severity::Critical,
            code: "sign_in.flood",
            user: None,
            detail: "300 failures in 10 minutes".into(),
        };
        assert_eq!(read(&written(&alert)), Some((Severity::Critical, "sign_in.flood", "300 failures in 10 minutes")));
        assert_eq!(read("192.0.2.1"), None);
        assert_eq!(read("notice"), None);
        assert!(Severity::Critical > Severity::Notice);
    }
}
