//! What an administrator wants to know of a plugin: its log, its calls with their time, its failures; and the circuit breaker that follows from
//! them. In memory, and small; live for those who look on.

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
    asking::clip,
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

/// Those who look on may lag behind by this many lines and calls.
const STREAMED: usize = 1_024;

/// Characters of an input or an answer that they see.
const GLIMPSE_CHARS: usize = 400;

/// Failures of one plugin in an hour that leave a trace: what fails at every save must not fill the disk.
const TRACED_FAILURES: usize = 20;

const HOUR_MS: TimestampMs = 3_600_000;

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
    /// Its trace, where one is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// One call of the host, with the beginning of what was asked and answered.
#[derive(Clone, Debug, Serialize)]
pub struct HostCall {
    pub at: TimestampMs,
    /// The plugin's call it came from.
    pub call: String,
    pub name: &'static str,
    pub micros: u64,
    pub input: String,
    pub answer: String,
}

/// What those who look on are told.
#[derive(Clone, Debug)]
pub enum Live {
    Line(Line),
    Host(HostCall),
    Call(Call),
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
    /// When the last failures left a trace.
    traced: VecDeque<TimestampMs>,
}

/// See the module. Lives as long as the plugin is installed and the server runs.
pub struct Watch {
    kept: Mutex<Kept>,
    running: AtomicU32,
    /// Calls that leave a trace whatever their outcome, because somebody asked for it.
    tracing: AtomicU32,
    live: broadcast::Sender<Live>,
}

impl Default for Watch {
    fn default() -> Watch {
        Watch {
            kept: Mutex::default(),
            running: AtomicU32::new(0),
            tracing: AtomicU32::new(0),
            live: broadcast::channel(STREAMED).0,
        }
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
        let mut kept = self.kept.lock();
        // Nobody has to listen. Sent while the lines are held, so that whoever begins to look on misses none and sees none twice.
        drop(self.live.send(Live::Line(line.clone())));
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

    /// The lines so far, and all that comes after them.
    pub fn follow(&self) -> (Vec<Line>, broadcast::Receiver<Live>) {
        let kept = self.kept.lock();
        (kept.lines.iter().cloned().collect(), self.live.subscribe())
    }

    /// Tells those who look on of a call of the host. `noted`: input and answer as JSON, where they were kept.
    pub(crate) fn host_call(&self, info: &CallInfo, name: &'static str, began: Instant, noted: Option<(&str, &str)>) {
        if self.live.receiver_count() == 0 {
            return;
        }
        let (input, answer) = noted.unwrap_or_default();
        drop(self.live.send(Live::Host(HostCall {
            at: info.now_ms,
            call: info.id.clone(),
            name,
            micros: micros_since(began),
            input: clip(input, GLIMPSE_CHARS),
            answer: clip(answer, GLIMPSE_CHARS),
        })));
    }

    /// From now on so many calls leave a trace; 0: only failures.
    pub fn trace(&self, calls: u32) {
        self.tracing.store(calls, Ordering::Release);
    }

    /// Calls still to be traced.
    pub fn tracing(&self) -> u32 {
        self.tracing.load(Ordering::Acquire)
    }

    /// Whether a call that ended like this leaves a trace.
    pub(crate) fn leaves_trace(&self, now_ms: TimestampMs, error: Option<&CallError>) -> bool {
        let asked = self.tracing.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok();
        // Nothing of it ran.
        let failed = error.is_some_and(|error| !matches!(error, CallError::Busy));
        if asked || !failed {
            return asked && !matches!(error, Some(CallError::Busy));
        }
        let mut kept = self.kept.lock();
        if kept.traced.len() == TRACED_FAILURES {
            if kept.traced.front().is_some_and(|at| now_ms - at < HOUR_MS) {
                return false;
            }
            kept.traced.pop_front();
        }
        kept.traced.push_back(now_ms);
        true
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
    pub(crate) fn ended(&self, info: &CallInfo, micros: u64, error: Option<&CallError>, trace: Option<String>) {
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
        let call = Call {
            at: info.now_ms,
            id: info.id.clone(),
            capability: info.capability,
            name: info.name.clone(),
            micros,
            error: said.clone(),
            trace,
        };
        if self.live.receiver_count() > 0 {
            drop(self.live.send(Live::Call(call.clone())));
        }
        kept.calls.push_back(call);
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

pub(crate) fn micros_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// See `Watch::slot`.
pub(crate) struct Slot(Arc<Watch>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_leave_few_traces_an_hour_and_other_calls_as_many_as_were_asked_for() {
        let watch = Watch::default();
        let failed = CallError::Trap("it gave up".into());
        let traced = (0..100).filter(|n| watch.leaves_trace(*n, Some(&failed))).count();
        assert_eq!(traced, TRACED_FAILURES);
        assert!(watch.leaves_trace(HOUR_MS, Some(&failed)), "the first of them was an hour ago");
        assert!(!watch.leaves_trace(HOUR_MS, Some(&failed)));
        assert!(!watch.leaves_trace(0, None));
        watch.trace(2);
        assert!(!watch.leaves_trace(0, Some(&CallError::Busy)), "nothing ran");
        assert!(watch.leaves_trace(0, None) && !watch.leaves_trace(0, None));
    }

    #[test]
    fn whoever_looks_on_sees_each_line_once() {
        let watch = Watch::default();
        watch.note("before");
        let (lines, mut live) = watch.follow();
        watch.note("after");
        assert_eq!(lines.iter().map(|line| &*line.message).collect::<Vec<_>>(), ["before"]);
        assert!(matches!(live.try_recv(), Ok(Live::Line(line)) if line.message == "after"));
        assert!(live.try_recv().is_err());
    }
}
