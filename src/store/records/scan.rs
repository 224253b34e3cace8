//! Reads all records: sled on one thread, unsealing and hashing on others, the caller's work on its own. Order of id is kept.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::Builder,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use kith_base::RecordId;

use super::{
    Records,
    row::{ROW_HEAD_BYTES, ROWS, RowHead, parse_key},
};
use crate::{
    digest::Digest,
    seal::{Keys, Place},
};

/// Rows handed from thread to thread at a time, so that the hand-over costs nothing per record.
const ROWS_PER_STEP: usize = 512;
/// Steps waiting between two threads.
const STEPS_WAITING: usize = 4;

/// A record as it lies in sled.
pub(crate) struct SealedRow {
    pub id: RecordId,
    pub head: RowHead,
    first: sled::IVec,
    /// All pieces joined, when there are several.
    whole: Option<Vec<u8>>,
}

impl SealedRow {
    pub fn sealed(&self) -> &[u8] {
        // Nearly all records are one row; those are read where sled holds them, without a copy.
        self.whole.as_deref().unwrap_or_else(|| &self.first[ROW_HEAD_BYTES..])
    }

    fn push(&mut self, piece: &[u8]) {
        let first = &self.first;
        self.whole.get_or_insert_with(|| first[ROW_HEAD_BYTES..].to_vec()).extend_from_slice(piece);
    }
}

/// A step's plain values, one after the other in one piece of memory, which goes back to the thread that fills it.
#[derive(Default)]
struct PlainRows {
    /// Id, version, entry, and where the value ends.
    rows: Vec<(RecordId, u64, u64, usize)>,
    values: Vec<u8>,
}

/// The records are not what they should be.
#[derive(Debug)]
pub(crate) struct Damaged(pub String);

impl Records {
    /// Hands every record, unsealed, to `each`. Fails when one does not open or the digest is not the noted one; `each` may
    /// have seen wrong records by then.
    #[expect(clippy::type_complexity, reason = "the same four values as in `Storage::scan`")]
    pub fn scan(&self, each: &mut dyn FnMut(RecordId, u64, u64, &[u8])) -> Result<(), Damaged> {
        let workers = std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1)).clamp(1, 4);
        let sums = std::thread::scope(|scope| {
            let mut feeds = Vec::new();
            let mut results = Vec::new();
            let mut threads = Vec::new();
            for _ in 0..workers {
                let (feed, fed) = bounded::<Vec<SealedRow>>(STEPS_WAITING);
                let (give, given) = bounded::<PlainRows>(STEPS_WAITING);
                let (spend, spent) = bounded::<PlainRows>(STEPS_WAITING);
                feeds.push(feed);
                results.push((given, spend));
                threads.push(named("kith-unseal").spawn_scoped(scope, move || unseal(&self.keys, &fed, &give, &spent)));
            }
            let reader = named("kith-scan").spawn_scoped(scope, move || self.read(feeds));
            // Steps are dealt out in turn and collected in turn, which keeps their order.
            'all: loop {
                for (given, spend) in &results {
                    let Ok(step) = given.recv() else { break 'all };
                    let mut start = 0;
                    for (id, version, seq, end) in &step.rows {
                        each(*id, *version, *seq, &step.values[start..*end]);
                        start = *end;
                    }
                    // A worker that has ended needs no memory back.
                    let _ = spend.try_send(step);
                }
            }
            drop(results);
            let no_thread = |error: std::io::Error| Damaged(format!("a thread cannot start: {error}"));
            let threads: Result<Vec<_>, _> = threads.into_iter().collect();
            let sums: Vec<_> = threads.map_err(no_thread)?.into_iter().map(|thread| thread.join()).collect();
            let read = reader.map_err(no_thread)?.join();
            let read = read.unwrap_or_else(|_| Err(Damaged("sled failed while reading".into())));
            read.map(|()| sums)
        })?;
        let mut digest = Digest::default();
        for sum in sums {
            digest.join(sum.unwrap_or_else(|_| Err(Damaged("a record could not be read".into())))?);
        }
        if digest != self.state.digest {
            return Err(Damaged("the records do not match their digest".into()));
        }
        Ok(())
    }

    fn read(&self, feeds: Vec<Sender<Vec<SealedRow>>>) -> Result<(), Damaged> {
        let mut turn = feeds.iter().cycle();
        let mut step = Vec::with_capacity(ROWS_PER_STEP);
        let mut open = true;
        self.each_sealed(&mut |row| {
            step.push(row);
            if step.len() == ROWS_PER_STEP {
                let full = std::mem::replace(&mut step, Vec::with_capacity(ROWS_PER_STEP));
                open = turn.next().is_some_and(|feed| feed.send(full).is_ok());
            }
            open
        })?;
        if open && let Some(feed) = turn.next() {
            // A worker that gave up reports why itself.
            let _ = feed.send(step);
        }
        Ok(())
    }

    /// Reads the rows in order and puts pieces together, until `each` says false.
    pub fn each_sealed(&self, each: &mut dyn FnMut(SealedRow) -> bool) -> Result<(), Damaged> {
        self.each_sealed_after(None, each)
    }

    /// The same from the first record after `after` on.
    pub fn each_sealed_after(
        &self,
        after: Option<RecordId>,
        each: &mut dyn FnMut(SealedRow) -> bool,
    ) -> Result<(), Damaged> {
        // No piece's number reaches these bytes, so the record's own rows lie before them.
        let start = after.map_or(ROWS.to_vec(), |id| [ROWS, id.as_bytes(), &[0xff; 3]].concat());
        let work = || {
            let mut waiting: Option<(SealedRow, u16)> = None;
            for item in self.db.range(start..) {
                let (key, value) = item.map_err(|error| Damaged(error.to_string()))?;
                if !key.starts_with(ROWS) {
                    break;
                }
                let (id, number) = parse_key(&key).ok_or_else(|| Damaged("a key is not one of ours".into()))?;
                let row = match (number, waiting.take()) {
                    (0, None) => {
                        let (head, _) = RowHead::decode(&value)
                            .ok_or_else(|| Damaged(format!("record {id} has no readable row")))?;
                        (SealedRow { id, head, first: value, whole: None }, 0)
                    }
                    (number, Some((mut row, before))) if row.id == id && number == before + 1 => {
                        row.push(&value);
                        (row, number)
                    }
                    _ => return Err(Damaged(format!("record {id} lacks a piece"))),
                };
                if row.1 < row.0.head.pieces {
                    waiting = Some(row);
                } else if !each(row.0) {
                    return Ok(());
                }
            }
            waiting.map_or(Ok(()), |(row, _)| Err(Damaged(format!("record {} lacks a piece", row.id))))
        };
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Damaged("sled failed while reading".into())))
    }
}

fn named(name: &str) -> Builder {
    Builder::new().name(name.into())
}

fn unseal(
    keys: &Keys,
    fed: &Receiver<Vec<SealedRow>>,
    give: &Sender<PlainRows>,
    spent: &Receiver<PlainRows>,
) -> Result<Digest, Damaged> {
    let mut digest = Digest::default();
    for step in fed {
        let ring = keys.ring();
        let mut plain = spent.try_recv().unwrap_or_default();
        plain.rows.clear();
        plain.values.clear();
        for row in step {
            let (id, RowHead { version, seq, sealed_hash, .. }) = (row.id, row.head);
            // The noted hash will do: the seal vouches for the bytes below, and the sum for the hash.
            digest.add(keys, id, version, seq, &sealed_hash);
            let place = Place::Change { id, version, seq };
            let opened = ring.unseal_onto(row.sealed(), place, &sealed_hash, &mut plain.values);
            opened.map_err(|_| Damaged(format!("record {id} does not open")))?;
            plain.rows.push((id, version, seq, plain.values.len()));
        }
        if give.send(plain).is_err() {
            break;
        }
    }
    Ok(digest)
}
