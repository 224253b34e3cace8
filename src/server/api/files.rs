//! Attachments: content streams straight into the vault's encrypted files and out of them; what is known of a file is a record.

use std::io::{self, Read, Seek, Write};

use hyper::body::Bytes;
use kith_base::RecordId;
use kith_engine::{Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields, Op};
use kith_model::Value;
use kith_store::StoredFile;
use poem::{
    Body, Request, Response, Result, handler,
    http::{HeaderValue, StatusCode, header},
    web::{Field, Multipart, Path},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    State, record,
    upload::{self, PieceReader, PieceWriter, attachment},
};
use crate::{
    app::{App, blocking},
    extract::{Caller, Params, record_id},
    problem::Problem,
};

/// Bytes of one attachment. Larger ones belong on a file server.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Pieces of 64 KiB on their way between the connection and the disk.
const PIECES: usize = 4;

/// Characters of a file's name that are kept.
const NAME_CHARS_MAX: usize = 200;

/// Characters of a content type that are kept.
const KIND_CHARS_MAX: usize = 100;

#[handler]
pub async fn receive(app: State<'_>, caller: Caller, request: &Request, mut form: Multipart) -> Result<Response> {
    let params = Params::of(request, &["object", "record"])?;
    let about = match (params.string("object"), params.text("record")) {
        (None, None) => None,
        (Some(object), Some(id)) => Some((record_id(&object, id)?, object)),
        _ => return Err(Problem::request("name both 'object' and 'record', or neither").into()),
    };
    let cause = caller.cause();
    let target = about.as_ref().map(|(id, _)| *id);
    // Before a byte is taken in: a refusal after an upload of minutes helps nobody.
    let actor = app
        .act(caller, move |engine, actor| {
            if let Some((id, object)) = &about {
                engine.get(actor, object, *id)?;
            }
            if engine.can(actor, "files", Op::Create) {
                return Ok(actor.clone());
            }
            Err(EngineError::AccessDenied("you may not attach files; ask an administrator".into()).into())
        })
        .await?;
    let part = upload::next(&mut form).await?.filter(|part| part.name() == Some("file"));
    let part = part.ok_or_else(|| Problem::request("the form must have one part, named 'file'"))?;
    let (incoming, stored) = store(&app, part).await?;
    let engine = app.engine.clone();
    let body = blocking(move || {
        let made = note(&engine, &actor, cause, &stored, &incoming, target);
        if made.is_err() {
            // Nothing points at the content; the error to tell is the first one.
            let _ = engine.files().remove(&stored.name);
        }
        made.map(|made| engine.to_json(&actor, &made))
    })
    .await?;
    Ok(record(StatusCode::CREATED, &body))
}

/// What the client calls a file.
struct Incoming {
    name: String,
    kind: String,
}

/// Streams a part into the vault's files.
async fn store(app: &App, part: Field) -> Result<(Incoming, StoredFile), Problem> {
    let name: String =
        part.file_name().unwrap_or_default().chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    let name = if name.trim().is_empty() { "file".to_string() } else { name };
    let kind = part.content_type().unwrap_or("application/octet-stream").chars().take(KIND_CHARS_MAX).collect();
    let (sender, receiver) = mpsc::channel(PIECES);
    let engine = app.engine.clone();
    let storing =
        tokio::task::spawn_blocking(move || engine.files().put(&mut PieceReader::new(receiver), FILE_BYTES_MAX));
    let poured = upload::pour(part, sender).await;
    let stored = storing.await.map_err(Problem::internal)?;
    poured?;
    Ok((Incoming { name, kind }, stored.map_err(EngineError::Store)?))
}

/// The record that stands for a stored file.
fn note(
    engine: &Engine,
    actor: &Actor,
    cause: Cause,
    stored: &StoredFile,
    incoming: &Incoming,
    about: Option<RecordId>,
) -> Result<kith_engine::Record, Problem> {
    let sha256: String = stored.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let values = vec![
        ("name".to_string(), Value::Text(incoming.name.clone())),
        ("media_type".to_string(), Value::Text(incoming.kind.clone())),
        ("size_bytes".to_string(), Value::Int(i64::try_from(stored.size_bytes).unwrap_or(i64::MAX))),
        ("sha256".to_string(), Value::Text(sha256)),
        ("content".to_string(), Value::Text(stored.name.clone())),
        ("about".to_string(), about.map_or(Value::Null, Value::Link)),
    ];
    let command = Command::Create { object: "files".into(), id: None, values: Fields::Parsed(values) };
    let mut made = engine.execute(actor, vec![command], CommitOptions::caused_by(cause))?;
    made.pop().ok_or_else(|| Problem::internal("a stored file has no record"))
}

#[handler]
pub async fn content(app: State<'_>, caller: Caller, Path(id): Path<String>) -> Result<Response> {
    let (mut reader, name, kind, size) = app
        .act(caller, move |engine, actor| {
            let found = engine.get(actor, "files", record_id("files", &id)?)?;
            let schema = engine.schema();
            let object = schema.object("files").ok_or_else(|| Problem::internal("there is no object 'files'"))?;
            let text = |key: &str| match object.field(key).map(|field| found.values.get(field.id)) {
                Some(Value::Text(text)) => text.clone(),
                _ => String::new(),
            };
            let mut reader = engine.files().read(&text("content")).map_err(EngineError::Store)?;
            let size = reader.seek(io::SeekFrom::End(0)).and_then(|size| reader.rewind().map(|()| size));
            Ok((reader, text("name"), text("media_type"), size.map_err(Problem::internal)?))
        })
        .await?;
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(PIECES);
    tokio::task::spawn_blocking(move || {
        let mut writer = PieceWriter::new(sender);
        if let Err(error) = copy(&mut reader, &mut writer) {
            writer.fail(&error.to_string());
        }
    });
    let kind = HeaderValue::from_str(&kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    Ok(Response::builder()
        .header(header::CONTENT_TYPE, kind)
        .header(header::CONTENT_LENGTH, size)
        .header(header::CONTENT_DISPOSITION, attachment(&name))
        .header(header::CACHE_CONTROL, "private, no-cache")
        .body(Body::from_bytes_stream(ReceiverStream::new(receiver))))
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    io::copy(from, to)?;
    to.flush()
}
