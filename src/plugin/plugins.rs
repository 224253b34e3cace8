//! The running plugins: loaded when the server starts, loaded anew when something about one changes, unloaded when it goes. Knows no HTTP.

use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use kith_engine::{
    Actor, ActorKind, Engine,
    access::{Grants, ObjectGrant, Reach, Role},
};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use wasmtime::component::Component;

use crate::{
    PluginError, actions, backfill,
    compile::Compiler,
    delivery::Delivery,
    http::HttpClient,
    installed::{self, Installed, State, Version},
    jobs::Jobs,
    kept,
    manifest::{Manifest, Right},
    plugin::{Plugin, memory_bytes},
    runtime::{Code, Runtime},
    saving::Saving,
    services::Services,
    set::Loaded,
    trace,
    watch::Watch,
};

/// A plugin that has not recovered for so long is turned off.
const FAILING_MAX_MS: i64 = 24 * 3_600 * 1_000;

const LOOK_EVERY: Duration = Duration::from_secs(60);

/// See the module. One for a process.
pub struct Plugins {
    pub services: Arc<Services>,
    pub loaded: Arc<Loaded>,
    compiler: Compiler,
    /// Made when the first plugin is loaded.
    runtime: Mutex<Option<Arc<Runtime>>>,
    /// Logs and figures, which outlive a plugin that is loaded anew.
    watches: Mutex<HashMap<String, Arc<Watch>>>,
    /// One change of plugins at a time.
    pub(crate) changing: Mutex<()>,
    stopping: AtomicBool,
    /// What tells them of changes and runs their jobs; only beside a server.
    working: Mutex<Option<(Delivery, Jobs)>>,
}

impl Plugins {
    /// Takes part in every save from now on and loads what is enabled, in the background; saves wait for that.
    pub fn open(engine: Engine, compiler: Compiler, http: HttpClient, tokio: Handle) -> Arc<Plugins> {
        let services =
            Arc::new(Services { engine: engine.clone(), http: Arc::new(http), tokio, tracing: Mutex::default() });
        let loaded = Arc::new(Loaded::default());
        let plugins = Arc::new(Plugins {
            services: services.clone(),
            loaded: loaded.clone(),
            compiler,
            runtime: Mutex::default(),
            watches: Mutex::default(),
            changing: Mutex::default(),
            stopping: AtomicBool::new(false),
            working: Mutex::default(),
        });
        engine.add_hook(Arc::new(Saving::new(services, loaded)));
        plugins.load_enabled();
        plugins
    }

    fn load_enabled(self: &Arc<Self>) {
        let enabled: Vec<Installed> = match installed::all(self.engine()) {
            Ok(all) => all.into_iter().filter(|plugin| plugin.state != State::Disabled).collect(),
            Err(error) => return tracing::error!(code = error.code(), "plugins cannot be read and do not run"),
        };
        if enabled.is_empty() {
            return;
        }
        self.loaded.loading();
        let plugins = self.clone();
        let started = thread::Builder::new().name("kith-plugins".into()).spawn(move || {
            for plugin in enabled {
                plugins.load_or_note(plugin);
            }
            plugins.loaded.loaded();
        });
        if let Err(error) = started {
            tracing::error!(%error, "no thread to load plugins, so they do not run");
            self.loaded.loaded();
        }
    }

    /// Tells them of changes and runs their jobs from now on, and looks now and then for those that do not recover, until `stop`.
    pub fn start(self: &Arc<Self>) {
        let (services, loaded) = (&self.services, &self.loaded);
        let working =
            (Delivery::start(services.clone(), loaded.clone()), Jobs::start(services.clone(), loaded.clone()));
        *self.working.lock() = Some(working);
        let plugins = Arc::downgrade(self);
        let work = move || {
            loop {
                // Not parked: what the looks run on threads of its own wakes this one up when it is done, and it would never rest.
                thread::sleep(LOOK_EVERY);
                let Some(plugins) = plugins.upgrade() else { return };
                if plugins.is_stopping() {
                    return;
                }
                plugins.turn_off_hopeless();
                plugins.forget_expired();
                if let Err(error) = trace::expire(&plugins.services) {
                    tracing::warn!(code = error.code(), "old traces of plugins stay for now");
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("kith-plugin-care".into()).spawn(work) {
            tracing::warn!(%error, "no thread to look after plugins");
        }
    }

    /// Ends after the calls under way; what they had not finished comes again at the next start.
    pub async fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let working = self.working.lock().take();
        if let Some((delivery, jobs)) = working {
            tokio::join!(delivery.stop(), jobs.stop());
        }
        for plugin in self.loaded.all().iter() {
            self.unload(&plugin.id);
        }
    }

    pub(crate) fn unload(&self, id: &str) {
        self.engine().remove_actions(|action| actions::is_of(action, id));
        self.loaded.take(id);
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub fn engine(&self) -> &Engine {
        &self.services.engine
    }

    /// A plugin that is loaded.
    pub fn get(&self, id: &str) -> Option<Arc<Plugin>> {
        self.loaded.get(id)
    }

    /// Log, calls and circuits of a plugin, loaded or not.
    pub fn watch(&self, id: &str) -> Arc<Watch> {
        self.watches.lock().entry(id.to_string()).or_default().clone()
    }

    pub(crate) fn forget_watch(&self, id: &str) {
        self.watches.lock().remove(id);
    }

    pub(crate) fn runtime(&self) -> Result<Arc<Runtime>, PluginError> {
        let mut runtime = self.runtime.lock();
        if let Some(runtime) = &*runtime {
            return Ok(runtime.clone());
        }
        let started = Runtime::start().map_err(|e| PluginError::Runtime(e.to_string()))?;
        Ok(runtime.insert(started).clone())
    }

    /// A file's component, compiled.
    pub(crate) fn compiled(&self, sha256: &str, file: &[u8]) -> Result<Component, PluginError> {
        self.compiler.component(&*self.runtime()?, self.engine().files(), sha256, || Ok(file.to_vec()))
    }

    fn component(&self, version: &Version) -> Result<Component, PluginError> {
        let files = self.engine().files();
        self.compiler.component(&*self.runtime()?, files, &version.sha256, || {
            let mut wasm = Vec::new();
            let mut file = files.read(&version.wasm)?;
            file.read_to_end(&mut wasm)
                .map_err(|error| PluginError::Runtime(format!("its file is damaged: {error}")))?;
            Ok(wasm)
        })
    }

    /// Removes a version's file and code, unless another version of the plugin is the same file.
    pub(crate) fn drop_files(&self, version: &Version, others: &[&Version]) {
        let files = self.engine().files();
        if !others.iter().any(|other| other.wasm == version.wasm)
            && let Err(error) = files.remove(&version.wasm)
        {
            tracing::warn!(code = error.code(), "a plugin's file is left behind");
        }
        if !others.iter().any(|other| other.sha256 == version.sha256)
            && let Err(error) = self.compiler.forget(files, &version.sha256)
        {
            tracing::warn!(code = error.code(), "a plugin's code is left behind");
        }
    }

    /// Loads a plugin, in place of what was loaded of it.
    pub(crate) fn load(self: &Arc<Self>, plugin: &Installed) -> Result<Arc<Plugin>, PluginError> {
        let granted = plugin.granted.clone().ok_or_else(|| PluginError::Ungranted(plugin.id.clone()))?;
        let component = self.component(&plugin.version)?;
        let code = Code::link(&self.runtime()?, &component)
            .map_err(|error| PluginError::Runtime(error.root_cause().to_string()))?;
        let secret = |name: &String| Some((name.clone(), installed::secret(self.engine(), &plugin.id, name)?));
        let secrets: BTreeMap<_, _> = granted.secrets.keys().filter_map(secret).collect();
        let loaded = self.loaded.put(Plugin {
            id: plugin.id.clone(),
            record: plugin.record,
            actor: actor(plugin, &granted),
            private_network: granted.http.as_ref().is_some_and(|http| http.private),
            settings: plugin.settings.clone(),
            texts: plugin.version.texts.clone(),
            manifest: granted,
            secrets,
            memory_bytes: memory_bytes(),
            code,
            watch: self.watch(&plugin.id),
        });
        let offered = actions::of(&self.services, &self.loaded, &loaded);
        self.engine().remove_actions(|action| actions::is_of(action, &plugin.id));
        self.engine().add_actions(offered);
        self.fill_in(loaded.clone(), plugin.version.sha256.clone());
        Ok(loaded)
    }

    /// Works out its fields of records that were there before, beside everything else, until it is loaded anew.
    fn fill_in(self: &Arc<Self>, plugin: Arc<Plugin>, sha256: String) {
        if plugin.manifest.computed().next().is_none() {
            return;
        }
        let plugins = self.clone();
        let work = move || {
            let ended =
                || plugins.is_stopping() || !plugins.get(&plugin.id).is_some_and(|now| Arc::ptr_eq(&now, &plugin));
            if let Err(error) = backfill::run(&plugins.services, &plugin, &sha256, &ended)
                && !ended()
            {
                tracing::error!(plugin = %plugin.id, code = error.code(), "a plugin's fields are not filled in; the next start goes on");
            }
        };
        if let Err(error) = thread::Builder::new().name("kith-plugin-fill".into()).spawn(work) {
            tracing::error!(%error, "no thread to fill in a plugin's fields; the next start tries again");
        }
    }

    /// Loads one that is to run; what keeps it from running is noted where an administrator sees it.
    fn load_or_note(self: &Arc<Self>, mut plugin: Installed) {
        let (state, message) = match self.load(&plugin) {
            Ok(_) => (State::Enabled, String::new()),
            Err(error) => {
                tracing::error!(plugin = %plugin.id, %error, "a plugin cannot be loaded");
                (State::Failed, error.to_string())
            }
        };
        if (state, &message) != (plugin.state, &plugin.message) {
            (plugin.state, plugin.message) = (state, message);
            if let Err(error) = plugin.save(self.engine(), &Actor::system()) {
                tracing::error!(plugin = %plugin.id, %error, "the state of a plugin cannot be noted");
            }
        }
    }

    /// Takes away what idempotency keys and values of plugins left that is past its time.
    pub(crate) fn forget_expired(&self) {
        if let Err(error) = kept::sweep(self.engine()) {
            tracing::error!(code = error.code(), "what plugins kept and has expired cannot be taken away");
        }
    }

    /// Turns off what has failed for a day.
    pub(crate) fn turn_off_hopeless(&self) {
        let now = self.engine().now_ms();
        for plugin in self.loaded.all().iter() {
            let Some((capability, since)) = plugin.watch.failing_since() else { continue };
            if now - since < FAILING_MAX_MS {
                continue;
            }
            let _turn = self.changing.lock();
            let Ok(mut noted) = installed::find(self.engine(), &plugin.id) else { continue };
            noted.state = State::Failed;
            noted.message = format!(
                "{} has failed for a day, so the plugin was turned off; look at its log, then enable it again",
                capability.name()
            );
            tracing::error!(plugin = %plugin.id, capability = capability.name(), "a plugin is turned off");
            if let Err(error) = noted.save(self.engine(), &Actor::system()) {
                tracing::error!(plugin = %plugin.id, %error, "the state of a plugin cannot be noted");
            }
            self.unload(&plugin.id);
            self.forget_watch(&plugin.id);
        }
    }
}

/// Whoever reads what the plugin wrote sees the plugin's name; what it may write follows from the grant.
fn actor(plugin: &Installed, granted: &Manifest) -> Actor {
    let mut objects = HashMap::new();
    for key in granted.objects.keys() {
        objects.insert(granted.object_key(key), ObjectGrant { erase: Reach::None, ..ObjectGrant::everything() });
    }
    for (object, rights) in &granted.records {
        let reach = |right| if rights.contains(&right) { Reach::All } else { Reach::None };
        let grant = ObjectGrant {
            create: rights.contains(&Right::Create),
            read: reach(Right::Read),
            update: reach(Right::Update),
            delete: reach(Right::Delete),
            ..ObjectGrant::default()
        };
        objects.entry(granted.object_key(object)).or_insert(grant);
    }
    let blobs = granted.blobs.clone().unwrap_or_default();
    if blobs.read || blobs.write {
        let read = if blobs.read { Reach::All } else { Reach::None };
        let grant = ObjectGrant { create: blobs.write, read, ..ObjectGrant::default() };
        objects.entry("files".to_string()).or_insert(grant);
    }
    let grants = Grants { objects, default: ObjectGrant::default() };
    Actor {
        kind: ActorKind::Plugin,
        id: plugin.record,
        user: None,
        name: granted.plugin.name.clone(),
        teams: Vec::new(),
        peers: Arc::new([]),
        role: Arc::new(Role::new(plugin.record, &plugin.id, &granted.plugin.name, false, grants)),
        scopes: None,
    }
}
