//! The facade: one handle that every layer above holds. Opens a vault's records into the image and hands each call to the part that
//! does it; decides nothing itself.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};

use kith_base::{Clock, TimestampMs};
use kith_model::{ObjectDef, ReadContext, Schema};
use kith_store::{Files, Storage};
use parking_lot::{Mutex, RwLock};
use tokio::sync::broadcast;

use crate::{
    Action, ChangeEvent, Command, CommitOptions, EngineError, EngineMetrics, Record, Seed,
    access::AccessState,
    actions::Registry,
    actor::Actor,
    idempotency::Memory,
    image::Image,
    meta::{Meta, source::Source},
    pipeline::{Counters, hooks::DomainHook, prepare::Rights, stripes::Stripes, turns::WriterHandle},
    search::SearchIndex,
};

/// What an engine is made of besides its storage.
pub struct EngineOptions {
    pub clock: Arc<dyn Clock>,
    /// Objects of the domain; those of administration are added by the engine.
    pub builtins: Vec<ObjectDef>,
    pub actions: Vec<Arc<dyn Action>>,
    pub hooks: Vec<Arc<dyn DomainHook>>,
    /// Records a new vault starts with, besides roles and settings. Earlier ones may be linked to by later ones, and the other way round.
    pub seeds: Vec<Seed>,
    /// BCP 47; decides how text sorts.
    pub locale: String,
}

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions {
            clock: Arc::new(kith_base::SystemClock),
            builtins: Vec::new(),
            actions: Vec::new(),
            hooks: Vec::new(),
            seeds: Vec::new(),
            locale: "en".into(),
        }
    }
}

/// The engine. Cheap to clone; every call may come from any thread, and blocks.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// See `Engine::downgrade`.
pub(crate) struct WeakEngine(Weak<Inner>);

impl WeakEngine {
    /// The engine, while somebody else still holds it.
    pub fn upgrade(&self) -> Option<Engine> {
        self.0.upgrade().map(|inner| Engine { inner })
    }
}

struct Inner {
    core: Arc<Core>,
    writer: WriterHandle,
}

/// What the facade and the writer thread share.
pub(crate) struct Core {
    pub storage: Arc<dyn Storage>,
    pub files: Arc<Files>,
    pub clock: Arc<dyn Clock>,
    pub builtins: Vec<ObjectDef>,
    pub meta: RwLock<Arc<Meta>>,
    /// The records of `objects` and `fields`, trash included: what the schema is built from.
    pub source: Mutex<Source>,
    /// Held while a change of metadata is worked out, so that numbers and keys are given once.
    pub defining: Mutex<()>,
    pub image: Image,
    pub search: SearchIndex,
    pub events: broadcast::Sender<Arc<ChangeEvent>>,
    pub actions: Registry,
    pub conditions: crate::conditions::Conditions,
    pub hooks: Vec<Arc<dyn DomainHook>>,
    /// Hooks that come and go while running; run after the domain's.
    pub late_hooks: RwLock<Vec<Arc<dyn DomainHook>>>,
    pub idempotency: Memory,
    pub stripes: Stripes,
    pub counters: Counters,
    pub access: AccessState,
    /// How local forms are read, from the workspace's settings; none: to be read again.
    pub read_context: RwLock<Option<ReadContext>>,
    /// The thread that finishes what opening left for later.
    pub catching_up: Mutex<Option<std::thread::JoinHandle<()>>>,
    /// Held while a rule of retention runs: one after the other.
    pub retaining: Mutex<()>,
    pub closing: AtomicBool,
    /// The thread that seals old values again after a new data key.
    pub resealing: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Core {
    pub fn meta(&self) -> Arc<Meta> {
        self.meta.read().clone()
    }

    pub fn now_ms(&self) -> TimestampMs {
        self.clock.now_ms()
    }
}

impl Engine {
    pub(crate) fn start(core: Arc<Core>) -> Result<Engine, EngineError> {
        let writer = WriterHandle::start(core.clone())?;
        let engine = Engine { inner: Arc::new(Inner { core, writer }) };
        engine.start_audit()?;
        engine.start_resealing()?;
        Ok(engine)
    }

    /// A handle that does not keep the engine alive, for its own threads.
    pub(crate) fn downgrade(&self) -> WeakEngine {
        WeakEngine(Arc::downgrade(&self.inner))
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.inner.core
    }

    pub(crate) fn writer(&self) -> &WriterHandle {
        &self.inner.writer
    }

    /// Does all commands or none. Durable when it returns; one record per command, as it now is and masked for the actor.
    ///
    /// # Errors
    /// `At` with the place of the first command that is refused; the code is that of its cause.
    pub fn execute(
        &self,
        actor: &Actor,
        commands: Vec<Command>,
        options: CommitOptions,
    ) -> Result<Vec<Record>, EngineError> {
        self.commit(actor, Rights::Actor, commands, options)
    }

    /// As `execute`, for callers who may need the commands again.
    ///
    /// # Errors
    /// As `execute`.
    pub fn execute_lent(
        &self,
        actor: &Actor,
        commands: &[Command],
        options: CommitOptions,
    ) -> Result<Vec<Record>, EngineError> {
        self.commit(actor, Rights::Actor, commands, options)
    }

    /// As `execute`, for parts of the program that have decided already whether the actor may; who acts is only named.
    ///
    /// # Errors
    /// As `execute`, but for `access.denied`.
    pub fn execute_trusted(
        &self,
        actor: &Actor,
        commands: Vec<Command>,
        options: CommitOptions,
    ) -> Result<Vec<Record>, EngineError> {
        self.commit(actor, Rights::Engine, commands, options)
    }

    /// The live schema.
    pub fn schema(&self) -> Arc<Schema> {
        self.core().meta.read().schema.clone()
    }

    /// Number that grows with every change of the schema.
    pub fn schema_revision(&self) -> u64 {
        self.core().meta.read().revision
    }

    /// Attachments.
    pub fn files(&self) -> &Files {
        &self.core().files
    }

    pub fn storage(&self) -> &dyn Storage {
        self.core().storage.as_ref()
    }

    /// Sequence number of the newest journal entry.
    pub fn head(&self) -> u64 {
        self.core().storage.head()
    }

    pub fn now_ms(&self) -> TimestampMs {
        self.core().now_ms()
    }

    /// Every committed transaction from now on, unmasked: pass each through `visible` before it leaves the process.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<ChangeEvent>> {
        self.core().events.subscribe()
    }

    /// Adds a hook to those of the domain; it runs after them.
    pub fn add_hook(&self, hook: Arc<dyn DomainHook>) {
        self.core().late_hooks.write().push(hook);
    }

    pub fn metrics(&self) -> EngineMetrics {
        let core = self.core();
        let meta = core.meta();
        let count = |object: &Arc<ObjectDef>| (object.key.clone(), core.image.count(object.id));
        EngineMetrics {
            head: self.head(),
            records: meta.schema.objects().iter().map(count).collect(),
            commits: core.counters.commits(),
            groups: core.counters.groups(),
            refused: core.counters.refused(),
            queue: self.writer().queued(),
            image_bytes: core.image.memory_bytes(),
            search_ready: core.search.ready(),
        }
    }

    /// Finishes what is queued, checkpoints and ends the threads. Later writes are refused.
    ///
    /// # Errors
    /// When the store cannot make its state durable; the journal is whole all the same.
    pub fn close(&self) -> Result<(), EngineError> {
        self.core().closing.store(true, Ordering::Relaxed);
        // Before the writer stops: what it did is noted in the audit.
        let resealing = self.core().resealing.lock().take();
        if let Some(thread) = resealing {
            drop(thread.join());
        }
        self.flush_audit();
        self.writer().stop();
        if let Some(thread) = self.core().catching_up.lock().take() {
            // A panic there was reported by the runtime and concerns only what can be made again.
            drop(thread.join());
        }
        // They hold the engine in turn.
        self.core().late_hooks.write().clear();
        Ok(self.core().storage.close()?)
    }
}
