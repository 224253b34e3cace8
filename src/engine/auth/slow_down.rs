//! Slows down guessing: failures are counted per account and per address, in memory. Refuses to lock anyone out for good, and to grow
//! with the number of guesses.

use std::collections::HashMap;

use kith_base::{TimestampMs, address::client_of};
use parking_lot::Mutex;

/// Failures that cost nothing: people mistype.
const FREE_FAILURES: u32 = 5;

/// Free failures per address: an office shares one.
const FREE_FAILURES_ADDRESS: u32 = 20;

/// Wait after the first failure that is not free; it doubles with each further one.
const WAIT_FIRST_MS: i64 = 1_000;

/// Longest wait. Long enough to make guessing hopeless, short enough to come back after lunch.
const WAIT_MAX_MS: i64 = 15 * 60 * 1_000;

/// After this time without a failure the count starts again.
const FORGET_MS: i64 = 60 * 60 * 1_000;

/// Accounts and addresses remembered; some 100 bytes each. When full, the ones quiet for longest are forgotten first.
const KEYS_MAX: usize = 20_000;

/// Failures within this time are counted together, whatever account and address: guesses spread over many of both show there alone.
const FLOOD_MS: i64 = 10 * 60 * 1_000;

/// Failures so far, per account and address.
#[derive(Default)]
pub struct SlowDown {
    failures: Mutex<HashMap<Key, Failures>>,
    flood: Mutex<Failures>,
}

/// Failures counted so far, this one included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub account: u32,
    pub address: u32,
    /// Of everybody, within ten minutes.
    pub all: u32,
}

/// A keyed hash instead of the e-mail or address itself, so that attackers cannot fill memory with long ones.
type Key = [u8; 16];

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    last_ms: TimestampMs,
}

/// What is being guessed. Each is counted by itself: whoever knows the password must not get more tries at the code for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guessed {
    Password,
    /// From a network the account was used from before. Strangers who guess cannot make its owner wait.
    PasswordFromHome,
    SecondFactor,
}

/// Who is trying: what was typed as e-mail (or the user's id), and where from.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    pub what: Guessed,
    pub account: &'a str,
    /// Address of the client, empty where there is none (command line).
    pub address: &'a str,
}

impl Attempt<'_> {
    fn keys(&self) -> [(Option<Key>, u32); 2] {
        let key = |sort: &str, text: &str| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(sort.as_bytes());
            hasher.update(text.trim().to_lowercase().as_bytes());
            let mut key = Key::default();
            key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
            key
        };
        let address = (!self.address.is_empty()).then(|| key("address:", &client_of(self.address)));
        let account = match self.what {
            Guessed::Password => "account:",
            Guessed::PasswordFromHome => "home:",
            Guessed::SecondFactor => "second factor:",
        };
        [(Some(key(account, self.account)), FREE_FAILURES), (address, FREE_FAILURES_ADDRESS)]
    }
}

impl SlowDown {
    /// Counts a try as failed before it is looked at, so that many at once are counted too; `succeeded` takes it back.
    ///
    /// # Errors
    /// Milliseconds to wait; the try is not counted then and must not be looked at.
    pub fn begin(&self, attempt: Attempt<'_>, now_ms: TimestampMs) -> Result<Counts, i64> {
        let mut failures = self.failures.lock();
        let wait = |(key, free): (Option<Key>, u32)| {
            let seen = key.and_then(|key| failures.get(&key))?;
            (now_ms - seen.last_ms < FORGET_MS).then(|| seen.last_ms + wait_after(seen.count, free) - now_ms)
        };
        let wait_ms = attempt.keys().into_iter().filter_map(wait).max().unwrap_or(0);
        if wait_ms > 0 {
            return Err(wait_ms);
        }
        if failures.len() + 2 > KEYS_MAX {
            make_room(&mut failures, now_ms);
        }
        let counted = attempt.keys().map(|(key, _)| {
            let Some(key) = key else { return 0 };
            let seen = failures.entry(key).or_insert(Failures { count: 0, last_ms: now_ms });
            let count = if now_ms - seen.last_ms >= FORGET_MS { 0 } else { seen.count };
            *seen = Failures { count: count.saturating_add(1), last_ms: now_ms };
            seen.count
        });
        Ok(Counts { account: counted[0], address: counted[1], all: self.flooded(now_ms) })
    }

    /// Counts one failure of anybody; `last_ms` is when the counting began.
    fn flooded(&self, now_ms: TimestampMs) -> u32 {
        let mut flood = self.flood.lock();
        if now_ms - flood.last_ms >= FLOOD_MS {
            *flood = Failures { count: 0, last_ms: now_ms };
        }
        flood.count = flood.count.saturating_add(1);
        flood.count
    }

    /// A right password clears the account. The address only loses this try: one known password must not free an attacker to try others.
    pub fn succeeded(&self, attempt: Attempt<'_>) {
        let mut flood = self.flood.lock();
        flood.count = flood.count.saturating_sub(1);
        drop(flood);
        let mut failures = self.failures.lock();
        let [(account, _), (address, _)] = attempt.keys();
        if let Some(account) = account {
            failures.remove(&account);
        }
        if let Some(seen) = address.and_then(|address| failures.get_mut(&address)) {
            seen.count = seen.count.saturating_sub(1);
        }
    }
}

fn wait_after(count: u32, free: u32) -> i64 {
    match count.checked_sub(free) {
        None | Some(0) => 0,
        Some(over) => WAIT_FIRST_MS.checked_shl(over - 1).filter(|ms| *ms > 0).unwrap_or(WAIT_MAX_MS).min(WAIT_MAX_MS),
    }
}

/// Forgets what has run out; if that is not enough, the older half.
fn make_room(failures: &mut HashMap<Key, Failures>, now_ms: TimestampMs) {
    failures.retain(|_, seen| now_ms - seen.last_ms < FORGET_MS);
    if failures.len() >= KEYS_MAX {
        let mut times: Vec<TimestampMs> = failures.values().map(|seen| seen.last_ms).collect();
        times.sort_unstable();
        let middle = times[times.len() / 2];
        let mut spare = KEYS_MAX / 2;
        // The bound holds even when everything happened in the same millisecond.
        failures.retain(|_, seen| {
            let keep = seen.last_ms >= middle && spare > 0;
            spare -= usize::from(keep);
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt<'a>(email: &'a str, address: &'a str) -> Attempt<'a> {
        Attempt { what: Guessed::Password, account: email, address }
    }

    /// The wait after the tries so far, without adding one.
    fn wait_of(slow: &SlowDown, attempt: Attempt<'_>, now: i64) -> i64 {
        let counted = slow.failures.lock().clone();
        let wait = slow.begin(attempt, now).err().unwrap_or(0);
        *slow.failures.lock() = counted;
        wait
    }

    #[test]
    fn the_first_five_failures_are_free_then_the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let slow = SlowDown::default();
        let zoe = attempt("zoe@example.org", "");
        let mut now = 1_000_000;
        let mut waits = Vec::new();
        for _ in 0..20 {
            slow.begin(zoe, now).unwrap();
            let wait = wait_of(&slow, zoe, now);
            waits.push(wait / 1_000);
            now += wait;
        }
        assert_eq!(waits[..9], [0, 0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(waits[19], 900);
    }

    #[test]
    fn tries_made_at_the_same_moment_count_too() {
        let slow = SlowDown::default();
        let let_through = (0..100).filter(|_| slow.begin(attempt("zoe@example.org", ""), 0).is_ok()).count();
        assert_eq!(let_through, 6);
    }

    #[test]
    fn case_and_spaces_of_the_account_do_not_start_a_new_count() {
        let slow = SlowDown::default();
        for email in ["a@x.org", "A@x.org", " a@X.org ", "a@x.ORG", "a@x.org", "a@x.org"] {
            slow.begin(attempt(email, ""), 0).unwrap();
        }
        assert_eq!(slow.begin(attempt("a@x.org", ""), 0), Err(1_000));
        assert!(slow.begin(attempt("b@x.org", ""), 0).is_ok(), "others are not slowed");
        let home = Attempt { what: Guessed::PasswordFromHome, ..attempt("a@x.org", "") };
        assert!(slow.begin(home, 0).is_ok(), "nor is the owner where the account was used before");
        let code = Attempt { what: Guessed::SecondFactor, ..attempt("a@x.org", "") };
        assert_eq!(slow.begin(code, 0).map(|counts| counts.account), Ok(1), "codes are counted by themselves");
    }

    #[test]
    fn an_address_that_tries_many_accounts_is_slowed_even_after_one_success() {
        let slow = SlowDown::default();
        let let_through =
            (0..25).filter(|i| slow.begin(attempt(&format!("user{i}@x.org"), "192.0.2.7"), 0).is_ok()).count();
        assert_eq!(let_through, 21);
        slow.succeeded(attempt("user20@x.org", "192.0.2.7"));
        assert!(slow.begin(attempt("new@x.org", "192.0.2.7"), 0).is_ok());
        assert!(slow.begin(attempt("new2@x.org", "192.0.2.7"), 0).is_err());
        assert!(slow.begin(attempt("new2@x.org", "192.0.2.8"), 0).is_ok());
    }

    #[test]
    fn guesses_at_one_account_from_many_addresses_are_slowed() {
        let slow = SlowDown::default();
        let from = |n: usize| slow.begin(attempt("zoe@x.org", &format!("198.51.100.{n}")), 0).is_ok();
        assert_eq!((0..100).filter(|n| from(*n)).count(), 6);
    }

    #[test]
    fn one_ipv6_line_is_one_address_however_many_it_uses() {
        let slow = SlowDown::default();
        let from = |line: usize, n: usize| {
            slow.begin(attempt(&format!("user{line}{n}@x.org"), &format!("2001:db8:0:{line:x}::{n:x}")), 0).is_ok()
        };
        assert_eq!((0..100).filter(|n| from(1, *n)).count(), 21);
        assert!(from(2, 0), "the next line is somebody else");
    }

    #[test]
    fn guesses_spread_over_accounts_and_addresses_are_counted_together() {
        let slow = SlowDown::default();
        let at = |n: u32, now: i64| {
            slow.begin(attempt(&format!("u{n}@x.org"), &format!("10.0.{}.{}", n / 200, n % 200)), now)
        };
        let all: Vec<Counts> = (0..300).map(|n| at(n, i64::from(n)).unwrap()).collect();
        assert_eq!(all[299], Counts { account: 1, address: 1, all: 300 });
        assert_eq!(at(1_000, FLOOD_MS + 1).unwrap().all, 1, "and forgotten after ten minutes");
    }

    #[test]
    fn success_and_time_clear_an_account() {
        let slow = SlowDown::default();
        let zoe = attempt("zoe@example.org", "");
        for _ in 0..6 {
            slow.begin(zoe, 0).unwrap();
        }
        assert!(slow.begin(zoe, 0).is_err());
        for _ in 0..6 {
            assert!(slow.begin(zoe, FORGET_MS).is_ok(), "the count starts again");
        }
        assert!(slow.begin(zoe, FORGET_MS).is_err());
        slow.succeeded(zoe);
        assert!(slow.begin(zoe, FORGET_MS).is_ok());
    }

    #[test]
    fn memory_stays_bounded_under_a_flood_of_names() {
        for tries_per_ms in [1_000, i64::MAX] {
            let slow = SlowDown::default();
            for i in 0..3 * KEYS_MAX as i64 {
                let _ = slow.begin(attempt(&format!("user{i}@x.org"), ""), i / tries_per_ms);
            }
            assert!(slow.failures.lock().len() <= KEYS_MAX);
        }
    }
}
