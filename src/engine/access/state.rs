//! What access keeps in memory between requests. Forgets on every change that could matter.

use std::{collections::HashSet, sync::Arc};

use kith_base::RecordId;
use parking_lot::Mutex;

use crate::{
    Record,
    audit::{AlertCounts, AuditQueue, Verification},
    auth::{by_user::ByUser, challenge::Challenges, directory::Directory, policy::Policy, slow_down::SlowDown},
    system::ids,
};

/// The engine's memory of users, roles, failures and audit items still to be written.
pub struct AccessState {
    pub(crate) directory: Directory,
    pub(crate) slow_down: SlowDown,
    pub(crate) audit: Arc<AuditQueue>,
    /// Sessions and tokens whose last use is being written.
    pub(crate) touching: Mutex<HashSet<RecordId>>,
    /// Held while users or roles change: two administrators who remove each other at once must not both succeed.
    pub(crate) administration: Mutex<()>,
    pub(crate) alerts: AlertCounts,
    pub(crate) verification: Verification,
    /// Sign-ins that wait for their second factor, and enrolments that wait for their first code.
    pub(crate) challenges: Challenges,
    /// Held from looking at a code until its use is durable: a code works once.
    pub(crate) second_factor: Mutex<()>,
    pub(crate) policy: Policy,
    pub(crate) sessions: ByUser,
    pub(crate) second_factors: ByUser,
}

impl Default for AccessState {
    fn default() -> AccessState {
        AccessState {
            directory: Directory::default(),
            slow_down: SlowDown::default(),
            audit: Arc::default(),
            touching: Mutex::default(),
            administration: Mutex::default(),
            alerts: AlertCounts::default(),
            verification: Verification::default(),
            challenges: Challenges::default(),
            second_factor: Mutex::default(),
            policy: Policy::default(),
            sessions: ByUser::new(ids::sessions::OBJECT, ids::sessions::USER),
            second_factors: ByUser::new(ids::second_factors::OBJECT, ids::second_factors::USER),
        }
    }
}

impl AccessState {
    /// To be called for every changed administration record after it reached the image and before the change is acknowledged.
    pub fn changed(&self, record: &Record) {
        self.directory.changed(record.object);
        self.policy.changed(record);
        self.sessions.changed(record);
        self.second_factors.changed(record);
    }
}
