//! What access keeps in memory between requests. Forgets on every change that could matter.

use std::{collections::HashSet, sync::Arc};

use kith_base::RecordId;
use parking_lot::Mutex;

use crate::{
    Record,
    audit::AuditQueue,
    auth::{directory::Directory, slow_down::SlowDown},
};

/// The engine's memory of users, roles, failures and audit items still to be written.
#[derive(Default)]
pub struct AccessState {
    pub(crate) directory: Directory,
    pub(crate) slow_down: SlowDown,
    pub(crate) audit: Arc<AuditQueue>,
    /// Sessions and tokens whose last use is being written.
    pub(crate) touching: Mutex<HashSet<RecordId>>,
    /// Held while users or roles change: two administrators who remove each other at once must not both succeed.
    pub(crate) administration: Mutex<()>,
}

impl AccessState {
    /// To be called for every changed administration record after it reached the image and before the change is acknowledged.
    pub fn changed(&self, record: &Record) {
        self.directory.changed(record.object);
    }
}
