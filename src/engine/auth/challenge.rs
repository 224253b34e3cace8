//! Sign-ins that wait for their second factor, and enrolments that wait for their first code. In memory only and for minutes: after a
//! restart one begins again. Refuses to grow with the number of tries.

use std::{collections::HashMap, hash::Hash};

use kith_base::{RecordId, Secret, TimestampMs};
use parking_lot::Mutex;

use crate::EngineError;

/// Time to find the phone.
pub const CHALLENGE_MS: i64 = 5 * 60 * 1_000;

/// Time to install an app and scan the picture.
pub const ENROL_MS: i64 = 15 * 60 * 1_000;

/// Codes tried on one challenge; then one signs in again.
const TRIES_MAX: u32 = 5;

/// Kept at a time, some 200 bytes each. Only who knows a password makes one.
const WAITING_MAX: usize = 5_000;

/// A password was right; the code is still to come.
#[derive(Clone)]
pub struct Waiting {
    pub user: RecordId,
    /// Of the user's sessions: a change of role or state ends the challenge too.
    pub epoch: i64,
    pub expires_at: TimestampMs,
    /// The seed that the code confirms, where the user has none yet and needs one.
    pub enrol: Option<Secret<String>>,
    tries: u32,
}

/// A seed that its owner has not confirmed yet.
struct Enrolment {
    seed: Secret<String>,
    expires_at: TimestampMs,
}

/// All that wait.
#[derive(Default)]
pub struct Challenges {
    waiting: Mutex<HashMap<[u8; 32], Waiting>>,
    enrolling: Mutex<HashMap<RecordId, Enrolment>>,
}

impl Challenges {
    /// A word that stands for a right password, for some minutes.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn issue(
        &self,
        user: RecordId,
        epoch: i64,
        enrol: Option<Secret<String>>,
        now: TimestampMs,
    ) -> Result<(Secret<String>, TimestampMs), EngineError> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(|e| EngineError::Internal(format!("the system has no randomness: {e}")))?;
        let word: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let life = if enrol.is_some() { ENROL_MS } else { CHALLENGE_MS };
        let expires_at = now.saturating_add(life);
        let mut waiting = self.waiting.lock();
        make_room(&mut waiting, now, |waiting| waiting.expires_at);
        waiting.insert(key(&word), Waiting { user, epoch, expires_at, enrol, tries: 0 });
        Ok((Secret::new(word), expires_at))
    }

    /// What a word stands for, counting one try; none when it is unknown, over or tried too often.
    pub fn look(&self, word: &str, now: TimestampMs) -> Option<Waiting> {
        let mut waiting = self.waiting.lock();
        let key = key(word);
        let found = waiting.get_mut(&key)?;
        found.tries += 1;
        if found.expires_at <= now || found.tries > TRIES_MAX {
            waiting.remove(&key);
            return None;
        }
        Some(found.clone())
    }

    /// Ends a challenge.
    pub fn done(&self, word: &str) {
        self.waiting.lock().remove(&key(word));
    }

    /// Keeps a seed until its owner confirms it; an earlier one is forgotten.
    pub fn enrol(&self, user: RecordId, seed: Secret<String>, now: TimestampMs) {
        let mut enrolling = self.enrolling.lock();
        make_room(&mut enrolling, now, |enrolment| enrolment.expires_at);
        enrolling.insert(user, Enrolment { seed, expires_at: now.saturating_add(ENROL_MS) });
    }

    /// The seed that waits for the user's first code.
    pub fn enrolling(&self, user: RecordId, now: TimestampMs) -> Option<Secret<String>> {
        self.enrolling.lock().get(&user).filter(|e| e.expires_at > now).map(|e| e.seed.clone())
    }

    pub fn enrolled(&self, user: RecordId) {
        self.enrolling.lock().remove(&user);
    }
}

/// Only a hash is a key: finding it in the map takes no longer for a word that is nearly right.
fn key(word: &str) -> [u8; 32] {
    *blake3::hash(word.as_bytes()).as_bytes()
}

/// Forgets what has run out; if that is not enough, the one that runs out first.
fn make_room<K: Clone + Eq + Hash, V>(all: &mut HashMap<K, V>, now: TimestampMs, expires: impl Fn(&V) -> TimestampMs) {
    if all.len() < WAITING_MAX {
        return;
    }
    all.retain(|_, value| expires(value) > now);
    if all.len() >= WAITING_MAX
        && let Some(first) = all.iter().min_by_key(|(_, value)| expires(value)).map(|(key, _)| key.clone())
    {
        all.remove(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: RecordId = RecordId([7; 16]);

    #[test]
    fn a_challenge_ends_with_time_tries_and_use() {
        let all = Challenges::default();
        let issue = || all.issue(USER, 3, None, 0).unwrap().0;
        let word = issue();
        assert_eq!(all.look(word.expose(), CHALLENGE_MS - 1).map(|w| (w.user, w.epoch)), Some((USER, 3)));
        assert!(all.look(word.expose(), CHALLENGE_MS).is_none() && all.look(word.expose(), 0).is_none());
        let word = issue();
        assert_eq!((0..10).filter(|_| all.look(word.expose(), 0).is_some()).count(), TRIES_MAX as usize);
        let word = issue();
        all.done(word.expose());
        assert!(all.look(word.expose(), 0).is_none());
        assert!(all.look("", 0).is_none());
    }

    #[test]
    fn memory_stays_bounded() {
        let all = Challenges::default();
        for n in 0..WAITING_MAX as i64 + 50 {
            all.issue(USER, 0, None, n / 100).unwrap();
        }
        assert_eq!(all.waiting.lock().len(), WAITING_MAX);
    }

    #[test]
    fn an_enrolment_is_forgotten_after_a_while() {
        let all = Challenges::default();
        all.enrol(USER, Secret::new("SEED".into()), 0);
        assert!(all.enrolling(USER, ENROL_MS - 1).is_some() && all.enrolling(USER, ENROL_MS).is_none());
        all.enrolled(USER);
        assert!(all.enrolling(USER, 0).is_none());
    }
}
