//! What every handler shares: the engine, the limits, the figures. Holds no business rule and no state that must survive a restart.

use std::sync::{Arc, atomic::AtomicI64};

use kith_backup::Backups;
use kith_engine::{Actor, Command, CommitOptions, Engine, EngineError, Here, Record};
use kith_plugin_host::{Hosted, Plugins, compile::Compiler, http::HttpClient};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
};

use crate::{
    extract::Caller,
    limit::{Limiter, Rate},
    metrics::Metrics,
    problem::Problem,
};

/// What the server can be told besides where to listen.
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// Requests per caller; none: unlimited, for a vault that only this machine reaches.
    pub rate: Option<Rate>,
    /// A proxy in front sets `X-Forwarded-For`; its last entry is the client's address.
    pub behind_proxy: bool,
}

impl Default for AppOptions {
    fn default() -> Self {
        AppOptions { rate: Some(Rate::default()), behind_proxy: false }
    }
}

/// Shared by all requests.
pub struct App {
    pub engine: Engine,
    pub options: AppOptions,
    pub metrics: Metrics,
    pub limiter: Option<Limiter>,
    /// Live streams open now.
    pub streams: AtomicI64,
    /// Changes whenever a session ends, so that its live streams end with it.
    pub session_ended: watch::Sender<u64>,
    /// Turns for imports in the background.
    pub imports: Arc<Semaphore>,
    pub backups: Backups,
    pub plugins: Arc<Plugins>,
    /// What they offer to people.
    pub hosted: Hosted,
    /// True once the server stops: live streams end, new imports are refused.
    pub stopping: watch::Sender<bool>,
}

impl App {
    /// Called within the runtime that serves it: plugins reach the network from there.
    pub fn new(engine: Engine, options: AppOptions) -> Arc<App> {
        let limiter = options.rate.map(Limiter::new);
        let plugins = Plugins::open(engine.clone(), Compiler::new(), HttpClient::new(), Handle::current());
        Arc::new(App {
            backups: Backups::new(engine.clone()),
            hosted: Hosted::new(plugins.services.clone(), plugins.loaded.clone()),
            plugins,
            engine,
            options,
            metrics: Metrics::new(),
            limiter,
            streams: AtomicI64::new(0),
            session_ended: watch::Sender::new(0),
            imports: crate::api::imports::turns(),
            stopping: watch::Sender::new(false),
        })
    }

    /// Finds out who calls and runs `work` for them, away from the async runtime: the engine's calls block.
    ///
    /// # Errors
    /// `auth.required` when nobody is behind the request; otherwise what `work` says.
    pub async fn act<T: Send + 'static>(
        &self,
        caller: Caller,
        work: impl FnOnce(&Engine, &Actor) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let engine = self.engine.clone();
        blocking(move || {
            let actor = caller.actor(&engine)?;
            work(&engine, &actor)
        })
        .await
    }

    /// Runs commands for the caller and makes the answer of what became of them. Few commands are prepared right here and awaited: the
    /// way to another thread and back costs more than they do.
    ///
    /// # Errors
    /// `auth.required` when nobody is behind the request; otherwise what `shape` says.
    pub async fn change<T: Send + 'static>(
        &self,
        caller: Caller,
        commands: Vec<Command>,
        options: CommitOptions,
        shape: impl FnOnce(&Engine, &Actor, Result<Vec<Record>, EngineError>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (commands, options) = match caller.actor_here(&self.engine)? {
            Some(actor) => match self.engine.execute_here(&actor, commands, options).await {
                Here::Done(outcome) => return shape(&self.engine, &actor, outcome),
                Here::Elsewhere(commands, options) => (commands, options),
            },
            None => (commands, options),
        };
        self.act(caller, move |engine, actor| shape(engine, actor, engine.execute(actor, commands, options))).await
    }
}

/// Runs what blocks on a thread made for it. A panic there becomes a fault of ours, not a lost connection.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Problem::internal(error)))
}
