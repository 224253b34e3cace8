//! Remembers the Idempotency-Keys of the last day, so that a repeated request is answered and not done again. Rebuilt from the tail
//! of the journal at start, in the background; only requests with a key wait for that.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
};

use data_encoding::HEXLOWER;
use kith_base::{RecordId, TimestampMs};
use kith_store::Storage;
use parking_lot::{Condvar, Mutex};

use crate::{
    Actor, EngineError, IdempotencyKey,
    pipeline::head::{Head, IdempotencyStamp},
};

/// Clients that repeat a request do so within minutes; a day covers a weekend job that is restarted by hand.
const KEPT_MS: i64 = 24 * 3_600 * 1_000;

/// Keys kept at most: a client that sends a new key per request must not fill the memory. Some 100 bytes each.
const KEYS_MAX: usize = 500_000;

/// Entries read at a time while looking through the journal.
const READ_ENTRIES: usize = 256;

/// Longest key accepted; a UUID has 36 characters.
const KEY_CHARS_MAX: usize = 200;

/// Requests that wait at the same time for one with their key: each takes a thread while it waits, which others need too.
const WAITING_MAX: usize = 64;

/// What a key was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub request: [u8; 16],
    pub seq: u64,
    pub results: Vec<RecordId>,
}

#[derive(Default)]
pub struct Memory {
    state: Mutex<State>,
    loaded: Condvar,
    under_way: Mutex<UnderWay>,
    let_go: Condvar,
}

#[derive(Default)]
struct UnderWay {
    /// Keys whose request is being done right now, each with the hash of that request.
    held: HashMap<[u8; 16], [u8; 16]>,
    waiting: usize,
}

/// A key whose request is being done. Let go when dropped, however that request ended: done, refused or in a panic.
pub struct Held<'a> {
    memory: &'a Memory,
    key: [u8; 16],
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.memory.under_way.lock().held.remove(&self.key);
        self.memory.let_go.notify_all();
    }
}

#[derive(Default)]
struct State {
    known: HashMap<[u8; 16], Known>,
    order: VecDeque<(TimestampMs, [u8; 16])>,
    loaded: bool,
}

impl Memory {
    /// What this key led to, if it was used within the last day. Waits until the journal's tail has been read.
    ///
    /// # Errors
    /// `idempotency.mismatch` when it came with another request.
    pub fn find(&self, stamp: &IdempotencyStamp) -> Result<Option<Known>, EngineError> {
        let mut state = self.state.lock();
        while !state.loaded {
            self.loaded.wait(&mut state);
        }
        match state.known.get(&stamp.key) {
            None => Ok(None),
            Some(known) if known.request == stamp.request => Ok(Some(known.clone())),
            Some(_) => Err(EngineError::IdempotencyMismatch),
        }
    }

    /// Keeps the key for one request, for work that is more than the transaction that remembers it. Whoever repeats the request meanwhile
    /// waits here until it is done.
    ///
    /// # Errors
    /// At once: `idempotency.mismatch` when the key is held for another request, `idempotency.in_progress` when too many wait already.
    pub fn hold(&self, stamp: &IdempotencyStamp) -> Result<Held<'_>, EngineError> {
        let mut under_way = self.under_way.lock();
        while let Some(request) = under_way.held.get(&stamp.key) {
            if *request != stamp.request {
                return Err(EngineError::IdempotencyMismatch);
            }
            if under_way.waiting == WAITING_MAX {
                return Err(EngineError::IdempotencyInProgress);
            }
            under_way.waiting += 1;
            self.let_go.wait(&mut under_way);
            under_way.waiting -= 1;
        }
        under_way.held.insert(stamp.key, stamp.request);
        Ok(Held { memory: self, key: stamp.key })
    }

    /// Whether the key is known not to have been used. Never waits: not knowing yet counts as no.
    pub fn is_fresh(&self, stamp: &IdempotencyStamp) -> bool {
        self.state.try_lock().is_some_and(|state| state.loaded && !state.known.contains_key(&stamp.key))
    }

    pub fn remember(&self, stamp: &IdempotencyStamp, seq: u64, now_ms: TimestampMs) {
        let mut state = self.state.lock();
        state.insert(stamp, seq, now_ms);
        state.forget_before(now_ms - KEPT_MS);
    }

    /// Reads the keys of the last day from the journal up to `head`, then lets requests with keys through.
    pub fn load(&self, storage: &dyn Storage, head: u64, now_ms: TimestampMs) -> Result<(), EngineError> {
        let outcome = self.read_tail(storage, head, now_ms);
        self.state.lock().loaded = true;
        self.loaded.notify_all();
        outcome
    }

    fn read_tail(&self, storage: &dyn Storage, head: u64, now_ms: TimestampMs) -> Result<(), EngineError> {
        let oldest = now_ms - KEPT_MS;
        let mut seq = first_since(storage, head, oldest)?;
        while seq <= head {
            let entries = storage.read_heads(seq, READ_ENTRIES)?;
            let Some(last) = entries.last() else { break };
            seq = last.seq + 1;
            for entry in entries.iter().filter(|e| e.time_ms >= oldest && e.seq <= head && !e.head.is_empty()) {
                if let Ok(Head { idempotency: Some(stamp), .. }) = Head::decode(&entry.head) {
                    self.state.lock().insert(&stamp, entry.seq, entry.time_ms);
                }
            }
        }
        Ok(())
    }
}

impl State {
    fn insert(&mut self, stamp: &IdempotencyStamp, seq: u64, time_ms: TimestampMs) {
        let known = Known { request: stamp.request, seq, results: stamp.results.clone() };
        if self.known.insert(stamp.key, known).is_none() {
            self.order.push_back((time_ms, stamp.key));
        }
        while self.order.len() > KEYS_MAX {
            self.forget_oldest();
        }
    }

    fn forget_before(&mut self, time_ms: TimestampMs) {
        while self.order.front().is_some_and(|(at, _)| *at < time_ms) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.known.remove(&key);
        }
    }
}

/// First entry not older than `oldest`, by bisection: clocks may step back a little, so some minutes more are read.
fn first_since(storage: &dyn Storage, head: u64, oldest: TimestampMs) -> Result<u64, EngineError> {
    let oldest = oldest - 10 * 60 * 1_000;
    let (mut low, mut high) = (1, head + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match storage.read_heads(middle, 1)?.first() {
            Some(entry) if entry.time_ms < oldest => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

impl fmt::Display for IdempotencyStamp {
    /// Key and request, for work that has to know its request again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&[&self.key[..], &self.request[..]].concat()))
    }
}

/// The stamp of a key for this actor; `results` are filled in when they are known.
///
/// # Errors
/// `request.invalid` for an empty or overlong key.
pub fn stamp(actor: &Actor, key: &IdempotencyKey) -> Result<IdempotencyStamp, EngineError> {
    if key.key.is_empty() || key.key.chars().count() > KEY_CHARS_MAX {
        let said = format!("an Idempotency-Key has 1 to {KEY_CHARS_MAX} characters; a UUID is a good one");
        return Err(EngineError::Request(said));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(actor.id.as_bytes()).update(&[actor.kind as u8]).update(key.key.as_bytes());
    let cut = |hash: &[u8]| {
        let mut short = [0u8; 16];
        short.copy_from_slice(&hash[..16]);
        short
    };
    Ok(IdempotencyStamp { key: cut(hasher.finalize().as_bytes()), request: cut(&key.request), results: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(key: u8) -> IdempotencyStamp {
        IdempotencyStamp { key: [key; 16], request: [7; 16], results: Vec::new() }
    }

    #[test]
    fn more_than_may_wait_for_a_key_are_refused_and_the_others_get_it_one_by_one() {
        let memory = Memory::default();
        std::thread::scope(|scope| {
            let held = memory.hold(&stamp(1)).unwrap();
            let waiting: Vec<_> =
                (0..WAITING_MAX).map(|_| scope.spawn(|| memory.hold(&stamp(1)).map(drop).is_ok())).collect();
            while memory.under_way.lock().waiting < WAITING_MAX {
                std::thread::yield_now();
            }
            assert_eq!(memory.hold(&stamp(1)).map(drop).unwrap_err().code(), "idempotency.in_progress");
            memory.hold(&stamp(2)).map(drop).unwrap();
            drop(held);
            assert!(waiting.into_iter().all(|thread| thread.join().unwrap()));
        });
        let under_way = memory.under_way.lock();
        assert_eq!((under_way.held.len(), under_way.waiting), (0, 0));
    }
}
