//! `http`: requests to granted hosts, with secrets filled in on the way out.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    contract::{
        Request, Response,
        http::{Host, HttpError},
    },
    http::{HttpFault, Incoming, Outgoing},
    kept::{Kept, REMEMBERED_MS, Space, check_key},
    manifest::check::origin,
    runtime::call::{CallState, Phase},
};

const TIME_OUT_MAX: Duration = Duration::from_secs(30);
const REQUEST_BYTES_MAX: usize = 8 << 20;

/// Larger answers to a key are remembered without their body.
const REMEMBERED_BYTES_MAX: usize = 128 << 10;

/// An answer as it is remembered for its key.
#[derive(Serialize, Deserialize)]
struct Remembered {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Host for CallState {
    fn send(&mut self, req: Request) -> wasmtime::Result<Result<Response, HttpError>> {
        let answer = self.host("http.send", (req,), |state, (req,)| state.send_request(req))?;
        match &answer {
            Err(HttpError::Denied(said)) => self.refused("http", said),
            Err(HttpError::TooLarge) => self.refused("http", "a request or an answer is too large"),
            _ => {}
        }
        Ok(answer)
    }
}

impl CallState {
    fn send_request(&mut self, request: Request) -> Result<Response, HttpError> {
        let denied = |said: String| HttpError::Denied(said);
        self.at_least(Phase::Asking, "http").map_err(denied)?;
        if self.plugin.manifest.http.is_none() {
            return Err(denied("http is not granted; ask for it in plugin.toml: [http]".into()));
        }
        self.limits.http_call().map_err(HttpError::Other)?;
        if request.body.len() > REQUEST_BYTES_MAX {
            return Err(HttpError::TooLarge);
        }
        let to = origin(&request.url).ok_or_else(|| denied("the URL is no http or https URL".into()))?;
        if !self.plugin.origins().contains(&to) {
            return Err(denied(format!("{to} is not among the granted hosts; add it to plugin.toml: [http] allow")));
        }
        let key = request.idempotency_key.clone();
        if let Some(Err(said)) = key.as_deref().map(check_key) {
            return Err(HttpError::Other(said));
        }
        if let Some(known) = key.as_ref().and_then(|key| self.answered(key)) {
            return Ok(known);
        }
        let outgoing = self.outgoing(request, &to)?;
        if self.info.dry_run && outgoing.method != "GET" && outgoing.method != "HEAD" {
            return Err(denied("this is a dry run: nothing is sent".into()));
        }
        let answer = self.services.tokio.block_on(self.services.http.send(outgoing)).map_err(told)?;
        if let Some(key) = key
            && (200..300).contains(&answer.status)
        {
            self.remember(&key, &answer);
        }
        Ok(Response { status: answer.status, headers: answer.headers, body: answer.body })
    }

    fn outgoing(&self, request: Request, to: &str) -> Result<Outgoing, HttpError> {
        let fill = |text: &str| self.fill(text, to).map_err(HttpError::Denied);
        let url = Url::parse(&fill(&request.url)?).map_err(|e| HttpError::Other(e.to_string()))?;
        // What was filled in must not lead elsewhere.
        if url.origin().ascii_serialization() != to {
            return Err(HttpError::Denied("a secret may not stand in the host of a URL".into()));
        }
        let mut headers = Vec::with_capacity(request.headers.len() + 1);
        for (name, value) in &request.headers {
            headers.push((name.clone(), fill(value)?));
        }
        if let Some(key) = &request.idempotency_key {
            headers.push(("Idempotency-Key".into(), key.clone()));
        }
        let body = match std::str::from_utf8(&request.body) {
            Ok(text) if text.contains("{{secret:") => fill(text)?.into_bytes(),
            _ => request.body,
        };
        let asked = Duration::from_millis(u64::from(request.timeout_ms.max(1)));
        Ok(Outgoing {
            method: request.method.to_ascii_uppercase(),
            url,
            headers,
            body,
            time_out: asked.min(TIME_OUT_MAX).min(self.remaining()),
            private: self.plugin.private_network,
        })
    }

    /// The text with secrets in the place of `{{secret:name}}`.
    fn fill(&self, text: &str, to: &str) -> Result<String, String> {
        const OPEN: &str = "{{secret:";
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(OPEN) {
            let after = &rest[at + OPEN.len()..];
            let end = after.find("}}").ok_or("a {{secret:…}} has no end")?;
            let name = &after[..end];
            let bound: BTreeSet<String> = self.plugin.secret_origins(name);
            if !bound.contains(to) {
                return Err(format!(
                    "the secret '{name}' is not for {to}; see allow-hosts in plugin.toml: [secrets.{name}]"
                ));
            }
            let secret = self.plugin.secrets.get(name);
            let secret = secret.ok_or_else(|| format!("the secret '{name}' is not set; an administrator sets it"))?;
            out.push_str(&rest[..at]);
            out.push_str(secret.expose());
            rest = &after[end + 2..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn answered(&self, key: &str) -> Option<Response> {
        let entry = Kept::of(&self.services.engine, &self.plugin.id).get(Space::Answered, key).ok()??;
        let known: Remembered = serde_json::from_slice(&entry.value).ok()?;
        Some(Response { status: known.status, headers: known.headers, body: known.body })
    }

    /// A failure to remember is no failure of the request: the service has the key as well.
    fn remember(&self, key: &str, answer: &Incoming) {
        let kept = Kept::of(&self.services.engine, &self.plugin.id);
        let body = if answer.body.len() <= REMEMBERED_BYTES_MAX / 4 { answer.body.clone() } else { Vec::new() };
        let known = Remembered { status: answer.status, headers: answer.headers.clone(), body };
        let written = serde_json::to_vec(&known)
            .ok()
            .filter(|json| json.len() <= REMEMBERED_BYTES_MAX)
            .map(|json| kept.put(Space::Answered, key, &json, Some(REMEMBERED_MS), None));
        if let Some(Err(error)) = written {
            tracing::warn!(
                plugin = self.plugin.id,
                code = error.code(),
                "an answer could not be remembered for its key"
            );
        }
    }
}

fn told(fault: HttpFault) -> HttpError {
    match fault {
        HttpFault::Denied(said) => HttpError::Denied(said),
        HttpFault::Dns => HttpError::Dns,
        HttpFault::Connect => HttpError::Connect,
        HttpFault::Tls => HttpError::Tls,
        HttpFault::TimeOut => HttpError::Timeout,
        HttpFault::TooLarge => HttpError::TooLarge,
        HttpFault::Other(said) => HttpError::Other(said),
    }
}
