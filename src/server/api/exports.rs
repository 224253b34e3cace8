//! Exports: records as a file that is written while it is sent. What may be carried out is decided below.

use std::io::{self, Write};

use hyper::body::Bytes;
use kith_exchange::{
    ExchangeError,
    export::{self, ExportFormat, ExportOptions},
};
use poem::{Body, Request, Response, Result, handler, http::header, web::Path};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    State,
    records::sort_key,
    upload::{PieceWriter, attachment},
};
use crate::{
    app::blocking,
    extract::{Caller, Params},
    problem::Problem,
};

/// Pieces of 64 KiB on their way to the client.
const PIECES: usize = 8;

#[handler]
pub async fn stream(app: State<'_>, caller: Caller, Path(object): Path<String>, request: &Request) -> Result<Response> {
    let params = Params::of(request, &["format", "filter", "q", "fields", "sort", "bom"])?;
    let format: ExportFormat = params.text("format").unwrap_or("csv").parse().map_err(Problem::from)?;
    let options = ExportOptions {
        object,
        format,
        filter: params.string("filter"),
        q: params.string("q"),
        fields: params.list("fields").unwrap_or_default(),
        sort: params.list("sort").unwrap_or_default().iter().map(|key| sort_key(key)).collect(),
        bom: params.flag("bom", false)?,
    };
    let name = format!("{}.{}", options.object, format.extension());
    let engine = app.engine.clone();
    let work = move |out: &mut dyn Write| {
        let actor = caller.actor(&engine)?;
        export::write(&engine, &actor, &options, out).map(|_| ()).map_err(Problem::from)
    };
    sent(format.content_type(), &name, work).await
}

/// A file that is written while it is sent, on a thread that may block. What `work` refuses before its first byte is a refusal.
pub(super) async fn sent<W>(content_type: &str, name: &str, work: W) -> Result<Response>
where
    W: FnOnce(&mut dyn Write) -> Result<(), Problem> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(PIECES);
    let (begun, began) = oneshot::channel();
    tokio::spawn(blocking(move || {
        let mut out = Begun { writer: PieceWriter::new(sender), begun: Some(begun) };
        let done = work(&mut out).and_then(|()| Ok(out.flush().map_err(ExchangeError::Output)?));
        match (done, out.begun.take()) {
            (Ok(()), Some(begun)) => drop(begun.send(Ok(()))),
            (Err(problem), Some(begun)) => drop(begun.send(Err(problem))),
            // Too late for a refusal: the answer breaks off instead of looking complete.
            (Err(problem), None) => out.writer.fail(problem.code()),
            (Ok(()), None) => {}
        }
        Ok(())
    }));
    // The first byte comes after all checks, so a refusal is still a refusal.
    began.await.unwrap_or_else(|_| Err(Problem::internal("an export ended without a word")))?;
    Ok(Response::builder()
        .content_type(content_type)
        .header(header::CONTENT_DISPOSITION, attachment(name))
        .body(Body::from_bytes_stream(ReceiverStream::new(receiver))))
}

/// A writer that tells when its first byte was written.
struct Begun {
    writer: PieceWriter,
    begun: Option<oneshot::Sender<Result<(), Problem>>>,
}

impl Write for Begun {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        if let Some(begun) = self.begun.take() {
            // A client that is gone shows at the next piece.
            let _ = begun.send(Ok(()));
        }
        self.writer.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
