//! Opening a vault: every record is read from the store once, decoded beside that, and put into the image. Definitions come first,
//! because their ids sort before all others. Nothing is written, except the records a new vault starts with.

use std::sync::{Arc, atomic::AtomicBool};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use kith_store::{Files, Storage, StoreError};
use parking_lot::{Mutex, RwLock};
use tokio::sync::broadcast;

use crate::{
    Actor, Cause, Command, CommitOptions, Engine, EngineError, EngineOptions, Fields, Record, Seed, access,
    actions::Registry,
    engine::Core,
    events,
    image::Image,
    meta::{Meta, source::Source},
    pipeline::prepare::Rights,
    retention,
    search::SearchIndex,
    system,
};

/// Records put into the image together: so few that they are still in the processor's cache when the last column takes them, and
/// that the image does not start threads of its own for them, since reading, unsealing and decoding keep the others busy.
const BATCH: usize = 256;

/// Batches that may wait for the image.
const BATCHES_WAITING: usize = 16;

/// Times the scan may be asked for again after the store mended itself.
const SCANS_MAX: usize = 3;

impl Engine {
    /// Reads all records into the image. `progress` gets the number read so far.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what this version does not understand.
    pub fn open(
        storage: Arc<dyn Storage>,
        files: Arc<Files>,
        options: EngineOptions,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Engine, EngineError> {
        let mut builtins = system::objects();
        builtins.extend(options.builtins);
        let head = storage.head();
        let mut opened = Opened::new(&builtins, &options.locale);
        let mut scans = 1;
        loop {
            match opened.scan(storage.as_ref(), &builtins, progress) {
                Err(EngineError::Store(StoreError::ScanAgain)) if scans < SCANS_MAX => {
                    opened = Opened::new(&builtins, &options.locale);
                    scans += 1;
                }
                outcome => break outcome?,
            }
        }
        let joined = opened.source.join(&builtins);
        let schema = Arc::new(joined.live);
        let revision = opened.source.revision();
        let core = Arc::new(Core {
            search: SearchIndex::start(opened.image.clone()).map_err(|e| EngineError::Internal(e.to_string()))?,
            meta: RwLock::new(Arc::new(Meta::new(schema, revision))),
            source: Mutex::new(opened.source),
            image: opened.image,
            storage,
            files,
            clock: options.clock,
            builtins,
            defining: Mutex::new(()),
            events: broadcast::channel(events::CHANNEL_EVENTS).0,
            actions: Registry::new(options.actions),
            conditions: Default::default(),
            hooks: access::hooks::hooks().into_iter().chain([retention::hook()]).chain(options.hooks).collect(),
            late_hooks: RwLock::default(),
            idempotency: Default::default(),
            stripes: Default::default(),
            counters: Default::default(),
            access: Default::default(),
            read_context: RwLock::default(),
            catching_up: Mutex::default(),
            retaining: Mutex::default(),
            closing: AtomicBool::new(false),
            resealing: Mutex::default(),
        });
        core.meta().check()?;
        let engine = Engine::start(core)?;
        if head == 0 {
            engine.core().idempotency.load(engine.storage(), 0, engine.now_ms())?;
            engine.sow(options.seeds)?;
        }
        engine.resume_erasures();
        engine.catch_up(head)?;
        Ok(engine)
    }

    /// What may be done after the first answer: the keys of the last day, the search index, the orders of the usual lists.
    fn catch_up(&self, head: u64) -> Result<(), EngineError> {
        let core = self.core().clone();
        let work = move || {
            if head > 0
                && let Err(error) = core.idempotency.load(core.storage.as_ref(), head, core.now_ms())
            {
                tracing::error!(code = error.code(), %error, "the idempotency keys of the last day cannot be read");
            }
            core.image.settle();
            core.search.fill();
            core.warm();
        };
        let thread = std::thread::Builder::new()
            .name("kith-catch-up".into())
            .spawn(work)
            .map_err(|e| EngineError::Internal(format!("a background thread cannot start: {e}")))?;
        *self.core().catching_up.lock() = Some(thread);
        Ok(())
    }

    /// The records a new vault starts with, in one transaction.
    fn sow(&self, seeds: Vec<Seed>) -> Result<(), EngineError> {
        let own = system::seeds::seeds().into_iter();
        let own = own.map(|(id, object, values)| Seed { id, object: object.to_string(), values });
        let mut commands = Vec::new();
        for Seed { id, object, values } in own.chain(seeds) {
            let serde_json::Value::Object(map) = values else {
                return Err(EngineError::Internal(format!("the seed {id} of '{object}' is no object of values")));
            };
            commands.push(Command::Create { object, id: Some(id), values: Fields::Json(map) });
        }
        let options = CommitOptions::caused_by(Cause::new("seed"));
        self.commit(&Actor::system(), Rights::Engine, commands, options).map(|_| ())
    }
}

struct Opened {
    image: Image,
    source: Source,
    /// Records that need a definition which has not come yet.
    late: Vec<Record>,
}

impl Opened {
    fn new(builtins: &[kith_model::ObjectDef], locale: &str) -> Opened {
        let source = Source::default();
        let image = Image::new(Arc::new(source.join(builtins).kept), locale);
        Opened { image, source, late: Vec::new() }
    }

    /// Reads the store and decodes on this thread, fills the image on another.
    fn scan(
        &mut self,
        storage: &dyn Storage,
        builtins: &[kith_model::ObjectDef],
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), EngineError> {
        let (full, waiting) = bounded::<Vec<Record>>(BATCHES_WAITING);
        let (spend, spent) = unbounded::<Vec<Record>>();
        std::thread::scope(|scope| {
            let filler = std::thread::Builder::new().name("kith-image".into());
            let filler = filler.spawn_scoped(scope, move || self.fill(&waiting, &spend, builtins));
            let filler = filler.map_err(|e| EngineError::Internal(format!("a thread cannot start: {e}")))?;
            let mut batch = Vec::with_capacity(BATCH);
            let mut failed = None;
            let mut read = 0;
            let outcome = storage.scan(&mut |id, version, seq, bytes| {
                match Record::decode(id, version, seq, bytes) {
                    Ok(record) => batch.push(record),
                    Err(error) => failed = Some(EngineError::Internal(format!("record {id}: {error}"))),
                }
                if batch.len() >= BATCH {
                    read += batch.len() as u64;
                    // What was used up is freed where it was made, which is cheaper by far.
                    let mut next = spent.try_recv().unwrap_or_default();
                    next.clear();
                    // Nobody receives any more when filling failed; its error is what counts.
                    drop(full.send(std::mem::replace(&mut batch, next)));
                    progress(read);
                }
            });
            read += batch.len() as u64;
            drop(full.send(batch));
            drop(full);
            progress(read);
            let filled = filler.join();
            let filled = filled.unwrap_or_else(|_| Err(EngineError::Internal("filling the image failed".into())));
            // A store that says that it must be read again comes first: what was read may be wrong.
            outcome?;
            failed.map_or(filled, Err)
        })
    }

    fn fill(
        &mut self,
        waiting: &Receiver<Vec<Record>>,
        spend: &Sender<Vec<Record>>,
        builtins: &[kith_model::ObjectDef],
    ) -> Result<(), EngineError> {
        for mut records in waiting {
            let mut defined = false;
            for record in &records {
                defined |= self.source.put(record);
            }
            if defined {
                self.image.set_schema(Arc::new(self.source.join(builtins).kept));
            }
            let schema = self.image.schema();
            let known = |record: &Record| {
                schema.object_by_id(record.object).is_some_and(|object| {
                    record
                        .values
                        .iter()
                        .all(|(id, _)| id < crate::meta::source::CUSTOM || object.field_by_id(id).is_some())
                })
            };
            if !records.iter().all(known) {
                let (ready, late): (Vec<Record>, Vec<Record>) = records.into_iter().partition(known);
                records = ready;
                self.late.extend(late);
            }
            self.image.apply_batch(&mut records);
            // Nobody needs it any more when the scan is done.
            drop(spend.send(records));
        }
        // Whatever still has no definition belongs to an object that no longer exists; it stays in the store, unseen.
        self.image.apply_many(std::mem::take(&mut self.late));
        Ok(())
    }
}
