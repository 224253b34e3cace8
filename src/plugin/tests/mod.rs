//! The host with real guests: the fixtures of `plugins/`, on an engine without a disk.

mod crash;
mod doing;
mod dropping;
mod events;
mod harm;
mod http;
mod kept;
mod other_side;
mod saving;
mod traces;
mod zoo;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use kith_base::{Clock, FixedClock, RecordId, SystemClock};
use kith_engine::{Actor, Command, CommitOptions, Engine, EngineError, EngineOptions, Fields, Query, Record};
use kith_store::{Files, MemoryStore, Vault};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::runtime::Runtime as Tokio;

use crate::{
    Plugins,
    compile::Compiler,
    http::HttpClient,
    install::Consent,
    kept::{Kept, Space},
};

/// An engine with plugins. Ends what runs when it is dropped.
pub struct Bench {
    pub engine: Engine,
    pub plugins: Arc<Plugins>,
    tokio: Tokio,
    _dir: TempDir,
}

/// The file of a fixture; none where no compiler for WebAssembly could be had, which `cargo xtask test` says.
pub fn fixture(name: &str) -> Option<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let file = target.join("plugins").join(format!("{name}.wasm"));
    let content = std::fs::read(&file).ok();
    if content.is_none() {
        eprintln!("left out: {} is missing; 'cargo xtask plugins' builds it", file.display());
    }
    content
}

/// A fixture whose manifest says something else in one place.
pub fn changed(name: &str, from: &str, to: &str) -> Option<Vec<u8>> {
    let file = fixture(name)?;
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(name).join("plugin.toml");
    let manifest = std::fs::read_to_string(path).unwrap();
    assert!(manifest.contains(from), "{name} says nothing of {from}");
    Some(crate::package::componentize(&file, &manifest.replacen(from, to, 1), None).unwrap())
}

/// A clock that stands until the test moves it.
pub fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(SystemClock.now_ms()))
}

pub fn creation(object: &str, values: Json) -> Command {
    let values = Fields::Json(values.as_object().unwrap().clone());
    Command::Create { object: object.into(), id: None, values }
}

impl Bench {
    pub fn new() -> Bench {
        Bench::at(Arc::new(SystemClock))
    }

    pub fn at(clock: Arc<dyn Clock>) -> Bench {
        Bench::compiling(Compiler::in_process(), clock)
    }

    pub fn compiling(compiler: Compiler, clock: Arc<dyn Clock>) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let lock = kith_store::Lock::Recipients(vec![kith_store::new_identity().1]);
        let vault = Vault::create(dir.path(), &lock).unwrap();
        let files = Files::open(dir.path(), &vault).unwrap();
        let mut builtins = kith_crm::objects();
        builtins.extend(crate::objects());
        let options = EngineOptions {
            builtins,
            actions: kith_crm::actions(),
            hooks: kith_crm::hooks(),
            seeds: kith_crm::seeds(),
            clock,
            ..EngineOptions::default()
        };
        let engine = Engine::open(Arc::new(MemoryStore::new()), Arc::new(files), options, &mut |_| {}).unwrap();
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let http = HttpClient::trusting(rustls::RootCertStore::empty());
        let plugins = Plugins::open(engine.clone(), compiler, http, tokio.handle().clone());
        Bench { engine, plugins, tokio, _dir: dir }
    }

    /// With a fixture installed and granted; none where it could not be built.
    pub fn with(name: &str, settings: Json) -> Option<Bench> {
        let file = fixture(name)?;
        let bench = Bench::new();
        bench.install(&file);
        bench.set(name, settings);
        Some(bench)
    }

    /// As `with`, for a fixture that does this in this place, at a time that the test holds.
    pub fn with_clock(name: &str, place: &str, behaviour: &str, clock: Arc<FixedClock>) -> Option<Bench> {
        let file = fixture(name)?;
        let bench = Bench::at(clock);
        bench.install(&file);
        bench.set(name, json!({"where": place, "behaviour": behaviour}));
        Some(bench)
    }

    pub fn install(&self, file: &[u8]) {
        self.plugins.install(&Actor::cli(), file, Consent { grant: true, ..Consent::default() }).unwrap();
    }

    pub fn set(&self, plugin: &str, settings: Json) {
        if settings.as_object().is_some_and(|map| !map.is_empty()) {
            self.plugins.set_settings(&Actor::cli(), plugin, settings).unwrap();
        }
    }

    /// Starts what tells plugins of changes and runs their jobs.
    pub fn start(&self) {
        let _inside = self.tokio.enter();
        self.plugins.start();
    }

    pub fn create(&self, object: &str, values: Json) -> Result<Record, EngineError> {
        let command = creation(object, values);
        Ok(self.engine.execute(&Actor::cli(), vec![command], CommitOptions::default())?.remove(0))
    }

    pub fn update(&self, object: &str, id: RecordId, values: Json) -> Result<Record, EngineError> {
        let values = Fields::Json(values.as_object().unwrap().clone());
        let command = Command::Update { object: object.into(), id, version: None, values };
        Ok(self.engine.execute(&Actor::cli(), vec![command], CommitOptions::default())?.remove(0))
    }

    pub fn values(&self, object: &str, id: RecordId) -> Json {
        let record = self.engine.get(&Actor::cli(), object, id).unwrap();
        self.engine.to_json(&Actor::cli(), &record)["values"].clone()
    }

    pub fn count(&self, object: &str) -> u64 {
        let query = Query { total: true, ..Query::of(object) };
        self.engine.query(&Actor::cli(), &query).unwrap().total.unwrap()
    }

    /// A value that a plugin kept, as text.
    pub fn kept(&self, plugin: &str, key: &str) -> Option<String> {
        let entry = Kept::of(&self.engine, plugin).get(Space::Own, key).unwrap()?;
        Some(String::from_utf8_lossy(&entry.value).into_owned())
    }

    pub fn act(&self, object: &str, id: RecordId, action: &str) -> Result<Option<String>, EngineError> {
        Ok(self.engine.run_action(&Actor::cli(), object, &[id], action, json!({}))?.message)
    }

    /// The line of a plugin's log that says this to the administrator.
    #[track_caller]
    pub fn told(&self, plugin: &str, what: &str) -> String {
        let lines = self.plugins.watch(plugin).lines();
        let line = lines.iter().find(|line| line.message.contains(what));
        line.unwrap_or_else(|| panic!("nobody is told '{what}': {lines:?}")).message.clone()
    }

    /// Waits until this holds; fails when it takes too long even for a busy machine.
    pub fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_secs(60), "{what} did not come about");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.tokio.block_on(self.plugins.stop());
    }
}
