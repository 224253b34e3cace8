//! What the host works with, one for all plugins.

use std::sync::Arc;

use kith_engine::Engine;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::http::HttpClient;

pub struct Services {
    pub engine: Engine,
    pub http: Arc<HttpClient>,
    /// Where host functions that wait for the network do so; guests run on blocking threads.
    pub tokio: Handle,
    /// Held while a trace is kept or dropped, so that two do not take the same place.
    pub(crate) tracing: Mutex<()>,
}
