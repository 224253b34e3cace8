//! The HTTP API of the real binary: every route, and above all what it refuses.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used)]

#[path = "../harness/mod.rs"]
mod harness;

mod access;
mod actions;
mod administration;
mod as_it_was;
mod audit;
mod authority;
mod backups;
mod conditions;
mod erase;
mod events;
mod files;
mod imports;
mod limits;
mod lists;
mod openapi;
mod panels;
mod plugin_life;
mod plugins;
mod records;
mod retention;
mod schema;
mod serving;
mod session;
mod sign_in;
mod snapshot;
mod tls;

use harness::{Client, Server};
use serde_json::{Value as Json, json};

/// A user with a role of its own making, signed in.
fn user_with_role(server: &Server, admin: &Client, key: &str, role: Json) -> Client {
    let mut values = json!({ "key": key, "name": key });
    if let (Json::Object(values), Json::Object(role)) = (&mut values, role) {
        values.extend(role);
    }
    admin.make("roles", values);
    user(server, admin, key, key)
}

/// A user with an existing role, signed in.
fn user(server: &Server, admin: &Client, name: &str, role: &str) -> Client {
    let (email, password) = (format!("{name}@example.com"), "a long enough secret");
    let body = json!({ "email": email, "name": name, "role": role, "password": password });
    admin.post("/users", &body).expect(201);
    server.signed_in(&email, password)
}

/// An API token of the client's user.
fn token(client: &Client, scopes: &[&str]) -> Client {
    let body = client.post("/tokens", &json!({ "name": "test", "scopes": scopes, "expires_at": null })).expect(201);
    client.with_token(body["token"].as_str().expect("a token"))
}

fn id(record: &Json) -> &str {
    record["id"].as_str().expect("an id")
}

/// The values of one field over a page.
fn column(page: &Json, field: &str) -> Vec<Json> {
    page["items"].as_array().map_or_else(Vec::new, |items| items.iter().map(|r| r["values"][field].clone()).collect())
}

/// Percent-encodes a query value.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}
