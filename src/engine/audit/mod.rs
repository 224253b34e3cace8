//! Who did, read and tried what. Changes are in the journal anyway; reads, sign-ins and refusals join them there in batches, so that one
//! chain proves all of it.

pub mod alert;
pub mod anchor;
mod item;
mod page;
mod queue;
mod verification;

pub use alert::{Alert, AlertCounts, Severity};
pub use item::{AuditItem, AuditKind, Read};
pub use page::{AuditChange, AuditLine, AuditPage, AuditQuery};
pub use queue::AuditQueue;
pub use verification::{Asked, AuditHead, Running, Verification, Verified, VerifyState};

#[cfg(test)]
mod tests;
