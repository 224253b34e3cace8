//! About the call under way: who set it off, which attempt it is, what time it is.

use std::cell::RefCell;

use crate::bindings::host::kith::plugin::types::Call;
use crate::host::{env, invocation};

thread_local! {
    static CURRENT: RefCell<Option<Call>> = const { RefCell::new(None) };
}

/// Every export begins here. A panic is written to the plugin's log with its place before the call ends.
pub(crate) fn enter(call: Call) {
    #[cfg(target_arch = "wasm32")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| std::panic::set_hook(Box::new(|panic| crate::log::error(&panic.to_string()))));
    }
    CURRENT.with_borrow_mut(|current| *current = Some(call));
}

fn current<T>(read: impl FnOnce(&Call) -> T) -> Option<T> {
    CURRENT.with_borrow(|call| call.as_ref().map(read))
}

/// The same for every attempt of this call: a good beginning of an idempotency key.
pub fn call_id() -> String {
    current(|call| call.id.clone()).unwrap_or_default()
}

/// 1 for the first attempt.
pub fn attempt() -> u32 {
    current(|call| call.attempt).unwrap_or(1)
}

/// Whether nothing that this call does is kept.
pub fn dry_run() -> bool {
    current(|call| call.dry_run).unwrap_or(false)
}

/// Id of the user who set the call off, where there is one.
pub fn actor() -> Option<String> {
    invocation::actor()
}

/// `user`, `api`, `import`, `workflow`, `schedule` or `plugin:<id>`.
pub fn cause() -> String {
    invocation::cause()
}

/// Automatic steps between a person and this call.
pub fn depth() -> u32 {
    invocation::depth()
}

/// Milliseconds until the call is stopped.
pub fn remaining_ms() -> u32 {
    invocation::remaining_ms()
}

/// BCP 47: `it`.
pub fn locale() -> String {
    invocation::locale()
}

/// IANA name: `Europe/Rome`.
pub fn time_zone() -> String {
    invocation::time_zone()
}

/// A fact of a later version of the contract, by name.
pub fn extra(key: &str) -> Option<String> {
    invocation::extra(key)
}

/// Milliseconds since 1970, UTC. Stands still during a call, and is the same when the call is replayed.
pub fn now_ms() -> u64 {
    env::now_ms()
}

/// The same as RFC 3339: `2026-03-01T12:00:00Z`.
pub fn now() -> String {
    crate::time::rfc3339(now_ms())
}

/// Random bytes, at most 1,024, the same when the call is replayed.
pub fn random(bytes: u32) -> Vec<u8> {
    env::random(bytes)
}
