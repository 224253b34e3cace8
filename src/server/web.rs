//! Serves the embedded web app: hashed files for ever, the page itself always fresh, and the page for every address that the
//! app routes by itself. Knows nothing of the API.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use hyper::body::Bytes;
use poem::{
    Request, Response,
    http::{HeaderValue, Method, StatusCode, header},
};
use rust_embed::RustEmbed;

use crate::{
    compress::{self, Coding},
    problem::Problem,
};

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Dist;

/// A year, the longest that caches honour.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Stored but asked for again each time; the ETag makes that cheap.
const REVALIDATE: &str = "no-cache";

/// Files below this are sent as they are: the encoding would cost more than it saves.
const COMPRESS_FROM_BYTES: usize = 1024;

/// The app's files with their compressed forms, each made once on first use.
#[derive(Default)]
pub struct WebApp {
    compressed: Mutex<HashMap<(String, Coding), Bytes>>,
}

impl WebApp {
    /// Answers any request that is not for the API.
    ///
    /// # Errors
    /// `method.not_allowed` for anything but reading, `route.not_found` for a missing file.
    pub async fn answer(self: &Arc<Self>, request: &Request) -> Result<Response, Problem> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Problem::new("method.not_allowed", "pages can only be read; the API is at /api/v1")
                .allow("GET, HEAD".into()));
        }
        let path = request.uri().path().trim_start_matches('/');
        let (name, file) = match Dist::get(path).filter(|_| !path.is_empty()) {
            Some(file) => (path.to_string(), file),
            // A name with an extension is a file that is not there; anything else is a page of the app.
            None if path.rsplit('/').next().is_some_and(|last| last.contains('.')) => {
                return Err(Problem::new("route.not_found", "there is no such file; reload the page"));
            }
            None => {
                let page = Dist::get("index.html");
                ("index.html".into(), page.ok_or_else(|| Problem::internal("the web app is not in this build"))?)
            }
        };
        let etag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..12]));
        let fresh = request
            .header("if-none-match")
            .is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == etag));
        let mut answer = if fresh {
            Response::builder().status(StatusCode::NOT_MODIFIED).finish()
        } else {
            self.file(&name, Bytes::from(file.data.into_owned()), &etag, compress::accepted(request.headers())).await?
        };
        let headers = answer.headers_mut();
        let keep = if name.starts_with("assets/") { FOREVER } else { REVALIDATE };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            headers.insert(header::ETAG, etag);
        }
        Ok(answer)
    }

    async fn file(
        self: &Arc<Self>,
        name: &str,
        data: Bytes,
        etag: &str,
        coding: Option<Coding>,
    ) -> Result<Response, Problem> {
        let kind = content_type(name);
        let coding = coding.filter(|_| data.len() >= COMPRESS_FROM_BYTES && compress::worthwhile(kind));
        let Some(coding) = coding else { return Ok(Response::builder().content_type(kind).body(data)) };
        // The hash in the key: in development builds files change under a running server.
        let key = (format!("{name}{etag}"), coding);
        let known = self.compressed.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let body = match known {
            Some(body) => body,
            None => {
                let body = compress::once(data, coding).await?;
                self.compressed.lock().unwrap_or_else(PoisonError::into_inner).insert(key, body.clone());
                body
            }
        };
        Ok(Response::builder().content_type(kind).header(header::CONTENT_ENCODING, coding.name()).body(body))
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The types that a web app's build produces.
fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(path: &str) -> Result<Response, Problem> {
        Arc::new(WebApp::default()).answer(&Request::builder().uri_str(path).finish()).await
    }

    #[tokio::test]
    async fn every_address_without_extension_is_the_page() {
        for path in ["/", "/people", "/people/0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07?tab=history"] {
            let answer = get(path).await.unwrap();
            assert_eq!(answer.content_type(), Some("text/html; charset=utf-8"), "{path}");
            assert_eq!(answer.header("cache-control"), Some(REVALIDATE));
        }
    }

    #[tokio::test]
    async fn missing_files_and_climbing_paths_are_not_found() {
        for path in ["/assets/none.js", "/../Cargo.toml", "/assets/../../../Cargo.toml"] {
            assert_eq!(
                get(path).await.err().map(|p| p.code().to_string()).as_deref(),
                Some("route.not_found"),
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn a_known_etag_saves_the_body() {
        let etag = get("/").await.unwrap().header("etag").unwrap().to_string();
        let request = Request::builder().uri_str("/").header("if-none-match", etag).finish();
        let answer = Arc::new(WebApp::default()).answer(&request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
    }
}
