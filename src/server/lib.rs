//! HTTP: routes on one page, sessions, OpenAPI, live events, the embedded web app. No business rule lives here: a handler turns a
//! request into a command or a question, the engine does it, and the answer goes back. Only this crate names poem.

mod accepting;
pub mod api;
pub mod app;
mod bundled;
pub mod client;
mod compress;
mod endpoints;
mod extract;
mod front;
mod limit;
mod metrics;
mod openapi;
mod problem;
mod retaining;
mod routes;
pub mod serve;
pub mod tls;
mod web;

pub use extract::SESSION_COOKIE;
pub use limit::Rate;
pub use problem::{Problem, TABLE as PROBLEMS};
