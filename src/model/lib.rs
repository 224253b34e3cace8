//! What data is: objects, fields, values, validation, expressions. Pure: no disk, no clock of its own, no knowledge of users.

mod check;
pub mod codec;
pub mod expr;
pub mod kind;
pub mod kinds;
pub mod local;
mod nearest;
pub mod schema;
pub mod validate;
pub mod value;
pub mod violation;

pub use kind::{Column, FieldKind, Operator, ReadContext};
pub use schema::{FieldDef, ObjectDef, Origin, Schema, SelectOption};
pub use value::{Address, Labelled, PersonName, Value, Values};
pub use violation::Violation;
