//! Imports: a look at a file first, then a job in the background that can be asked about and undone. What a file means is decided
//! below; this carries the file there without letting it touch the disk in the clear.

use std::sync::Arc;

use kith_exchange::{
    ExchangeError,
    import::{self, ImportOptions},
};
use kith_plugin_host::Asker;
use poem::{
    Response, Result, handler,
    http::{StatusCode, header},
    web::{Multipart, Path},
};
use serde_json::{Value as Json, json};

use super::{
    State, answer, ok, pulled,
    upload::{self, attachment},
};
use crate::{
    app::{App, blocking},
    extract::{Caller, Languages, parse, record_id},
    problem::Problem,
};

/// Bytes of a file to import: it is held in memory, since it must not lie on the disk unencrypted. Some 300,000 contacts.
const IMPORT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Imports at a time; each holds its file in memory and keeps a processor busy.
const IMPORTS_MAX: usize = 4;

#[handler]
pub async fn start(app: State<'_>, caller: Caller, mut form: Multipart) -> Result<Response> {
    // Before the file is taken in: a stranger's 64 MB are not read.
    let actor = app.act(caller, |_, actor| Ok(actor.clone())).await?;
    let turn = app.imports.clone().try_acquire_owned().map_err(|_| {
        Problem::new("rate.limited", format!("{IMPORTS_MAX} imports are running; wait for one to end")).retry_after(10)
    })?;
    let (mut options, content, importer) = read(&mut form).await?;
    let content = match importer {
        None => content,
        Some(importer) => {
            let hosted = app.hosted.clone();
            let (actor, content) = (actor.clone(), content.clone());
            let mut asked = options.clone();
            let (pulled, of) = blocking(move || {
                let pulled = pulled::pull(&hosted, &actor, &importer, &content, &mut asked)?;
                Ok((pulled, asked))
            })
            .await?;
            options = of;
            Arc::new(pulled)
        }
    };
    if options.dry_run {
        let engine = app.engine.clone();
        let found = blocking(move || Ok(import::inspect(&engine, &actor, &content, &options)?)).await?;
        return Ok(ok(&json!(found)));
    }
    if *app.stopping.borrow() {
        return Err(Problem::new("store.closing", "the server is stopping; import again when it is back")
            .retry_after(10)
            .into());
    }
    options.dry_run = false;
    let engine = app.engine.clone();
    let announced = {
        let (engine, actor, content, options) = (engine.clone(), actor.clone(), content.clone(), options.clone());
        blocking(move || Ok(import::start(&engine, &actor, &content, &options)?)).await?
    };
    let id = announced.id;
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        match import::carry_out(&engine, &actor, announced, &content, &options, &mut |_| {}) {
            Ok(report) => tracing::info!(
                rows = report.rows,
                created = report.created,
                refused = report.refused,
                "an import is done"
            ),
            // The import's own record says it to the person; the code is enough here.
            Err(error) => tracing::warn!(code = error.code(), "an import failed"),
        }
    });
    Ok(answer(StatusCode::ACCEPTED, &json!({ "id": id })))
}

/// How many imports may run at a time.
pub fn turns() -> Arc<tokio::sync::Semaphore> {
    Arc::new(tokio::sync::Semaphore::new(IMPORTS_MAX))
}

async fn read(form: &mut Multipart) -> Result<(ImportOptions, Arc<Vec<u8>>, Option<String>), Problem> {
    let (mut options, mut content, mut name, mut importer) = (ImportOptions::default(), None, None, None);
    while let Some(part) = upload::next(form).await? {
        match part.name().unwrap_or_default() {
            "options" => options = parse_options(&upload::text(part).await?)?,
            "importer" => importer = Some(upload::text(part).await?).filter(|name| !name.trim().is_empty()),
            "file" => {
                name =
                    part.file_name().map(|name| name.chars().filter(|c| !c.is_control()).take(200).collect::<String>());
                content = Some(upload::bytes(part, IMPORT_BYTES_MAX, "import.too_large").await?);
            }
            other => {
                let shown: String = other.chars().take(40).collect();
                return Err(Problem::request(format!(
                    "the form has a part '{shown}'; it may have 'options', 'importer' and 'file'"
                )));
            }
        }
    }
    options.file_name = options.file_name.or(name).filter(|name| !name.is_empty());
    let content = content.ok_or_else(|| Problem::request("the form has no part named 'file'"))?;
    Ok((options, Arc::new(content), importer))
}

/// Options as a client sends them: what is null is not said.
fn parse_options(text: &str) -> Result<ImportOptions, Problem> {
    let mut json: Json = parse(text.as_bytes())?;
    if let Some(map) = json.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    serde_json::from_value(json).map_err(|error| Problem::request(format!("'options' does not fit: {error}")))
}

/// The importers of plugins that the caller may use.
#[handler]
pub async fn importers(app: State<'_>, caller: Caller, Languages(languages): Languages) -> Result<Response> {
    let hosted = app.hosted.clone();
    let body = app
        .act(caller, move |_, actor| {
            let asker = Asker { actor: actor.clone(), languages };
            Ok(json!({ "items": kith_plugin_host::importers::list(&hosted, &asker) }))
        })
        .await?;
    Ok(ok(&body))
}

#[handler]
pub async fn show(app: State<'_>, caller: Caller, Path(id): Path<String>) -> Result<Response> {
    let body = app.act(caller, move |engine, actor| Ok(import::status(engine, actor, import_id(&id)?)?)).await?;
    Ok(ok(&body))
}

fn import_id(text: &str) -> Result<kith_base::RecordId, Problem> {
    record_id("imports", text).map_err(|_| ExchangeError::NotFound.into())
}

#[handler]
pub async fn refused(app: State<'_>, caller: Caller, Path(id): Path<String>) -> Result<Response> {
    let rows = app
        .act(caller, move |engine, actor| {
            let rows = import::refused(engine, actor, import_id(&id)?)?;
            rows.ok_or_else(|| Problem::new("import.not_found", "no row of this import was refused or lost anything"))
        })
        .await?;
    Ok(Response::builder()
        .content_type("text/csv; charset=utf-8")
        .header(header::CONTENT_DISPOSITION, attachment("refused.csv"))
        .body(rows))
}

#[handler]
pub async fn undo(app: State<'_>, caller: Caller, Path(id): Path<String>) -> Result<Response> {
    let body = app.act(caller, move |engine, actor| undone(engine, actor, &id)).await?;
    Ok(ok(&body))
}

fn undone(engine: &kith_engine::Engine, actor: &kith_engine::Actor, id: &str) -> Result<Json, Problem> {
    let id = import_id(id)?;
    let report = import::undo(engine, actor, id, &mut |_| {})?;
    let mut body = import::status(engine, actor, id)?;
    body["undo"] = json!(report);
    Ok(body)
}

impl App {
    /// Imports that were running when the process ended last time are failed, and can be undone.
    pub async fn settle_imports(&self) {
        let engine = self.engine.clone();
        let settled = blocking(move || Ok(import::mark_interrupted(&engine)?)).await;
        match settled {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "imports were interrupted; they are marked as failed and can be undone"),
            Err(problem) => tracing::warn!(code = problem.code(), "interrupted imports could not be marked"),
        }
    }
}
