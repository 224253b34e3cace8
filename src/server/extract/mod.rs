//! What handlers take out of a request: who calls, the body, the query, the conditions. Parses once, at the edge; runs nothing.

mod body;
mod caller;
mod conditions;
mod credentials;
mod language;
mod params;

pub use body::{Input, parse};
pub use caller::{
    Caller, SESSION_COOKIE, Trusted, address_of, came_over_tls, credential_of, from_elsewhere, is_loopback,
};
pub use conditions::{Idempotency, IfMatch};
pub use language::Languages;
pub use params::{Params, record_id};
