//! Small steps that several commands share when they talk to the API: query strings, finding a user by e-mail.

use kith_server::client::{Ask, LocalClient};
use serde_json::Value as Json;

use super::{CliError, Outcome};

/// `/records/users` and `[("limit", "5")]` as one path.
pub fn path(base: &str, query: &[(&str, &str)]) -> String {
    let mut out = base.to_string();
    for (at, (name, value)) in query.iter().enumerate() {
        out.push(if at == 0 { '?' } else { '&' });
        out.push_str(name);
        out.push('=');
        out.push_str(&encoded(value));
    }
    out
}

/// Percent-encoding of everything but letters, digits and `-._~`.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A CEL text literal.
pub fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// All records of an object that match, page by page.
pub async fn all(client: &LocalClient, object: &str, filter: Option<&str>, sort: &str) -> Outcome<Vec<Json>> {
    let mut records = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut query = vec![("limit", "200"), ("sort", sort), ("total", "false")];
        query.extend(filter.map(|filter| ("filter", filter)));
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let page = client.call(Ask::get(path(&format!("/records/{object}"), &query))).await?;
        records.extend(page["items"].as_array().into_iter().flatten().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_string(),
            None => return Ok(records),
        }
    }
}

/// The record of the user with this e-mail address or id.
pub async fn user(client: &LocalClient, named: &str) -> Outcome<Json> {
    let by_id = named.parse::<kith_base::RecordId>().is_ok();
    let filter = format!("{} == {}", if by_id { "id" } else { "email" }, literal(&named.to_lowercase()));
    let found = all(client, "users", Some(&filter), "email").await?;
    let missing =
        || CliError::failed("record.not_found", format!("there is no user '{named}'; 'kith user list' shows them"));
    found.into_iter().next().ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded_and_literals_escaped() {
        assert_eq!(path("/x", &[("filter", "a == \"é\"")]), "/x?filter=a%20%3D%3D%20%22%C3%A9%22");
        assert_eq!(literal("a\"b\\c"), "\"a\\\"b\\\\c\"");
    }
}
