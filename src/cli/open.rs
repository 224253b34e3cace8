//! Wires the layers into an engine, in one place, and finds the way to a vault: through a running server, or by opening it here.

use std::{path::Path, sync::Arc};

use kith_base::SystemClock;
use kith_engine::{Engine, EngineOptions};
use kith_server::client::LocalClient;
use kith_store::{Files, OpenOptions, Store, Vault};

use super::{CliError, Common, Outcome, secrets};

/// Name of the socket in the data folder.
pub const SOCKET: &str = "kith.sock";

/// Opens a vault that is already unlocked. Says what had to be repaired; `progress` gets the records read so far.
pub fn engine(data: &Path, vault: &Vault, progress: &mut dyn FnMut(u64)) -> Outcome<Engine> {
    let (store, report) = Store::open(data, vault, OpenOptions::default())?;
    for note in &report.notes {
        eprintln!("kith: {note}");
    }
    engine_on(data, vault, store, progress)
}

/// The engine on a store that is open.
pub fn engine_on(data: &Path, vault: &Vault, store: Store, progress: &mut dyn FnMut(u64)) -> Outcome<Engine> {
    let files = Files::open(data, vault)?;
    let options = EngineOptions {
        clock: Arc::new(SystemClock),
        builtins: [kith_crm::objects(), kith_plugin_host::objects()].concat(),
        actions: kith_crm::actions(),
        hooks: kith_crm::hooks(),
        seeds: kith_crm::seeds(),
        ..EngineOptions::default()
    };
    Ok(Engine::open(Arc::new(store), Arc::new(files), options, progress)?)
}

/// Work that blocks, away from the async threads.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Outcome<T> + Send + 'static) -> Outcome<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(CliError::failed("internal", format!("the work broke off: {error}"))))
}

/// A way to the vault. `close` it when done: without a server that is what makes everything durable and tidy.
pub struct Session {
    pub client: LocalClient,
    engine: Option<Engine>,
}

impl Session {
    /// Beside a running server when there is one, else by opening the vault here.
    pub async fn start(common: &Common) -> Outcome<Session> {
        let socket = common.data.join(SOCKET);
        if LocalClient::is_served(&socket).await {
            return Ok(Session { client: LocalClient::beside(socket), engine: None });
        }
        let asked = common.clone();
        let engine = blocking(move || {
            let vault = Vault::unlock(&asked.data, &secrets::unlock(&asked)?)?;
            engine(&asked.data, &vault, &mut |_| {})
        })
        .await?;
        Ok(Session { client: LocalClient::inside(engine.clone()), engine: Some(engine) })
    }

    pub async fn close(self) -> Outcome {
        match self.engine {
            Some(engine) => blocking(move || Ok(engine.close()?)).await,
            None => Ok(()),
        }
    }
}

/// Runs `work` with a session and closes it, whatever `work` says.
pub async fn with<T>(common: &Common, work: impl AsyncFnOnce(&LocalClient) -> Outcome<T>) -> Outcome<T> {
    let session = Session::start(common).await?;
    let outcome = work(&session.client).await;
    let closed = session.close().await;
    let value = outcome?;
    closed?;
    Ok(value)
}
