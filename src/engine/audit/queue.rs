//! Audit items on their way to the journal: collected in memory, written in batches, so that reading stays fast. Never blocks whoever
//! reads; what comes too fast is counted, and the number is written instead.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kith_base::RecordId;
use parking_lot::{Condvar, Mutex};

use super::item::{AuditItem, AuditKind, encode};
use crate::{Actor, Cause, Command, Engine, EngineError};

/// Items that may wait; some 2 MB. Writing takes milliseconds, so it fills only while the disk stands still.
const WAITING_MAX: usize = 8_192;

/// Items that wake the writer before its time.
const BATCH: usize = 256;

/// Longest wait of an item. Tests ask for what they want written, so that a busy machine does not move their journal under them.
const EVERY: Duration = Duration::from_secs(if cfg!(test) { 3_600 } else { 1 });

/// Newest waiting items that a like one is added to instead of standing beside them: the pages of one export, a list that refreshes.
const ALIKE_AMONG: usize = 16;

/// Bytes of one batch: well below what the head of a journal entry may hold.
const BATCH_BYTES: usize = 48 * 1_024;

/// Items waiting to be written.
#[derive(Default)]
pub struct AuditQueue {
    waiting: Mutex<Vec<AuditItem>>,
    enough: Condvar,
    lost: AtomicU64,
    /// Held while a batch is taken and written, so that `flush` returns after what was under way.
    writing: Mutex<()>,
}

impl AuditQueue {
    /// Adds an item, or counts it as lost when too many wait.
    pub fn push(&self, item: AuditItem) {
        let mut waiting = self.waiting.lock();
        if let Some(like) = waiting.iter_mut().rev().take(ALIKE_AMONG).find(|waiting| waiting.is_like(&item)) {
            like.count += if like.ids.is_empty() { item.count } else { 0 };
            return;
        }
        if waiting.len() >= WAITING_MAX {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.push(item);
        if waiting.len() >= BATCH {
            self.enough.notify_one();
        }
    }

    /// Waits for a batch or for its time.
    fn rest(&self) {
        let mut waiting = self.waiting.lock();
        if waiting.len() < BATCH {
            self.enough.wait_for(&mut waiting, EVERY);
        }
    }

    /// Writes what waits. Items that cannot be written are counted as lost.
    fn write(&self, engine: &Engine) {
        let _writing = self.writing.lock();
        let mut items = std::mem::take(&mut *self.waiting.lock());
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let mut note = AuditItem::of(&Actor::system(), engine.now_ms(), AuditKind::Lost);
            note.count = lost;
            items.push(note);
        }
        let mut rest = &items[..];
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(fitting(rest));
            let written = encode(batch).and_then(|bytes| engine.note(&Actor::system(), Cause::new("audit"), bytes));
            if let Err(error) = written {
                let missed: u64 =
                    rest.iter().map(|item| if item.kind == AuditKind::Lost { item.count } else { 1 }).sum();
                self.lost.fetch_add(missed, Ordering::Relaxed);
                tracing::error!(code = error.code(), items = missed, "audit items could not be written");
                return;
            }
            rest = later;
        }
    }
}

/// How many of the first items fit into one batch; at least one.
fn fitting(items: &[AuditItem]) -> usize {
    let mut bytes = 0;
    let weight =
        |item: &AuditItem| 80 + item.actor.name.len() + item.object.len() + item.detail.len() + 16 * item.ids.len();
    let fits = items.iter().take(BATCH).take_while(|item| {
        bytes += weight(item);
        bytes <= BATCH_BYTES
    });
    fits.count().max(1)
}

impl Engine {
    /// Adds an item to the audit. Written within a second; never blocks.
    pub(crate) fn audit(&self, item: AuditItem) {
        self.core().access.audit.push(item);
    }

    /// Notes that commands were refused for want of rights; other refusals are mistakes, not attempts.
    pub(crate) fn audit_refused(&self, actor: &Actor, commands: &[Command], error: &EngineError) {
        if error.code() != "access.denied" {
            return;
        }
        let Some((object, id, op)) = commands.get(error.index().unwrap_or(0)).map(outline) else { return };
        let item = AuditItem::of(actor, self.now_ms(), AuditKind::Refused).object(object).detail(op);
        self.audit(item.records(id.as_slice()));
    }

    /// Notes that an actor asked for a record it may not read.
    pub(crate) fn audit_denied(&self, actor: &Actor, object: &str, id: RecordId) {
        let item = AuditItem::of(actor, self.now_ms(), AuditKind::Refused).object(object).detail("read");
        self.audit(item.records(&[id]));
    }

    /// Notes a refusal and hands it back.
    pub(crate) fn refuse(&self, actor: &Actor, object: &str, op: &str, error: EngineError) -> EngineError {
        if error.code() == "access.denied" {
            self.audit(AuditItem::of(actor, self.now_ms(), AuditKind::Refused).object(object).detail(op));
        }
        error
    }

    /// Writes the audit items that wait, at once.
    pub fn flush_audit(&self) {
        self.core().access.audit.write(self);
    }

    /// Starts the thread that writes audit items. It ends with the engine.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start_audit(&self) -> Result<(), EngineError> {
        let (queue, engine) = (Arc::clone(&self.core().access.audit), self.downgrade());
        let run = move || {
            crate::auth::password::prepare();
            loop {
                queue.rest();
                let Some(engine) = engine.upgrade() else { return };
                queue.write(&engine);
            }
        };
        std::thread::Builder::new()
            .name("kith-audit".into())
            .spawn(run)
            .map(drop)
            .map_err(|e| EngineError::Internal(format!("the audit thread cannot start: {e}")))
    }
}

/// Object, record and operation of a command.
fn outline(command: &Command) -> (&str, Option<RecordId>, &'static str) {
    match command {
        Command::Create { object, .. } => (object, None, "create"),
        Command::Update { object, id, .. } => (object, Some(*id), "update"),
        Command::Delete { object, id, .. } => (object, Some(*id), "delete"),
        Command::Restore { object, id } => (object, Some(*id), "restore"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_too_fast_is_counted_and_never_blocks() {
        let queue = AuditQueue::default();
        let item = AuditItem::of(&Actor::cli(), 0, AuditKind::Opened);
        (0..WAITING_MAX as u64 + 5).for_each(|n| queue.push(item.clone().object(&n.to_string())));
        assert_eq!((queue.waiting.lock().len(), queue.lost.load(Ordering::Relaxed)), (WAITING_MAX, 5));
    }

    #[test]
    fn pages_of_one_export_are_one_item() {
        let queue = AuditQueue::default();
        let page = |kind, filter, rows| AuditItem::of(&Actor::cli(), 0, kind).object("deals").matching(filter, rows);
        let opened = |n| AuditItem::of(&Actor::cli(), 0, AuditKind::Opened).records(&[kith_base::RecordId([n; 16])]);
        for item in [page(AuditKind::Exported, "a", 500), opened(1), page(AuditKind::Exported, "a", 20), opened(1)] {
            queue.push(item);
        }
        queue.push(page(AuditKind::Exported, "b", 1));
        queue.push(opened(2));
        let refused = AuditItem::of(&Actor::cli(), 0, AuditKind::Refused);
        queue.push(refused.clone());
        queue.push(refused);
        let counts: Vec<u64> = queue.waiting.lock().iter().map(|item| item.count).collect();
        assert_eq!(counts, [520, 1, 1, 1, 0, 0], "attempts are never put together");
    }

    #[test]
    fn a_batch_stays_below_what_an_entry_can_hold() {
        let mut large = AuditItem::of(&Actor::cli(), 0, AuditKind::Opened).records(&[crate::record::SYSTEM_ID; 32]);
        large.actor.name = "Zoë".repeat(400);
        let items = vec![large; 300];
        let fits = fitting(&items);
        assert!((1..300).contains(&fits));
        assert!(encode(&items[..fits]).unwrap().len() < 60 * 1_024);
        let mut huge = items[0].clone();
        huge.actor.name = "x".repeat(100_000);
        assert_eq!(fitting(&[huge]), 1);
    }
}
