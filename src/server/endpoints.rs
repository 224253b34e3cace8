//! `/plugins/{id}/…`: hands requests to plugins' endpoints. What passes in and out is decided by the host; this carries it there, and is the one to
//! say who calls.

use std::sync::Arc;

use kith_plugin_host::{
    AskError, Asker,
    endpoints::{self, Incoming, NoRoute, REQUEST_BYTES_MAX},
};
use poem::{
    Body, FromRequest, Request, Response,
    error::ReadBodyError,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
};

use crate::{
    app::{App, blocking},
    extract::Caller,
    front::refusal,
    problem::Problem,
    routes::RoutePattern,
};

/// Where they live.
pub const PREFIX: &str = "/plugins/";

/// Should a browser show an answer as a page, it is one without an origin: no script, no cookie, no form.
const POLICY: HeaderValue = HeaderValue::from_static("sandbox");

/// Answers a request below `PREFIX`.
pub async fn answer(app: &Arc<App>, mut request: Request) -> Response {
    let head_only = request.method() == Method::HEAD;
    let mut answer = match serve(app, &mut request).await {
        Ok(answer) => answer,
        Err(problem) => refusal(problem),
    };
    if head_only {
        answer.set_body(());
    }
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    answer.set_data(RoutePattern("/plugins/{id}"));
    answer
}

async fn serve(app: &Arc<App>, request: &mut Request) -> poem::Result<Response> {
    let nothing = || Problem::new("route.not_found", "no plugin has an endpoint at this address");
    let path = request.uri().path();
    let (id, below) = path.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')).ok_or_else(nothing)?;
    let below = format!("/{below}");
    let hosted = app.hosted.clone();
    let plugin = hosted.loaded.get(id).ok_or_else(nothing)?;
    let method = request.method().as_str().to_string();
    let (name, public) = match endpoints::route(&plugin.manifest, &method, &below) {
        Ok((name, endpoint)) => (name.to_string(), endpoint.public),
        Err(NoRoute::NotFound) => return Err(nothing().into()),
        Err(NoRoute::Method(offered)) => {
            let offered = offered.join(", ");
            let said = format!("this endpoint offers {offered}");
            return Err(Problem::new("method.not_allowed", said).allow(offered).into());
        }
    };
    // Whoever calls a public endpoint is nobody; a token of another system in the header is not for us to judge.
    let caller = if public { None } else { Some(Caller::from_request_without_body(request).await?) };
    let body = body(request).await?;
    let url = request.uri().query().map_or(below.clone(), |query| format!("{below}?{query}"));
    let text = |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_string()));
    let headers = request.headers().iter().filter_map(text).collect();
    let engine = app.engine.clone();
    let answer = blocking(move || {
        let asker = caller.map(|caller| caller.actor(&engine)).transpose()?.map(Asker::of);
        let incoming = Incoming { method, url, headers, body };
        let answer = endpoints::serve(&hosted.services, &plugin, &name, asker.as_ref(), incoming);
        answer.map_err(|error| told(&error, engine.now_ms()))
    })
    .await?;
    let mut out = Response::builder().status(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY));
    for (name, value) in &answer.headers {
        out = out.header(name, value);
    }
    Ok(out.body(Body::from(answer.body)))
}

async fn body(request: &mut Request) -> Result<Vec<u8>, Problem> {
    let too_large =
        || Problem::new("request.too_large", format!("a plugin takes at most {REQUEST_BYTES_MAX} bytes at a time"));
    let announced = request.header("content-length").and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    if announced > REQUEST_BYTES_MAX {
        return Err(too_large());
    }
    let read = request.take_body().into_bytes_limit(REQUEST_BYTES_MAX).await;
    read.map(|bytes| bytes.to_vec()).map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => too_large(),
        _ => Problem::request("the body broke off; send it again"),
    })
}

/// What went wrong with a plugin, as an answer.
pub fn told(error: &AskError, now_ms: i64) -> Problem {
    let problem = Problem::new(error.code(), error.to_string());
    match error.retry_after_s(now_ms) {
        Some(seconds) => problem.retry_after(seconds),
        None => problem,
    }
}
