//! The pipeline from outside: what is refused leaves no trace, what is acknowledged stays.

mod batches;
mod bench;
mod concurrency;
mod events;
mod extending;
mod extensions;
mod here;
mod history;
mod idempotency;
mod schema;
mod simulation;
mod single;
