//! Sends plain HTTP on to HTTPS. Answers nothing else and reads no body.

use std::sync::Arc;

use poem::{Endpoint, IntoResponse, Request, Response, Result, http::StatusCode, http::header};

/// Sends every request to the same place at `host` over HTTPS; without a host, to the one the client named.
pub fn redirect(host: Option<String>, port: u16) -> impl Endpoint<Output = Response> {
    Redirect { host: host.map(Arc::from), port }
}

struct Redirect {
    host: Option<Arc<str>>,
    port: u16,
}

impl Endpoint for Redirect {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let named = request.header(header::HOST).and_then(host_name);
        let Some(host) = self.host.as_deref().or(named) else {
            return Ok(StatusCode::BAD_REQUEST.into_response());
        };
        let port = if self.port == 443 { String::new() } else { format!(":{}", self.port) };
        let place = request.uri().path_and_query().map_or("/", |place| place.as_str());
        Ok(StatusCode::PERMANENT_REDIRECT
            .with_header(header::LOCATION, format!("https://{host}{port}{place}"))
            .into_response())
    }
}

/// The name without its port, when it is nothing but a name: what a client sends goes into a header.
fn host_name(header: &str) -> Option<&str> {
    let name = match header.strip_prefix('[') {
        Some(rest) => &header[..rest.find(']')? + 2],
        None => header.split(':').next()?,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sent_to(redirect: &impl Endpoint<Output = Response>, host: &str, path: &str) -> Option<String> {
        let request = Request::builder().uri(path.parse().unwrap()).header("host", host).finish();
        let answer = redirect.call(request).await.unwrap();
        answer.header(header::LOCATION).map(str::to_string)
    }

    #[tokio::test]
    async fn a_request_goes_to_the_same_place_over_https() {
        let named = redirect(Some("crm.example.com".into()), 443);
        assert_eq!(sent_to(&named, "elsewhere:80", "/a?b=c").await.unwrap(), "https://crm.example.com/a?b=c");
        let open = redirect(None, 8443);
        assert_eq!(sent_to(&open, "crm.local:80", "/").await.unwrap(), "https://crm.local:8443/");
        assert_eq!(sent_to(&open, "[::1]:80", "/").await.unwrap(), "https://[::1]:8443/");
        assert_eq!(sent_to(&open, "a b/@evil", "/").await, None);
    }
}
