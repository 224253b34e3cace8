//! A plugin's log, its calls and what it asks of the host, live, as server-sent events for administrators. Keeps nothing: who comes late or falls
//! behind sees what is kept elsewhere, and how much was missed.

use std::sync::Arc;

use kith_plugin_host::watch::{Line, Live};
use poem::{
    IntoResponse, Request, Response, Result, handler,
    web::{
        Path,
        sse::{Event, SSE},
    },
};
use serde_json::json;
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    State,
    events::{Ended, HEARTBEAT, Open, SLOW_AFTER, WAITING_MAX, stopped},
};
use crate::{
    app::{App, blocking},
    extract::{Caller, Params},
    problem::Problem,
};

#[handler]
pub async fn stream(app: State<'_>, caller: Caller, request: &Request, Path(id): Path<String>) -> Result<Response> {
    let history = Params::of(request, &["history"])?.flag("history", false)?;
    let caller = Arc::new(caller);
    let (lines, live) = {
        let app = app.clone();
        allowed(&app, &caller).await?;
        blocking(move || {
            app.plugins.installed(&id)?;
            Ok(app.plugins.watch(&id).follow())
        })
        .await?
    };
    let open = Open::new(&app)?;
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let feed = Feed { app: (*app).clone(), caller, sender };
    tokio::spawn(async move {
        let _open = open;
        feed.run(if history { lines } else { Vec::new() }, live).await;
    });
    Ok(SSE::new(ReceiverStream::new(receiver)).keep_alive(HEARTBEAT).into_response())
}

async fn allowed(app: &Arc<App>, caller: &Arc<Caller>) -> Result<(), Problem> {
    let (app, caller) = (app.clone(), caller.clone());
    blocking(move || Ok(app.plugins.allowed(&caller.actor(&app.engine)?)?)).await
}

struct Feed {
    app: Arc<App>,
    caller: Arc<Caller>,
    sender: mpsc::Sender<Event>,
}

impl Feed {
    async fn run(self, lines: Vec<Line>, mut live: broadcast::Receiver<Live>) {
        // Said at once: whoever waits for it misses nothing that comes after.
        if self.send("ready", json!({})).await.is_err() {
            return;
        }
        for line in lines {
            if self.tell(Live::Line(line)).await.is_err() {
                return;
            }
        }
        let mut stopping = self.app.stopping.subscribe();
        let mut ended = self.app.session_ended.subscribe();
        // Asked again now and then, however much there is to tell: rights change and sessions end.
        let mut look = tokio::time::interval(HEARTBEAT);
        loop {
            let step = tokio::select! {
                () = self.sender.closed() => Err(Ended),
                () = stopped(&mut stopping) => Err(Ended),
                _ = ended.changed() => self.still_allowed().await,
                _ = look.tick() => self.still_allowed().await,
                got = live.recv() => match got {
                    Ok(event) => self.tell(event).await,
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        self.send("missed", json!({ "count": missed })).await
                    }
                    // The plugin is gone.
                    Err(broadcast::error::RecvError::Closed) => Err(Ended),
                },
            };
            if step.is_err() {
                return;
            }
        }
    }

    async fn still_allowed(&self) -> Result<(), Ended> {
        allowed(&self.app, &self.caller).await.map_err(|_| Ended)
    }

    async fn tell(&self, live: Live) -> Result<(), Ended> {
        let (kind, body) = live.to_json();
        self.send(kind, body).await
    }

    async fn send(&self, kind: &str, body: serde_json::Value) -> Result<(), Ended> {
        let event = Event::message(body.to_string()).event_type(kind);
        self.sender.send_timeout(event, SLOW_AFTER).await.map_err(|_| Ended)
    }
}
