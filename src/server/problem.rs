//! Every refusal as problem details (RFC 9457). Holds the one table from code to status and title; decides nothing else.

use std::borrow::Cow;

use kith_backup::BackupError;
use kith_engine::{EngineError, read::rfc3339 as time};
use kith_exchange::ExchangeError;
use kith_model::Violation;
use kith_plugin_host::PluginError;
use poem::{
    Response,
    error::{MethodNotAllowedError, NotFoundError, ParsePathError, ReadBodyError, ResponseError},
    http::{HeaderValue, StatusCode, header},
};
use serde_json::{Map, Value as Json, json};

use crate::api::second_factor::enrolment;

/// Content type of a refusal.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// (code, status, title). A code that ends in `.` stands for all codes that begin with it.
pub static TABLE: &[(&str, u16, &str)] = &[
    ("request.invalid", 400, "The request cannot be understood"),
    ("filter.invalid", 400, "The filter cannot be understood"),
    ("cursor.invalid", 400, "The cursor does not fit"),
    ("field.not_found", 400, "There is no such field"),
    ("auth.required", 401, "Sign in first"),
    ("auth.wrong", 401, "Wrong e-mail or password"),
    ("auth.second_factor", 401, "A code is needed too"),
    ("auth.wrong_code", 401, "Wrong code"),
    ("auth.challenge_over", 401, "Sign in again"),
    ("access.denied", 403, "Not allowed"),
    ("origin.refused", 403, "The request came from another site"),
    ("route.not_found", 404, "There is nothing here"),
    ("object.not_found", 404, "There is no such object"),
    ("record.not_found", 404, "There is no such record"),
    ("record.not_then", 404, "The record has no such state"),
    ("action.not_found", 404, "There is no such action"),
    ("condition.not_found", 404, "There is no such condition"),
    ("plugin.not_found", 404, "There is no such plugin"),
    ("plugin.not_bundled", 404, "Kith brings no such plugin along"),
    ("plugin.stale", 409, "The panel has changed meanwhile"),
    ("plugin.refused", 422, "The plugin refuses this"),
    ("condition.failed", 502, "The condition did not answer"),
    ("plugin.failed", 502, "The plugin did not answer"),
    ("plugin.resting", 503, "The plugin rests"),
    ("import.not_found", 404, "There is no such import"),
    ("backup.not_found", 404, "There is no such backup"),
    ("method.not_allowed", 405, "This method is not offered here"),
    ("record.not_unique", 409, "Another record has this value"),
    ("schema.conflict", 409, "The schema cannot change like this"),
    ("erase.unconfirmed", 409, "Erasing needs a confirmation"),
    ("erase.blocked", 409, "Something else needs what would be erased"),
    ("import.conflict", 409, "The import is not in a state for this"),
    ("plugin.no_secret", 404, "The plugin has no such secret"),
    ("plugin.author", 409, "The plugin was signed by another author"),
    ("plugin.downgrade", 409, "This version is older"),
    ("plugin.ungranted", 409, "The plugin waits for a grant"),
    ("plugin.nothing_pending", 409, "Nothing waits for a grant"),
    ("plugin.no_previous", 409, "There is no earlier version"),
    ("plugin.disabled", 409, "The plugin is not enabled"),
    ("plugin.too_large", 413, "The plugin is too large"),
    ("plugin.", 422, "The plugin cannot be installed"),
    ("backup.inside", 422, "This is no place for backups"),
    ("backup.schedule", 422, "The schedule is not right"),
    ("backup.stopping", 503, "The server is stopping"),
    ("backup.", 409, "The backup cannot be taken"),
    ("vault.bad_recipient", 422, "This is no recipient"),
    ("record.version_conflict", 412, "The record has changed meanwhile"),
    ("request.too_large", 413, "The request is too large"),
    ("batch.too_large", 413, "Too many operations"),
    ("import.too_large", 413, "The file is too large to import"),
    ("store.too_large", 413, "The record is too large"),
    ("request.media_type", 415, "The content type does not fit"),
    ("record.invalid", 422, "Some fields are not right"),
    ("schema.invalid", 422, "The definition is not right"),
    ("vault.recipient_exists", 409, "This key opens the vault already"),
    ("vault.rotation_under_way", 409, "The data key is being rotated"),
    ("vault.last_recipient", 409, "This is the last key"),
    ("vault.recipient_in_use", 409, "This key is in use"),
    ("vault.", 422, "The vault's keys cannot change like this"),
    ("idempotency.shown_once", 409, "The token was shown before"),
    ("idempotency.in_progress", 409, "The same request is under way"),
    ("idempotency.mismatch", 422, "The key was used for another request"),
    ("import.", 422, "The file cannot be imported"),
    ("export.", 422, "This cannot be exported"),
    ("auth.slow_down", 429, "Too many attempts"),
    ("rate.limited", 429, "Too many requests"),
    ("internal", 500, "Something went wrong in the server"),
    ("store.", 503, "The store does not answer"),
];

/// Status and title of a code; codes nobody listed are faults of ours.
pub fn entry(code: &str) -> (StatusCode, &'static str) {
    let found = TABLE.iter().find(|(known, ..)| *known == code || (known.ends_with('.') && code.starts_with(known)));
    let (status, title) =
        found.map_or((500, "Something went wrong in the server"), |(_, status, title)| (*status, *title));
    (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), title)
}

/// A refusal on its way to the client.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", .0.code, .0.detail)]
pub struct Problem(Box<Parts>);

/// Boxed: answers that are no refusals should not carry room for one.
#[derive(Debug)]
struct Parts {
    code: Cow<'static, str>,
    detail: String,
    errors: Vec<Violation>,
    /// Place of the failing operation in its batch.
    index: Option<usize>,
    retry_after_s: Option<u64>,
    /// Methods the route does offer.
    allow: Option<String>,
    /// Further members of the body.
    more: Map<String, Json>,
}

impl Problem {
    /// `code` must be in the table; `detail` names the next step.
    pub fn new(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        let (code, detail) = (code.into(), detail.into());
        Problem(Box::new(Parts {
            code,
            detail,
            errors: Vec::new(),
            index: None,
            retry_after_s: None,
            allow: None,
            more: Map::new(),
        }))
    }

    /// A request that cannot be understood.
    pub fn request(detail: impl Into<String>) -> Self {
        Problem::new("request.invalid", detail)
    }

    /// A fault of ours. The cause goes to the log, not to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed inside the server");
        Problem::new("internal", "the server failed; its log says why")
    }

    /// The client may try again after this many seconds.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// The methods that the route does offer, as an `Allow` header lists them.
    pub fn allow(mut self, methods: String) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// The same refusal, said of one operation of a batch.
    pub fn at(mut self, index: usize) -> Self {
        self.0.index = Some(index);
        self
    }

    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The body of the answer.
    pub fn body(&self) -> Json {
        let (status, title) = entry(&self.0.code);
        let errors: Vec<Json> =
            self.0.errors.iter().map(|v| json!({ "field": v.field, "code": v.code, "message": v.message })).collect();
        let mut body = json!({
            "type": "about:blank", "title": title, "status": status.as_u16(),
            "code": self.0.code, "detail": self.0.detail, "errors": errors,
        });
        if let Some(index) = self.0.index {
            body["index"] = json!(index);
        }
        for (name, value) in &self.0.more {
            body[name] = value.clone();
        }
        body
    }

    /// Turns whatever poem refused by itself into problem details.
    pub fn from_poem(error: &poem::Error) -> Problem {
        if error.is::<NotFoundError>() || error.is::<ParsePathError>() {
            return Problem::new(
                "route.not_found",
                "there is nothing at this address; GET /api/v1/openapi.json lists all routes",
            );
        }
        if error.is::<MethodNotAllowedError>() {
            return Problem::new("method.not_allowed", "this method is not offered here");
        }
        if matches!(error.downcast_ref::<ReadBodyError>(), Some(ReadBodyError::PayloadTooLarge)) {
            return Problem::new("request.too_large", "the body is too large");
        }
        match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new("request.too_large", "the body is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new("request.media_type", error.to_string()),
            status if status.is_client_error() => Problem::request(error.to_string()),
            _ => Problem::internal(error),
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let code = error.code();
        let (status, _) = entry(code);
        let mut problem = match status.as_u16() {
            500 => Problem::internal(&error),
            503 => {
                // The cause may name folders; the client only learns that waiting or an administrator may help.
                tracing::error!(%error, "the store refused a request");
                let detail = "the server cannot do this now; try again in a moment, its log says more";
                Problem::new(code, detail).retry_after(5)
            }
            _ => Problem::new(code, error.to_string()),
        };
        problem.0.errors = error.violations().to_vec();
        problem.0.index = error.index();
        if let EngineError::SecondFactor(challenge) = error.root() {
            problem.0.more = Map::from_iter([
                ("challenge".to_string(), json!(challenge.word.expose())),
                ("expires_at".to_string(), json!(time(challenge.expires_at))),
                ("enrol".to_string(), json!(challenge.enrol.as_ref().map(enrolment))),
            ]);
        }
        match error.root() {
            EngineError::SlowDown { seconds } => problem.retry_after(*seconds),
            EngineError::IdempotencyInProgress => problem.retry_after(1),
            _ => problem,
        }
    }
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Engine(error) => error.into(),
            BackupError::Store(error) => EngineError::from(error).into(),
            error => Problem::new(error.code(), error.to_string()),
        }
    }
}

impl From<PluginError> for Problem {
    fn from(error: PluginError) -> Self {
        match error {
            PluginError::Engine(error) => error.into(),
            error => Problem::new(error.code(), error.to_string()),
        }
    }
}

impl From<ExchangeError> for Problem {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Engine(error) => error.into(),
            error => Problem::new(error.code(), error.to_string()),
        }
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        entry(&self.0.code).0
    }

    fn as_response(&self) -> Response {
        let mut answer =
            Response::builder().status(self.status()).content_type(PROBLEM_JSON).body(self.body().to_string());
        let headers = answer.headers_mut();
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"kith\""));
        }
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = self.0.allow.as_deref().and_then(|m| HeaderValue::from_str(m).ok()) {
            headers.insert(header::ALLOW, methods);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_line_and_prefixes_come_after_the_codes_they_cover() {
        for (at, (code, ..)) in TABLE.iter().enumerate() {
            let first =
                TABLE.iter().position(|(known, ..)| known == code || (known.ends_with('.') && code.starts_with(known)));
            assert_eq!(first, Some(at), "{code} is hidden by an earlier line");
        }
    }

    #[test]
    fn a_problem_carries_code_status_and_fields() {
        let problem = Problem::from(EngineError::invalid("email", "bad_email", "'x' is not an e-mail").at(3));
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let body = problem.body();
        assert_eq!(body["code"], "record.invalid");
        assert_eq!(body["errors"][0]["field"], "email");
        assert_eq!(body["index"], 3);
    }

    #[test]
    fn a_fault_inside_does_not_tell_its_cause() {
        let problem = Problem::from(EngineError::Internal("/var/lib/kith is odd".into()));
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problem.body().to_string().contains("/var/lib"));
        let problem = Problem::from(EngineError::Store(kith_store::StoreError::DiskFull("/var/lib/kith".into())));
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!problem.body().to_string().contains("/var/lib"));
    }

    #[test]
    fn unknown_codes_are_faults_of_ours() {
        assert_eq!(entry("who.knows").0, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(entry("import.no_header").0, StatusCode::UNPROCESSABLE_ENTITY);
    }
}
