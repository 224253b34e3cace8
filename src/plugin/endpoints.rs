//! What plugins answer below `/plugins/<id>/`: which endpoint a path belongs to, what of a request a guest sees, and what of its answer goes out.
//! Cookies and credentials of Kith never reach a guest, and no guest can set one. Knows no HTTP server.

use std::{sync::Arc, time::Duration};

use crate::{
    asking::{AskError, Asker},
    contract::{Call, Request, Response},
    manifest::{Endpoint, Manifest},
    plugin::Plugin,
    runtime::{CallError, CallInfo, Capability, Phase},
    services::Services,
};

/// From request to answer.
pub const BUDGET: Duration = Duration::from_secs(10);

/// Bytes of a request's body.
pub const REQUEST_BYTES_MAX: usize = 1 << 20;

/// Bytes of an answer's body.
const RESPONSE_BYTES_MAX: usize = 8 << 20;

/// Bytes of all headers of an answer.
const HEADER_BYTES_MAX: usize = 16 << 10;

/// Between two neighbours on the way, and so not passed on.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Who calls is the host's business.
const PRIVATE: [&str; 3] = ["authorization", "cookie", "x-csrf-token"];

/// What only Kith itself may say about an answer, or about the whole site.
const RESERVED: [&str; 14] = [
    "alt-svc",
    "clear-site-data",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-security-policy-report-only",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "nel",
    "report-to",
    "service-worker-allowed",
    "set-cookie",
    "strict-transport-security",
    "x-content-type-options",
];

/// Why no endpoint answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    NotFound,
    /// Methods that are offered there.
    Method(Vec<String>),
}

/// The endpoint for a path below `/plugins/<id>`: an exact path before a longer beginning before a shorter one. `HEAD` is a `GET`.
///
/// # Errors
/// `NoRoute`
pub fn route<'a>(manifest: &'a Manifest, method: &str, path: &str) -> Result<(&'a str, &'a Endpoint), NoRoute> {
    let fits = |endpoint: &Endpoint| match endpoint.path.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => path == endpoint.path,
    };
    let mut here: Vec<_> = manifest.endpoints.iter().filter(|(_, endpoint)| fits(endpoint)).collect();
    if here.is_empty() {
        return Err(NoRoute::NotFound);
    }
    here.sort_by_key(|(_, endpoint)| (endpoint.path.ends_with('*'), usize::MAX - endpoint.path.len()));
    let method = if method == "HEAD" { "GET" } else { method };
    let found = here.iter().find(|(_, endpoint)| endpoint.methods.iter().any(|offered| offered == method));
    match found {
        Some((name, endpoint)) => Ok((name.as_str(), *endpoint)),
        None => {
            let mut offered: Vec<String> = here.iter().flat_map(|(_, endpoint)| endpoint.methods.clone()).collect();
            offered.sort();
            offered.dedup();
            Err(NoRoute::Method(offered))
        }
    }
}

/// A request as it came in.
pub struct Incoming {
    pub method: String,
    /// Path and query below `/plugins/<id>`.
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Has the guest answer. `asker`: none for an endpoint that is public. Blocks.
///
/// # Errors
/// `Failed`, also for an answer that cannot go out.
pub fn serve(
    services: &Arc<Services>,
    plugin: &Arc<Plugin>,
    name: &str,
    asker: Option<&Asker>,
    incoming: Incoming,
) -> Result<Response, AskError> {
    let mut info = CallInfo::new(services, Capability::Endpoints, name, Phase::Doing, BUDGET);
    info.cause = "api".into();
    if let Some(asker) = asker {
        info = asker.sign(services, info);
    }
    let call = Call { id: info.id.clone(), attempt: 1, dry_run: false };
    let request = Request {
        method: incoming.method,
        url: incoming.url,
        headers: incoming.headers.into_iter().filter(|(name, _)| passes_in(name)).collect(),
        body: incoming.body,
        timeout_ms: u32::try_from(BUDGET.as_millis()).unwrap_or(u32::MAX),
        idempotency_key: None,
    };
    let failed = |error| AskError::Failed { plugin: plugin.id.clone(), error };
    let answer = plugin.call(services, info, "endpoint.serve", &(&call, &request), |store| {
        let guest = plugin.code.endpoint(store)?;
        guest.kith_plugin_endpoint().call_serve(store, &call, &request)
    });
    checked(answer.map_err(failed)?).map_err(|said| {
        plugin.watch.note(&format!("the answer of endpoint '{name}' did not go out: {said}"));
        failed(CallError::Answer(said))
    })
}

fn passes_in(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !HOP_BY_HOP.contains(&name.as_str()) && !PRIVATE.contains(&name.as_str())
}

fn passes_out(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let kept_back = HOP_BY_HOP.contains(&name.as_str()) || RESERVED.contains(&name.as_str());
    !kept_back && !name.starts_with("access-control-") && !name.is_empty()
}

/// What of an answer goes out.
fn checked(mut answer: Response) -> Result<Response, String> {
    // What is below is no answer but a word before one.
    if !(200..600).contains(&answer.status) {
        return Err(format!("{} is no status of an answer; use 200 to 599", answer.status));
    }
    if answer.body.len() > RESPONSE_BYTES_MAX {
        return Err(format!("{} bytes; an answer has at most {RESPONSE_BYTES_MAX}", answer.body.len()));
    }
    answer.headers.retain(|(name, _)| passes_out(name));
    let size: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > HEADER_BYTES_MAX {
        return Err(format!("{size} bytes of headers; an answer has at most {HEADER_BYTES_MAX}"));
    }
    let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    for (name, value) in &answer.headers {
        if !name.bytes().all(token) || value.bytes().any(|c| c < 0x20 && c != b'\t' || c == 0x7f) {
            return Err(format!("'{}' is no header", crate::asking::clip(name, 60)));
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest::parse(
            "[plugin]\nid = \"feed\"\nversion = \"0.1.0\"\napi = \"0.1\"\nname = \"Feed\"\n\
             [endpoints.all]\npath = \"/a/*\"\nmethods = [\"GET\", \"POST\"]\n\
             [endpoints.deep]\npath = \"/a/b/*\"\n[endpoints.one]\npath = \"/a/b/c\"\nmethods = [\"PUT\"]\n",
        )
        .unwrap()
    }

    #[test]
    fn the_closest_path_with_the_method_answers() {
        let manifest = manifest();
        let name = |method, path| route(&manifest, method, path).map(|(name, _)| name);
        assert_eq!(name("PUT", "/a/b/c"), Ok("one"));
        assert_eq!(name("GET", "/a/b/c"), Ok("deep"));
        assert_eq!(name("HEAD", "/a/b/x"), Ok("deep"));
        assert_eq!(name("POST", "/a/b/x"), Ok("all"));
        assert_eq!(name("GET", "/a"), Err(NoRoute::NotFound));
        assert_eq!(name("GET", "/ab"), Err(NoRoute::NotFound));
        assert_eq!(name("PATCH", "/a/x"), Err(NoRoute::Method(vec!["GET".into(), "POST".into()])));
    }

    #[test]
    fn credentials_do_not_go_in_and_powers_over_the_site_do_not_come_out() {
        assert!(passes_in("Content-Type") && passes_in("X-Signature"));
        for name in ["Cookie", "AUTHORIZATION", "Connection", "Proxy-Authorization"] {
            assert!(!passes_in(name), "{name}");
        }
        let headers =
            ["Set-Cookie", "access-control-allow-origin", "Transfer-Encoding", "content-security-policy", "ETag"];
        let headers = headers.map(|name| (name.to_string(), "x".to_string())).to_vec();
        let answer = checked(Response { status: 200, headers, body: Vec::new() }).unwrap();
        assert_eq!(answer.headers, [("ETag".to_string(), "x".to_string())]);
    }

    #[test]
    fn an_answer_that_is_none_is_refused() {
        let with = |status, name: &str, value: &str| {
            checked(Response { status, headers: vec![(name.into(), value.into())], body: Vec::new() })
        };
        assert!(with(200, "x-a", "b").is_ok());
        for status in [0, 99, 101, 199, 600, 65_535] {
            assert!(with(status, "x-a", "b").is_err(), "{status}");
        }
        assert!(with(200, "x a", "b").is_err() && with(200, "x-a", "b\r\nSet-Cookie: c").is_err());
        assert!(with(200, "x-a", &"b".repeat(HEADER_BYTES_MAX)).is_err());
        let body = vec![0; RESPONSE_BYTES_MAX + 1];
        assert!(checked(Response { status: 200, headers: Vec::new(), body }).is_err());
    }
}
