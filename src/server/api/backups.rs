//! Backups: the list, taking one now, the schedule, the files. For administrators; what a backup is lies below.

use std::io::{self, Write};

use hyper::body::Bytes;
use kith_backup::{
    BackupError, Health, Kind, Wanted,
    catalog::{self, Entry, State as BackupState},
    erasures,
    schedule::Schedule,
};
use kith_engine::{
    Actor, Engine, Query,
    audit::{AuditKind, Read},
};
use poem::{
    Body, Request, Response, Result, handler,
    http::{StatusCode, header},
    web::Path,
};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    State, answer,
    exports::sent,
    ok, time,
    upload::{PieceWriter, attachment},
};
use crate::{
    extract::{Caller, Input, Params, record_id},
    problem::Problem,
};

/// Pieces of 64 KiB on their way to the client.
const PIECES: usize = 8;

const AGE: &str = "application/octet-stream";

/// What to take; the schedule's folder and recipients where none are named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupBody {
    #[serde(default)]
    incremental: bool,
    #[serde(default)]
    recipients: Vec<String>,
    /// An absolute path on the server.
    folder: Option<String>,
    /// Of a stream: how the list is to call it.
    called: Option<String>,
}

impl BackupBody {
    fn wanted(&self) -> Wanted {
        let kind = if self.incremental { Kind::Incremental } else { Kind::Full };
        Wanted { kind, recipients: self.recipients.clone(), scheduled: false }
    }
}

/// Refuses all but administrators, and puts the attempt into the audit.
fn admin(engine: &Engine, actor: &Actor) -> Result<(), Problem> {
    engine.query(actor, &Query::of(catalog::KEY).limit(1))?;
    if actor.is_admin() {
        return Ok(());
    }
    Err(Problem::new("access.denied", "backups are for administrators; ask one"))
}

#[handler]
pub async fn list(app: State<'_>, caller: Caller, request: &Request) -> Result<Response> {
    Params::of(request, &[])?;
    let body = app
        .act(caller, |engine, actor| {
            admin(engine, actor)?;
            let entries = catalog::all(engine).map_err(Problem::from)?;
            let items: Vec<Json> = entries.iter().rev().map(shown).collect();
            Ok(json!({ "items": items, "health": health(engine)? }))
        })
        .await?;
    Ok(ok(&body))
}

/// How backups are doing, as the API shows it.
fn health(engine: &Engine) -> Result<Json, Problem> {
    let health = Health::of(engine).map_err(Problem::from)?;
    Ok(health.shown(engine.now_ms()))
}

fn shown(entry: &Entry) -> Json {
    let there = entry.path().is_some_and(|path| path.exists());
    let state = match entry.state {
        BackupState::Running => "running",
        BackupState::Done => "done",
        BackupState::Failed => "failed",
        BackupState::Removed => "removed",
    };
    json!({
        "id": entry.id, "name": entry.name, "folder": entry.folder, "kind": entry.kind.name(), "state": state,
        "created_at": time(entry.created_at),
        "finished_at": (entry.finished_at > 0).then(|| time(entry.finished_at)),
        "size_bytes": entry.size_bytes, "first_seq": entry.first_seq, "last_seq": entry.last_seq,
        "records": entry.records, "files": entry.files, "counts": entry.counts,
        "builds_on": entry.builds_on, "scheduled": entry.scheduled, "message": entry.message, "there": there,
    })
}

#[handler]
pub async fn start(app: State<'_>, caller: Caller, request: &Request, input: Input<BackupBody>) -> Result<Response> {
    Params::of(request, &[])?;
    let backups = app.backups.clone();
    let body = app
        .act(caller, move |engine, actor| {
            admin(engine, actor)?;
            let asked = input.value;
            if asked.called.is_some() {
                return Err(Problem::request("'called' is for streams"));
            }
            let folder = asked.folder.as_deref().map(std::path::Path::new);
            if folder.is_some_and(|folder| !folder.is_absolute()) {
                return Err(Problem::request("'folder' must be an absolute path on the server"));
            }
            let id = backups.start_one(actor, folder, &asked.wanted()).map_err(Problem::from)?;
            Ok(json!({ "id": id }))
        })
        .await?;
    Ok(answer(StatusCode::ACCEPTED, &body))
}

#[handler]
pub async fn show(app: State<'_>, caller: Caller, Path(id): Path<String>, request: &Request) -> Result<Response> {
    Params::of(request, &[])?;
    let body = app
        .act(caller, move |engine, actor| {
            let id = record_id(catalog::KEY, &id)?;
            engine.get(actor, catalog::KEY, id)?;
            Ok(shown(&catalog::find(engine, id).map_err(Problem::from)?))
        })
        .await?;
    Ok(ok(&body))
}

/// Takes a backup and gives it out while it is made.
#[handler]
pub async fn stream(app: State<'_>, caller: Caller, request: &Request, input: Input<BackupBody>) -> Result<Response> {
    Params::of(request, &[])?;
    let backups = app.backups.clone();
    let (job, turn) = app
        .act(caller, move |engine, actor| {
            admin(engine, actor)?;
            let asked = input.value;
            if asked.folder.is_some() {
                return Err(Problem::request("a stream goes into no folder of the server"));
            }
            let called = asked.called.clone().unwrap_or_default();
            let begun = backups.start_stream(actor, &called, &asked.wanted()).map_err(Problem::from)?;
            engine.audit_read(actor, AuditKind::Exported, catalog::KEY, Read::Records(&[begun.0.entry.id]));
            Ok(begun)
        })
        .await?;
    let name = job.entry.name.clone();
    let (engine, backups) = (app.engine.clone(), app.backups.clone());
    let work = move |out: &mut dyn Write| {
        let _turn = turn;
        job.stream(&engine, out, &|| backups.stopping()).map(drop).map_err(Problem::from)
    };
    sent(AGE, &name, work).await
}

fn file(name: &str) -> poem::ResponseBuilder {
    Response::builder()
        .content_type(AGE)
        .header(header::CONTENT_DISPOSITION, attachment(name))
        .header(header::CACHE_CONTROL, "no-store")
}

/// A backup's file, as it lies in its folder.
#[handler]
pub async fn content(app: State<'_>, caller: Caller, Path(id): Path<String>) -> Result<Response> {
    let (name, mut opened, size) = app
        .act(caller, move |engine, actor| {
            let id = record_id(catalog::KEY, &id)?;
            engine.get(actor, catalog::KEY, id)?;
            admin(engine, actor)?;
            let entry = catalog::find(engine, id).map_err(Problem::from)?;
            let path = entry.path().filter(|_| entry.state == BackupState::Done);
            let opened = path.and_then(|path| std::fs::File::open(path).ok());
            let opened = opened.ok_or_else(|| Problem::from(BackupError::NotFound))?;
            let size = opened.metadata().map_err(Problem::internal)?.len();
            engine.audit_read(actor, AuditKind::Exported, catalog::KEY, Read::Records(&[id]));
            Ok((entry.name, opened, size))
        })
        .await?;
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(PIECES);
    tokio::task::spawn_blocking(move || {
        let mut writer = PieceWriter::new(sender);
        if let Err(error) = io::copy(&mut opened, &mut writer).and_then(|_| writer.flush()) {
            writer.fail(&error.to_string());
        }
    });
    let answer = file(&name).header(header::CONTENT_LENGTH, size);
    Ok(answer.body(Body::from_bytes_stream(ReceiverStream::new(receiver))))
}

/// The sealed list of erasures, to be kept beside backups that were streamed elsewhere.
#[handler]
pub async fn erased(app: State<'_>, caller: Caller, request: &Request) -> Result<Response> {
    let params = Params::of(request, &["recipients"])?;
    let named = params.list("recipients").unwrap_or_default();
    let (name, sealed) = app
        .act(caller, move |engine, actor| {
            admin(engine, actor)?;
            let recipients = kith_backup::schedule::recipients(engine, &named).map_err(Problem::from)?;
            erasures::sealed(engine, &recipients).map_err(Problem::from)
        })
        .await?;
    Ok(file(&name).body(sealed))
}

#[handler]
pub async fn schedule(app: State<'_>, caller: Caller, request: &Request) -> Result<Response> {
    Params::of(request, &[])?;
    let body = app
        .act(caller, |engine, actor| {
            admin(engine, actor)?;
            Ok(json!(Schedule::of(engine).map_err(Problem::from)?))
        })
        .await?;
    Ok(ok(&body))
}

#[handler]
pub async fn set_schedule(
    app: State<'_>,
    caller: Caller,
    request: &Request,
    input: Input<Schedule>,
) -> Result<Response> {
    Params::of(request, &[])?;
    let body = app
        .act(caller, move |engine, actor| {
            admin(engine, actor)?;
            input.value.put(engine, actor).map_err(Problem::from)?;
            Ok(json!(Schedule::of(engine).map_err(Problem::from)?))
        })
        .await?;
    Ok(ok(&body))
}
