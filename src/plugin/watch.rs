//! What an administrator wants to know of a plugin: its log, its calls with their time, its failures; and the circuit breaker that follows from
//! them. In memory, and small.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use kith_base::TimestampMs;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::broadcast;

use crate::{
    breaker::{Breaker, BreakerState},
    runtime::{CallError, CallInfo, Capability},
};

/// Lines kept.
const LINES: usize = 1_000;

/// Calls kept one by one.
const CALLS: usize = 200;

/// Calls of one plugin at the same time, so that a slow one does not take the places of all.
const AT_ONCE: u32 = 16;

/// No call is given more time.
const CALL_MAX: Duration = Duration::from_secs(30);

/// While calls are waited for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Live readers of the log may lag behind by this many lines.
const STREAMED: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// One line of a plugin's log, its own or the host's about it.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub at: TimestampMs,
    pub level: Level,
    pub message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(String, String)>,
    /// The call it was written in.
    pub call: String,
}

/// One call that is over.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    pub at: TimestampMs,
    pub id: String,
    pub capability: Capability,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub micros: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Sums over all calls of a capability since the start.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    pub calls: u64,
    pub failures: u64,
    pub micros: u64,
    pub slowest_micros: u64,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<Line>,
    left_out: u64,
    calls: VecDeque<Call>,
    figures: BTreeMap<Capability, Figures>,
    breakers: BTreeMap<Capability, Breaker>,
}

/// See the module. Lives as long as the plugin is installed and the server runs.
pub struct Watch {
    kept: Mutex<Kept>,
    running: AtomicU32,
    live: broadcast::Sender<Line>,
}

impl Default for Watch {
    fn default() -> Watch {
        Watch { kept: Mutex::default(), running: AtomicU32::new(0), live: broadcast::channel(STREAMED).0 }
    }
}

/// What the plugin's page shows.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    pub capability: Capability,
    #[serde(flatten)]
    pub figures: Figures,
    pub circuit: BreakerState,
}

impl Watch {
    pub fn log(&self, line: Line) {
        // Nobody has to listen.
        drop(self.live.send(line.clone()));
        let mut kept = self.kept.lock();
        if kept.lines.len() == LINES {
            kept.lines.pop_front();
        }
        kept.lines.push_back(line);
    }

    /// A line of the host about the plugin.
    pub fn note(&self, message: &str) {
        let at = kith_base::Clock::now_ms(&kith_base::SystemClock);
        self.log(Line { at, level: Level::Warn, message: message.into(), attributes: Vec::new(), call: String::new() });
    }

    /// Lines that were not kept because a call wrote too many.
    pub fn left_out(&self) {
        self.kept.lock().left_out += 1;
    }

    /// Newest last.
    pub fn lines(&self) -> Vec<Line> {
        self.kept.lock().lines.iter().cloned().collect()
    }

    pub fn lines_left_out(&self) -> u64 {
        self.kept.lock().left_out
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Line> {
        self.live.subscribe()
    }

    /// Newest last.
    pub fn calls(&self) -> Vec<Call> {
        self.kept.lock().calls.iter().cloned().collect()
    }

    pub fn overview(&self, now_ms: TimestampMs) -> Vec<Overview> {
        let kept = self.kept.lock();
        let one = |(capability, figures): (&Capability, &Figures)| Overview {
            capability: *capability,
            figures: figures.clone(),
            circuit: kept.breakers.get(capability).map_or(BreakerState::Closed, |b| b.state(now_ms)),
        };
        kept.figures.iter().map(one).collect()
    }

    /// A place for one more call; none when all are taken.
    pub(crate) fn slot(self: &Arc<Self>) -> Option<Slot> {
        let taken = self.running.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| (n < AT_ONCE).then_some(n + 1));
        taken.is_ok().then(|| Slot(self.clone()))
    }

    /// Waits until no call is under way, or as long as the longest may take. Blocks.
    pub(crate) fn wait_for_calls(&self) {
        let began = Instant::now();
        while self.running.load(Ordering::Acquire) > 0 && began.elapsed() < CALL_MAX {
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Whether the capability may be called, or rests after failures (until when).
    pub(crate) fn admit(&self, capability: Capability, now_ms: TimestampMs) -> Result<(), TimestampMs> {
        self.kept.lock().breakers.entry(capability).or_default().admit(now_ms)
    }

    /// Whether a call would go through now; takes no try.
    pub(crate) fn is_closed(&self, capability: Capability, now_ms: TimestampMs) -> bool {
        self.kept.lock().breakers.get(&capability).is_none_or(|b| b.state(now_ms) != BreakerState::Open)
    }

    /// Takes in how a call ended.
    pub(crate) fn ended(&self, info: &CallInfo, micros: u64, error: Option<&CallError>) {
        let mut kept = self.kept.lock();
        let figures = kept.figures.entry(info.capability).or_default();
        figures.calls += 1;
        figures.failures += u64::from(error.is_some());
        figures.micros += micros;
        figures.slowest_micros = figures.slowest_micros.max(micros);
        kept.breakers.entry(info.capability).or_default().ended(info.now_ms, error.is_none());
        if kept.calls.len() == CALLS {
            kept.calls.pop_front();
        }
        let said = error.map(ToString::to_string);
        kept.calls.push_back(Call {
            at: info.now_ms,
            id: info.id.clone(),
            capability: info.capability,
            name: info.name.clone(),
            micros,
            error: said.clone(),
        });
        drop(kept);
        if let Some(said) = said {
            let message = format!("{} {said}", info.place());
            self.log(Line {
                at: info.now_ms,
                level: Level::Error,
                message,
                attributes: Vec::new(),
                call: info.id.clone(),
            });
        }
    }

    /// Since when a capability has not recovered; for turning a plugin off after a day.
    pub fn failing_since(&self) -> Option<(Capability, TimestampMs)> {
        let kept = self.kept.lock();
        kept.breakers.iter().filter_map(|(c, b)| Some((*c, b.failing_since()?))).min_by_key(|(_, since)| *since)
    }
}

/// See `Watch::slot`.
pub(crate) struct Slot(Arc<Watch>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}
