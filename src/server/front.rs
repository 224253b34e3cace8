//! What every request passes: rate, dispatch to API, plugins or web app, problem details, compression, headers, figures. Knows no route.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use poem::{
    Endpoint, EndpointExt, Request, Response, Result, Route,
    endpoint::BoxEndpoint,
    error::ResponseError,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::CatchPanic,
};

use crate::{
    app::App,
    compress::{self, Coding},
    endpoints,
    extract::{address_of, came_over_tls, credential_of},
    problem::Problem,
    routes::{self, RoutePattern},
    web::WebApp,
};

/// The app may load only what it ships with. Images may also be made in the page (previews of attachments).
const APP_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; \
                          form-action 'self'; frame-ancestors 'none'";

/// An answer of the API is data: should a browser show one as a page, it may load and run nothing.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// On every answer, whatever it is.
const SECURITY: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// A browser that was here over HTTPS does not come back without it for a year. Other names of the domain are not ours to bind.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// What a failed sign-in or a wrong token costs an address, in requests: guessing runs dry soon.
const UNKNOWN_CALLER_COST: f64 = 20.0;

/// The outermost endpoint.
pub struct Front {
    app: Arc<App>,
    api: BoxEndpoint<'static>,
    web: Arc<WebApp>,
}

impl Front {
    pub fn new(app: Arc<App>) -> Front {
        let mut api = Route::new();
        for entry in routes::table() {
            api = api.at(entry.pattern(), entry);
        }
        let panicked = |_| Problem::internal("a handler panicked").as_response();
        let api = api.data(app.clone()).with(CatchPanic::new().with_handler(panicked)).map_to_response().boxed();
        Front { app, api, web: Arc::new(WebApp::default()) }
    }

    /// Answers any request; there is nothing that is not answered.
    pub async fn answer(&self, request: Request) -> Response {
        let started = Instant::now();
        let method = request.method().clone();
        let coding = compress::accepted_quick(request.headers());
        let for_api = is_api(request.uri().path());
        let guest = Guest::of(&request, self.app.options.behind_proxy);
        let over_tls = came_over_tls(&request, self.app.options.behind_proxy);
        let answer = match self.let_in(&guest, started) {
            Err(problem) => problem.as_response(),
            Ok(()) if for_api => self.api.call(request).await.unwrap_or_else(refusal),
            Ok(()) if request.uri().path().starts_with(endpoints::PREFIX) => {
                endpoints::answer(&self.app, request).await
            }
            Ok(()) => self.web.answer(&request).await.unwrap_or_else(|problem| problem.as_response()),
        };
        if answer.status().as_u16() == 401 {
            self.charge_guess(&guest, started);
        }
        let route = answer.data::<RoutePattern>().map_or(if for_api { "unknown" } else { "web" }, |pattern| pattern.0);
        let took = started.elapsed();
        self.app.metrics.answered(known_method(method.as_str()), route, answer.status().as_u16(), took.as_secs_f64());
        note(method.as_str(), route, answer.status().as_u16(), took);
        dress(answer, for_api, over_tls, coding)
    }

    fn let_in(&self, guest: &Guest, now: Instant) -> Result<(), Problem> {
        let (Some(limiter), Some(address)) = (&self.app.limiter, &guest.address) else { return Ok(()) };
        // A request that names who sends it counts for them, so that one office behind one address is not one caller. What
        // it names may be invented; `charge_guess` makes the address pay for that.
        let taken = match &guest.credential {
            Some(credential) => limiter
                .take(("address", address), 0.0, now)
                .and_then(|()| limiter.take(("caller", credential), 1.0, now)),
            None => limiter.take(("address", address), 1.0, now),
        };
        taken.map_err(|seconds| {
            let detail = format!("too many requests; wait {seconds} s, then send fewer at a time");
            Problem::new("rate.limited", detail).retry_after(seconds)
        })
    }

    fn charge_guess(&self, guest: &Guest, now: Instant) {
        if let (Some(limiter), Some(address), true) = (&self.app.limiter, &guest.address, guest.credential.is_some()) {
            // Nothing is refused here: the next request of this address meets the emptier bucket.
            let _ = limiter.take(("address", address), UNKNOWN_CALLER_COST, now);
        }
    }
}

impl Endpoint for Front {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        Ok(self.answer(request).await)
    }
}

/// What a limit needs to know of a request, kept while the request itself is consumed.
struct Guest {
    /// None: the socket or the process itself, which no limit binds.
    address: Option<String>,
    credential: Option<String>,
}

impl Guest {
    fn of(request: &Request, behind_proxy: bool) -> Guest {
        let address = Some(address_of(request, behind_proxy)).filter(|address| !address.is_empty());
        Guest { address, credential: credential_of(request).map(str::to_string) }
    }
}

/// The method as a label: what clients invent must not grow the figures.
fn known_method(method: &str) -> &str {
    if matches!(method, "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") { method } else { "other" }
}

fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// Any error of a handler or of poem itself as an answer.
pub fn refusal(error: poem::Error) -> Response {
    if error.is::<Problem>() { error.into_response() } else { Problem::from_poem(&error).as_response() }
}

/// Routes and figures only: paths and queries name people.
fn note(method: &str, route: &str, status: u16, took: Duration) {
    let ms = took.as_millis() as u64;
    if status >= 500 {
        tracing::warn!(method, route, status, ms, "answered with a fault");
    } else {
        tracing::debug!(method, route, status, ms, "answered");
    }
}

fn dress(mut answer: Response, for_api: bool, over_tls: bool, coding: Option<Coding>) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in SECURITY {
        put(headers, name, value);
    }
    if over_tls {
        put(headers, header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    put(headers, header::CONTENT_SECURITY_POLICY, if for_api { API_POLICY } else { APP_POLICY });
    put(headers, header::CACHE_CONTROL, "no-store");
    compress::answer(answer, coding)
}

/// Sets a header unless the handler knew better.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
