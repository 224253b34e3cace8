//! The circuit breaker of one capability: after repeated failures it is left alone for a while, then tried with one call. Pure.

use std::collections::VecDeque;

use kith_base::TimestampMs;
use serde::Serialize;

/// Failures in a row that open it.
const IN_A_ROW: u32 = 5;

/// It also opens when more than half of so many calls failed …
const WINDOW_CALLS: usize = 20;

/// … within this time.
const WINDOW_MS: TimestampMs = 5 * 60 * 1_000;

const REST_FIRST_MS: TimestampMs = 30 * 1_000;
const REST_MAX_MS: TimestampMs = 30 * 60 * 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerState {
    Closed,
    /// Not called.
    Open,
    /// The next call decides.
    HalfOpen,
}

#[derive(Clone, Debug, Default)]
pub struct Breaker {
    in_a_row: u32,
    recent: VecDeque<(TimestampMs, bool)>,
    open_until: Option<TimestampMs>,
    rest_ms: TimestampMs,
    /// The call that decides is under way since.
    trying: Option<TimestampMs>,
    failing_since: Option<TimestampMs>,
}

impl Breaker {
    pub fn state(&self, now: TimestampMs) -> BreakerState {
        match self.open_until {
            None => BreakerState::Closed,
            Some(until) if now < until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Whether a call may go through; else until when to wait.
    pub fn admit(&mut self, now: TimestampMs) -> Result<(), TimestampMs> {
        match (self.state(now), self.trying) {
            (BreakerState::Closed, _) => Ok(()),
            (BreakerState::Open, _) => Err(self.open_until.unwrap_or(now)),
            // One try at a time; one whose end was never told does not block for ever.
            (BreakerState::HalfOpen, Some(since)) if now < since + REST_FIRST_MS => Err(since + REST_FIRST_MS),
            (BreakerState::HalfOpen, _) => {
                self.trying = Some(now);
                Ok(())
            }
        }
    }

    pub fn ended(&mut self, now: TimestampMs, well: bool) {
        let tried = self.trying.take().is_some();
        while self.recent.front().is_some_and(|(at, _)| at + WINDOW_MS < now) || self.recent.len() >= WINDOW_CALLS {
            self.recent.pop_front();
        }
        self.recent.push_back((now, well));
        if well {
            self.in_a_row = 0;
            self.failing_since = None;
            if tried {
                self.open_until = None;
                self.rest_ms = 0;
                self.recent.clear();
            }
            return;
        }
        self.in_a_row += 1;
        self.failing_since.get_or_insert(now);
        let failed = self.recent.iter().filter(|(_, well)| !well).count();
        let often = self.recent.len() == WINDOW_CALLS && failed > WINDOW_CALLS / 2;
        if tried || (self.state(now) == BreakerState::Closed && (self.in_a_row >= IN_A_ROW || often)) {
            self.rest_ms = (self.rest_ms * 2).clamp(REST_FIRST_MS, REST_MAX_MS);
            self.open_until = Some(now + self.rest_ms);
        }
    }

    /// Since when nothing went well.
    pub fn failing_since(&self) -> Option<TimestampMs> {
        self.failing_since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_open_it_and_one_good_try_closes_it() {
        let mut breaker = Breaker::default();
        for at in 0..4 {
            breaker.ended(at, false);
            assert!(breaker.admit(at).is_ok());
        }
        breaker.ended(4, false);
        assert_eq!(breaker.admit(5), Err(4 + REST_FIRST_MS));
        let later = 4 + REST_FIRST_MS;
        assert!(breaker.admit(later).is_ok(), "one try");
        assert!(breaker.admit(later).is_err(), "and only one");
        breaker.ended(later, true);
        assert_eq!(breaker.state(later), BreakerState::Closed);
        assert_eq!(breaker.failing_since(), None);
    }

    #[test]
    fn every_failed_try_doubles_the_rest_up_to_half_an_hour() {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker.ended(0, false);
        }
        let mut now = 0;
        let mut rests = Vec::new();
        for _ in 0..9 {
            let until = breaker.admit(now).unwrap_err();
            rests.push((until - now) / 1_000);
            now = until;
            assert!(breaker.admit(now).is_ok());
            breaker.ended(now, false);
        }
        assert_eq!(rests, [30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800]);
        assert_eq!(breaker.failing_since(), Some(0));
    }

    #[test]
    fn failing_more_than_half_of_twenty_opens_it_unless_they_are_long_ago() {
        let (mut quick, mut slow) = (Breaker::default(), Breaker::default());
        for n in 0..20 {
            let well = n % 5 < 2;
            quick.ended(n, well);
            slow.ended(n * WINDOW_MS, well);
        }
        assert_eq!(quick.state(20), BreakerState::Open);
        assert_eq!(slow.state(20 * WINDOW_MS), BreakerState::Closed);
    }

    #[test]
    fn a_try_that_never_ended_does_not_block_for_ever() {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker.ended(0, false);
        }
        assert!(breaker.admit(REST_FIRST_MS).is_ok());
        assert!(breaker.admit(REST_FIRST_MS + 1).is_err());
        assert!(breaker.admit(2 * REST_FIRST_MS).is_ok());
    }
}
