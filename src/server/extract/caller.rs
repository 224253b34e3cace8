//! Who calls: a session cookie, a bearer token, or somebody who could reach the vault's own socket. Decides no permission.

use std::net::IpAddr;

use kith_base::Secret;
use kith_engine::{Actor, Cause, Engine};
use poem::{
    Addr, FromRequest, Request, RequestBody, Result,
    http::{Method, Uri, header, uri::Scheme},
};

use super::credentials::{bearer, cookie};
use crate::problem::Problem;

/// Name of the session cookie.
pub const SESSION_COOKIE: &str = "kith_session";

/// Marks a request that the process made itself. Nobody outside can set it: it is no header.
#[derive(Clone, Copy)]
pub struct Trusted;

#[derive(Clone)]
enum Credentials {
    None,
    Trusted,
    Token(Secret<String>),
    Session(Secret<String>),
}

/// Who calls, not yet looked up.
#[derive(Clone)]
pub struct Caller {
    credentials: Credentials,
}

impl Caller {
    /// Looks the caller up. Blocks for a moment; call it away from the async runtime.
    ///
    /// # Errors
    /// `auth.required` when there are no credentials, or they are wrong, expired or revoked.
    pub fn actor(&self, engine: &Engine) -> Result<Actor, Problem> {
        match &self.credentials {
            Credentials::Trusted => Ok(Actor::cli()),
            Credentials::Token(token) => Ok(engine.actor_for_token(token.expose())?),
            Credentials::Session(token) => Ok(engine.actor_for_session(token.expose())?),
            Credentials::None => Err(Problem::new(
                "auth.required",
                "sign in with POST /api/v1/session, or send 'Authorization: Bearer TOKEN'",
            )),
        }
    }

    /// As `actor`, but never blocks. None: that cannot be said without; ask `actor` away from the async runtime.
    ///
    /// # Errors
    /// As `actor`.
    pub fn actor_here(&self, engine: &Engine) -> Result<Option<Actor>, Problem> {
        match &self.credentials {
            Credentials::Token(token) => Ok(engine.actor_for_token_here(token.expose())?),
            Credentials::Session(token) => Ok(engine.actor_for_session_here(token.expose())?),
            Credentials::Trusted | Credentials::None => self.actor(engine).map(Some),
        }
    }

    /// What history says set a change off.
    pub fn cause(&self) -> Cause {
        Cause::new(if matches!(self.credentials, Credentials::Trusted) { "cli" } else { "api" })
    }

    /// The session's token, when the caller has one.
    pub fn session(&self) -> Option<&Secret<String>> {
        match &self.credentials {
            Credentials::Session(token) => Some(token),
            _ => None,
        }
    }
}

impl<'a> FromRequest<'a> for Caller {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let credentials = read(request)?;
        let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if !safe && matches!(credentials, Credentials::Session(_)) && from_elsewhere(request) {
            let detail = "this change was asked for by a page of another site; open Kith itself and try again";
            return Err(Problem::new("origin.refused", detail).into());
        }
        Ok(Caller { credentials })
    }
}

fn read(request: &Request) -> Result<Credentials, Problem> {
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        return match value.to_str().ok().and_then(bearer) {
            Some(token) => Ok(Credentials::Token(Secret::new(token.to_string()))),
            None => Err(Problem::new("auth.required", "the Authorization header must read 'Bearer TOKEN'")),
        };
    }
    if let Some(token) = session_cookie(request) {
        return Ok(Credentials::Session(Secret::new(token.to_string())));
    }
    Ok(if is_trusted(request) { Credentials::Trusted } else { Credentials::None })
}

/// The socket file is mode 0600: whoever reaches it could also read the vault's folder.
fn is_trusted(request: &Request) -> bool {
    matches!(request.remote_addr().0, Addr::Unix(_)) || request.data::<Trusted>().is_some()
}

fn session_cookie(request: &Request) -> Option<&str> {
    let lines = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookie(lines, SESSION_COOKIE)
}

/// Whether a browser says that a page of another origin sent this. A browser names the origin of every unsafe request;
/// one without any word about it is refused too, since the cookie alone proves nothing.
pub fn from_elsewhere(request: &Request) -> bool {
    let host = request.header("host").unwrap_or_default();
    if let Some(origin) = request.header("origin") {
        let authority =
            origin.parse::<Uri>().ok().and_then(|uri| uri.authority().map(|a| a.as_str().to_ascii_lowercase()));
        // Behind a proxy that ends TLS the scheme differs, so only host and port are compared.
        return authority.as_deref() != Some(host.to_ascii_lowercase().as_str());
    }
    request.header("sec-fetch-site") != Some("same-origin")
}

/// The bearer token or session cookie as sent; what a limit per caller counts by.
pub fn credential_of(request: &Request) -> Option<&str> {
    request.header("authorization").or_else(|| session_cookie(request))
}

/// The client's address as text; empty for the socket and for calls inside the process.
pub fn address_of(request: &Request, behind_proxy: bool) -> String {
    if behind_proxy && let Some(chain) = request.header("x-forwarded-for") {
        // Only the last entry was written by our own proxy.
        let last = chain.rsplit(',').next().unwrap_or_default().trim();
        if let Ok(ip) = last.parse::<IpAddr>() {
            return ip.to_string();
        }
    }
    request.remote_addr().as_socket_addr().map(|addr| addr.ip().to_string()).unwrap_or_default()
}

/// Whether the client spoke HTTPS, to Kith itself or to the proxy in front.
pub fn came_over_tls(request: &Request, behind_proxy: bool) -> bool {
    *request.scheme() == Scheme::HTTPS || (behind_proxy && request.header("x-forwarded-proto") == Some("https"))
}

/// Whether the request comes from this machine itself and through no proxy.
pub fn is_loopback(request: &Request) -> bool {
    let forwarded =
        ["x-forwarded-for", "forwarded", "via", "x-real-ip"].iter().any(|name| request.header(name).is_some());
    let local = request.remote_addr().as_socket_addr().is_some_and(|addr| addr.ip().is_loopback());
    !forwarded && (local || is_trusted(request))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut builder = Request::builder().method(Method::POST).uri_str("/api/v1/records/people");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.finish()
    }

    #[test]
    fn only_the_own_origin_may_use_the_cookie() {
        let host = ("host", "crm.example.com:5484");
        assert!(!from_elsewhere(&request(&[host, ("origin", "http://crm.example.com:5484")])));
        assert!(!from_elsewhere(&request(&[host, ("sec-fetch-site", "same-origin")])));
        assert!(from_elsewhere(&request(&[host, ("origin", "http://evil.example.com")])));
        assert!(
            from_elsewhere(&request(&[host, ("origin", "http://crm.example.com")])),
            "another port is another origin"
        );
        assert!(from_elsewhere(&request(&[host, ("origin", "null")])));
        assert!(from_elsewhere(&request(&[host, ("sec-fetch-site", "same-site")])));
        assert!(from_elsewhere(&request(&[host])));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let request = request(&[("cookie", "theme=dark"), ("cookie", "a=b; kith_session=abc; x=y")]);
        assert_eq!(session_cookie(&request), Some("abc"));
    }

    #[test]
    fn nobody_from_the_network_is_trusted() {
        assert!(!is_trusted(&request(&[("x-forwarded-for", "127.0.0.1")])));
        assert!(read(&request(&[("authorization", "Basic eDp5")])).is_err());
    }
}
