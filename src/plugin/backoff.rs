//! How long to wait before the next attempt. Pure.

use kith_base::TimestampMs;

/// Attempts before something is given up.
pub const ATTEMPTS_MAX: u32 = 12;

const SECOND: TimestampMs = 1_000;
const MINUTE: TimestampMs = 60 * SECOND;

/// Longest wait that a plugin may ask for.
const ASKED_MAX: TimestampMs = 24 * 60 * MINUTE;

/// Milliseconds to wait after this many failed attempts.
pub fn after(attempts: u32) -> TimestampMs {
    match attempts {
        0 | 1 => 5 * SECOND,
        2 => 30 * SECOND,
        3 => 2 * MINUTE,
        4 => 10 * MINUTE,
        _ => 60 * MINUTE,
    }
}

/// What a plugin asked for, within reason.
pub fn asked(seconds: u32) -> TimestampMs {
    (TimestampMs::from(seconds) * SECOND).clamp(SECOND, ASKED_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_attempts_take_the_better_part_of_a_day_and_never_come_closer() {
        let waits: Vec<TimestampMs> = (1..ATTEMPTS_MAX).map(after).collect();
        assert!(waits.is_sorted());
        let hours = waits.iter().sum::<TimestampMs>() / (60 * MINUTE);
        assert_eq!((waits[0], hours), (5 * SECOND, 7));
        assert_eq!((asked(0), asked(u32::MAX)), (SECOND, ASKED_MAX));
    }
}
