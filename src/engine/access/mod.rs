//! Who may do what: roles and scopes as data, the decision as pure functions, one guard that enforces it everywhere. Refuses to read or
//! write records.

pub mod administration;
pub mod decide;
mod guard;
pub mod hooks;
pub(crate) mod last_admin;
mod role;
mod row;
mod rules;
mod scope;
mod sight;
mod state;

pub use decide::{Restriction, field_access, may, reach};
pub use guard::Guard;
pub use role::{FieldAccess, Grants, ObjectGrant, Op, Reach, Role};
pub use rules::ObjectRules;
pub use scope::{BadScope, Reaches, Scope};
pub use sight::Sight;
pub use state::AccessState;

#[cfg(test)]
mod enforced;
#[cfg(test)]
mod hanging;
#[cfg(test)]
mod tests;
