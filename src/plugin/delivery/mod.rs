//! `after-commit`: each plugin reads the journal from a cursor of its own, at least once and in order per record. What fails is parked as a
//! record and tried again later, with all that follows on the same record behind it; the cursor goes on, so one bad event holds up nothing else.

pub mod parked;
mod step;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::watch, task::JoinHandle};

use crate::{services::Services, set::Loaded};

pub use parked::{Failure, dismiss, failures, replay};

/// How often plugins come and go is looked at, and what is parked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The name of a plugin's cursor in the store.
pub(crate) fn cursor(plugin: &str) -> String {
    format!("plugin/{plugin}/events")
}

/// Delivers to all loaded plugins until it is dropped. Each has a task of its own, so a slow one delays no other.
pub struct Delivery {
    supervisor: JoinHandle<()>,
    closing: watch::Sender<bool>,
    workers: Arc<Mutex<BTreeMap<String, JoinHandle<()>>>>,
}

impl Delivery {
    pub fn start(services: Arc<Services>, loaded: Arc<Loaded>) -> Delivery {
        let (closing, closes) = watch::channel(false);
        let workers: Arc<Mutex<BTreeMap<String, JoinHandle<()>>>> = Arc::default();
        let tokio = services.tokio.clone();
        let supervisor = tokio.spawn(supervise(services, loaded, workers.clone(), closes));
        Delivery { supervisor, closing, workers }
    }

    /// Ends after the calls under way. What they had not finished comes again at the next start.
    pub async fn stop(self) {
        self.closing.send_replace(true);
        drop(self.supervisor.await);
        let workers = std::mem::take(&mut *self.workers.lock());
        for (_, worker) in workers {
            drop(worker.await);
        }
    }
}

async fn supervise(
    services: Arc<Services>,
    loaded: Arc<Loaded>,
    workers: Arc<Mutex<BTreeMap<String, JoinHandle<()>>>>,
    mut closes: watch::Receiver<bool>,
) {
    let mut events = services.engine.subscribe();
    let (news, hears) = watch::channel(0_u64);
    loop {
        {
            let mut workers = workers.lock();
            workers.retain(|_, worker| !worker.is_finished());
            for plugin in loaded.all().iter().filter(|plugin| plugin.manifest.events.is_some()) {
                workers.entry(plugin.id.clone()).or_insert_with(|| {
                    let work = work(services.clone(), loaded.clone(), plugin.id.clone(), hears.clone(), closes.clone());
                    services.tokio.spawn(work)
                });
            }
        }
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => {
                    news.send_replace(event.seq);
                }
                // Lagging behind is no loss: workers read the journal.
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {
                    news.send_modify(|seq| *seq += 1);
                }
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            },
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = closes.changed() => return,
        }
    }
}

/// One plugin's reader, until the plugin is no longer loaded.
async fn work(
    services: Arc<Services>,
    loaded: Arc<Loaded>,
    id: String,
    mut news: watch::Receiver<u64>,
    mut closes: watch::Receiver<bool>,
) {
    while !*closes.borrow() {
        let Some(plugin) = loaded.get(&id).filter(|plugin| plugin.manifest.events.is_some()) else { return };
        news.mark_unchanged();
        let asked = services.clone();
        let step = tokio::task::spawn_blocking(move || step::step(&asked, &plugin)).await;
        let wait = match step {
            Ok(Ok(step::Step::More)) => continue,
            Ok(Ok(step::Step::Idle)) => LOOK_EVERY,
            Ok(Err(error)) => {
                tracing::error!(plugin = id, code = error.code(), "events cannot be delivered");
                LOOK_EVERY * 10
            }
            // A panic was reported by the runtime.
            Err(_) => LOOK_EVERY * 10,
        };
        tokio::select! {
            _ = news.changed() => {}
            () = tokio::time::sleep(wait) => {}
            _ = closes.changed() => {}
        }
    }
}
