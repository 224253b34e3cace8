//! Live changes as server-sent events: resumes where a client left off, shows each actor only what it may read, and ends when
//! the session does. Keeps no state between connections; the journal is the memory.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use kith_engine::ChangeEvent;
use poem::{
    IntoResponse, Request, Response, Result, handler,
    web::sse::{Event, SSE},
};
use serde_json::json;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use super::{State, time};
use crate::{
    app::{App, blocking},
    extract::{Caller, Params},
    problem::Problem,
};

/// Proxies close what is silent for a minute; this stays well below.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// Events on their way to one client. One that lets so many pile up is served from the journal when it comes back.
pub(super) const WAITING_MAX: usize = 64;

/// A client that takes nothing for this long is dropped.
pub(super) const SLOW_AFTER: Duration = Duration::from_secs(20);

/// Streams open at a time; each holds a connection and a task.
const STREAMS_MAX: i64 = 5_000;

/// Events read from the journal at a time while catching up.
const CATCH_UP_EVENTS: usize = 25;

#[handler]
pub async fn stream(app: State<'_>, caller: Caller, request: &Request) -> Result<Response> {
    let params = Params::of(request, &["last_event_id"])?;
    // A browser's EventSource cannot set the header on its first request, so the query does as well.
    let last = request.header("last-event-id").or(params.text("last_event_id"));
    let last = last
        .map(|text| text.parse::<u64>().map_err(|_| Problem::request("Last-Event-ID must be the number of an event")))
        .transpose()?;
    let caller = Arc::new(caller);
    let engine = app.engine.clone();
    // Subscribed before the head is read: nothing falls in between.
    let live = engine.subscribe();
    let who = caller.clone();
    let head = blocking(move || who.actor(&engine).map(|_| engine.head())).await?;
    let open = Open::new(&app)?;
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let feed = Feed { app: (*app).clone(), caller, sender, next: last.map_or(head, |last| last.min(head)) + 1 };
    tokio::spawn(async move {
        let _open = open;
        feed.run(live, head).await;
    });
    Ok(SSE::new(ReceiverStream::new(receiver)).keep_alive(HEARTBEAT).into_response())
}

/// Counts an open stream for as long as it lives.
pub(super) struct Open(Arc<App>);

impl Open {
    pub fn new(app: &Arc<App>) -> Result<Open, Problem> {
        let open = Open(app.clone());
        if open.0.streams.fetch_add(1, Ordering::Relaxed) >= STREAMS_MAX {
            return Err(
                Problem::new("rate.limited", "too many live streams are open; close some pages").retry_after(30)
            );
        }
        Ok(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a stream ends.
pub(super) struct Ended;

/// What runs behind one stream.
struct Feed {
    app: Arc<App>,
    caller: Arc<Caller>,
    sender: mpsc::Sender<Event>,
    /// Number of the first entry that the client does not have.
    next: u64,
}

impl Feed {
    async fn run(mut self, mut live: broadcast::Receiver<Arc<ChangeEvent>>, head: u64) {
        // The first word carries a number, so that even a client that saw no change resumes in the right place.
        let ready = Event::message(json!({ "seq": self.next - 1 }).to_string())
            .event_type("ready")
            .id((self.next - 1).to_string());
        if self.send(ready).await.is_err() || self.catch_up(head).await.is_err() {
            return;
        }
        let mut stopping = self.app.stopping.subscribe();
        let mut ended = self.app.session_ended.subscribe();
        loop {
            let step = tokio::select! {
                () = self.sender.closed() => Err(Ended),
                () = stopped(&mut stopping) => Err(Ended),
                _ = ended.changed() => self.deliver(Vec::new()).await,
                () = tokio::time::sleep(HEARTBEAT) => self.deliver(Vec::new()).await,
                got = live.recv() => match got {
                    Ok(event) => self.deliver(gather(event, &mut live)).await,
                    Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up(self.app.engine.head()).await,
                    Err(broadcast::error::RecvError::Closed) => Err(Ended),
                },
            };
            if step.is_err() {
                return;
            }
        }
    }

    /// Sends what the actor may see of these events. Looks the actor up anew each time: rights change and sessions end.
    async fn deliver(&mut self, events: Vec<Arc<ChangeEvent>>) -> Result<(), Ended> {
        let (engine, caller, next) = (self.app.engine.clone(), self.caller.clone(), self.next);
        let newest = events.last().map_or(0, |event| event.seq);
        let visible = blocking(move || {
            let actor = caller.actor(&engine)?;
            let fresh = events.iter().filter(|event| event.seq >= next);
            Ok(fresh.filter_map(|event| engine.visible(&actor, event)).collect::<Vec<ChangeEvent>>())
        });
        for event in visible.await.map_err(|_| Ended)? {
            self.tell(&event).await?;
        }
        self.next = self.next.max(newest + 1);
        Ok(())
    }

    /// Reads from the journal what the client missed, up to `head`.
    async fn catch_up(&mut self, head: u64) -> Result<(), Ended> {
        while self.next <= head {
            let (engine, caller, next) = (self.app.engine.clone(), self.caller.clone(), self.next);
            let read = blocking(move || {
                let actor = caller.actor(&engine)?;
                Ok(engine.events_from(&actor, next - 1, CATCH_UP_EVENTS)?)
            });
            let events = read.await.map_err(|_| Ended)?;
            for event in &events {
                self.tell(event).await?;
            }
            // Fewer than asked for: the rest up to `head` holds nothing for this actor.
            let newest = events.last().map_or(0, |event| event.seq);
            self.next = if events.len() == CATCH_UP_EVENTS { newest } else { newest.max(head) } + 1;
        }
        Ok(())
    }

    async fn tell(&self, event: &ChangeEvent) -> Result<(), Ended> {
        let id = event.seq.to_string();
        if !event.changes.is_empty() {
            let body =
                json!({ "seq": event.seq, "at": time(event.at), "actor": &*event.actor, "changes": event.changes });
            self.send(Event::message(body.to_string()).event_type("change").id(id.clone())).await?;
        }
        if let Some(revision) = event.schema {
            let body = json!({ "revision": revision });
            self.send(Event::message(body.to_string()).event_type("schema").id(id)).await?;
        }
        Ok(())
    }

    async fn send(&self, event: Event) -> Result<(), Ended> {
        self.sender.send_timeout(event, SLOW_AFTER).await.map_err(|_| Ended)
    }
}

/// The event with those that already wait behind it: one look-up of the actor serves them all.
fn gather(first: Arc<ChangeEvent>, live: &mut broadcast::Receiver<Arc<ChangeEvent>>) -> Vec<Arc<ChangeEvent>> {
    let mut events = vec![first];
    while events.len() < WAITING_MAX {
        // A lag shows again at the next `recv`, which then reads the journal.
        let Ok(event) = live.try_recv() else { break };
        events.push(event);
    }
    events
}

/// Ready once the server stops. Its own function: the lock inside the channel must not be held while others wait.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is the same.
    let _ = stopping.wait_for(|stopping| *stopping).await.map(drop);
}
