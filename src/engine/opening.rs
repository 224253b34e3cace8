//! Opening a vault: every record is read from the store once, decoded beside that, and put into the image. Definitions come first,
//! because their ids sort before all others. Nothing is written, except the records a new vault starts with.

use std::sync::{Arc, atomic::AtomicBool};

use crossbeam_channel::{Receiver, bounded};
use kith_base::RecordId;
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
    search::SearchIndex,
    system,
};

/// Records decoded and applied together; some hundred kilobytes.
const BATCH: usize = 2_048;

/// Batches that may wait for the decoder.
const BATCHES_WAITING: usize = 8;

/// Times the scan may be asked for again after the store mended itself.
const SCANS_MAX: usize = 3;

/// Stored records on their way to the decoder: one run of bytes, so that a million records are no million allocations.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Id, version, sequence number, end of its bytes.
    records: Vec<(RecordId, u64, u64, usize)>,
}

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
        opened.image.settle();
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
            hooks: access::hooks::hooks().into_iter().chain(options.hooks).collect(),
            late_hooks: RwLock::default(),
            idempotency: Default::default(),
            stripes: Default::default(),
            counters: Default::default(),
            access: Default::default(),
            read_context: RwLock::default(),
            catching_up: Mutex::default(),
            closing: AtomicBool::new(false),
        });
        core.meta().check()?;
        let engine = Engine::start(core)?;
        if head == 0 {
            engine.core().idempotency.load(engine.storage(), 0, engine.now_ms())?;
            engine.sow(options.seeds)?;
        }
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

    /// Reads the store on this thread and decodes on another.
    fn scan(
        &mut self,
        storage: &dyn Storage,
        builtins: &[kith_model::ObjectDef],
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), EngineError> {
        let (full, waiting) = bounded::<Batch>(BATCHES_WAITING);
        std::thread::scope(|scope| {
            let decoder = scope.spawn(move || self.decode(&waiting, builtins));
            let mut batch = Batch::default();
            let mut read = 0;
            let outcome = storage.scan(&mut |id, version, seq, bytes| {
                batch.bytes.extend_from_slice(bytes);
                batch.records.push((id, version, seq, batch.bytes.len()));
                if batch.records.len() >= BATCH {
                    read += batch.records.len() as u64;
                    // Nobody receives any more when the decoder failed; its error is what counts.
                    drop(full.send(std::mem::take(&mut batch)));
                    progress(read);
                }
            });
            read += batch.records.len() as u64;
            drop(full.send(batch));
            drop(full);
            progress(read);
            let decoded =
                decoder.join().unwrap_or_else(|_| Err(EngineError::Internal("decoding the records failed".into())));
            outcome?;
            decoded
        })
    }

    fn decode(&mut self, waiting: &Receiver<Batch>, builtins: &[kith_model::ObjectDef]) -> Result<(), EngineError> {
        for batch in waiting {
            let mut records = Vec::with_capacity(batch.records.len());
            let mut start = 0;
            let mut defined = false;
            for (id, version, seq, end) in batch.records {
                let record = Record::decode(id, version, seq, &batch.bytes[start..end])
                    .map_err(|e| EngineError::Internal(format!("record {id}: {e}")))?;
                start = end;
                defined |= self.source.put(&record);
                records.push(record);
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
            if records.iter().all(known) {
                self.image.apply_many(records);
            } else {
                let (ready, late): (Vec<Record>, Vec<Record>) = records.into_iter().partition(known);
                self.image.apply_many(ready);
                self.late.extend(late);
            }
        }
        // Whatever still has no definition belongs to an object that no longer exists; it stays in the store, unseen.
        self.image.apply_many(std::mem::take(&mut self.late));
        Ok(())
    }
}
