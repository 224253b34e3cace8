//! The handlers, one file per group of routes. A handler extracts, builds a command or a question, runs it and answers.

pub mod actions;
pub mod as_it_was;
pub mod audit;
pub mod backups;
pub mod batch;
pub mod conditions;
pub mod erase;
pub mod events;
pub mod exports;
pub mod files;
pub mod groups;
pub mod health;
pub mod history;
pub mod imports;
pub mod keys;
pub mod me;
pub mod objects;
pub mod openapi;
pub mod panels;
pub mod personal;
pub mod plugins;
mod pulled;
pub mod records;
pub mod retention;
pub mod search;
pub mod second_factor;
pub mod session;
pub mod sessions;
mod shape;
pub mod timeline;
pub mod tokens;
mod upload;
pub mod users;
pub mod watching;

use std::sync::Arc;

use poem::{
    Response,
    http::{StatusCode, header},
    web::Data,
};
use serde_json::Value as Json;

use crate::app::App;

/// The shared state, as handlers take it.
type State<'a> = Data<&'a Arc<App>>;

fn answer(status: StatusCode, body: &Json) -> Response {
    Response::builder().status(status).content_type("application/json").body(body.to_string())
}

fn ok(body: &Json) -> Response {
    answer(StatusCode::OK, body)
}

fn created(body: &Json) -> Response {
    answer(StatusCode::CREATED, body)
}

fn no_content() -> Response {
    Response::builder().status(StatusCode::NO_CONTENT).finish()
}

/// A record with its version as the ETag that `If-Match` takes.
fn record(status: StatusCode, body: &Json) -> Response {
    let etag = format!("\"{}\"", body["version"]);
    let mut builder = Response::builder().status(status).content_type("application/json").header(header::ETAG, etag);
    if status == StatusCode::CREATED
        && let (Some(object), Some(id)) = (body["object"].as_str(), body["id"].as_str())
    {
        builder = builder.header(header::LOCATION, format!("{}/records/{object}/{id}", crate::routes::PREFIX));
    }
    builder.body(body.to_string())
}

/// Times look the same in every answer.
use kith_engine::read::rfc3339 as time;
