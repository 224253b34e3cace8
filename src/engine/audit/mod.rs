//! Who did, read and tried what. Changes are in the journal anyway; reads, sign-ins and refusals join them there in batches, so that one
//! chain proves all of it.

pub mod alert;
mod item;
mod page;
mod queue;

pub use alert::{Alert, AlertCounts, Severity};
pub use item::{AuditItem, AuditKind, Read};
pub use page::{AuditChange, AuditLine, AuditPage, AuditQuery};
pub use queue::AuditQueue;

#[cfg(test)]
mod tests;
