//! The words every layer shares: ids, clock, money, secrets, limits. Pure: no disk, no network, no knowledge of records.

pub mod address;
pub mod clock;
pub mod id;
pub mod limits;
pub mod money;
pub mod secret;

pub use clock::{Clock, FixedClock, SystemClock, TimestampMs};
pub use id::RecordId;
pub use money::{Currency, Money, MoneyError};
pub use secret::Secret;
