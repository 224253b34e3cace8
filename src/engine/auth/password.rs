//! Passwords: what is accepted, how they are hashed and checked. Never keeps, prints or compares one in the clear.

use std::sync::LazyLock;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use kith_base::Secret;
use parking_lot::{Condvar, Mutex};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;
use zxcvbn::Score;

use crate::EngineError;

/// Characters at least. Whatever is shorter falls to guessing offline, however odd it looks.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// Bytes at most, so that nobody makes us hash a megabyte. Nobody types more.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Strength at least, of zxcvbn's 0 to 4: some hundred million guesses, which argon2id makes dear.
const SCORE_MIN: Score = Score::Three;

/// Characters of one's own words that zxcvbn compares with; more say nothing and cost time.
const INPUT_CHARS_MAX: usize = 100;

/// Memory of one hash, in KiB. Above the 19 MiB that OWASP asks for at two passes, and little enough for a small server.
const MEMORY_KIB: u32 = 32 * 1024;

/// Passes over the memory: with 32 MiB some 50 ms on a small server, unnoticed at sign-in and dear to whoever tries millions.
const PASSES: u32 = 3;

/// Lanes. One: we do not hash on several threads.
const LANES: u32 = 1;

/// Hashes at the same time, at most: as many as there are cores, so that a flood of sign-ins needs megabytes and not gigabytes.
const HASHES_AT_ONCE_MAX: usize = 8;

/// Those that may wait for their turn: some seconds' worth. They hold threads that other requests need, so the next one is sent away.
const WAITING_MAX: usize = 128;

/// What somebody hears who was sent away.
const BUSY_SECONDS: u64 = 2;

static SLOTS: LazyLock<Slots> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Slots::new(cores.min(HASHES_AT_ONCE_MAX))
});

/// What a wrong user's password is checked against, so that it takes as long as a right user's.
static DUMMY: LazyLock<String> =
    LazyLock::new(|| hash(&Secret::new("nobody has this password".into())).unwrap_or_default());

/// How a password would fare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strength {
    /// 0 to 4; 3 and 4 are accepted when the password is long enough.
    pub score: u8,
    /// Code and sentence of the refusal; none: it would be accepted.
    pub refused: Option<(&'static str, String)>,
}

/// Looks at a password with the words that an attacker who knows the account would try first: name, e-mail, workspace.
pub fn strength(password: &Secret<String>, own: &[&str]) -> Strength {
    let text = normal(password);
    let chars = text.chars().count();
    if text.len() > PASSWORD_BYTES_MAX {
        let said = format!("the password is longer than {PASSWORD_BYTES_MAX} bytes; use a shorter one");
        return Strength { score: 0, refused: Some(("too_long", said)) };
    }
    let inputs = words_of(own);
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let found = zxcvbn::zxcvbn(&text, &inputs);
    let score = found.score();
    let refused = if chars < PASSWORD_CHARS_MIN {
        let said = format!("the password has {chars} characters; use at least {PASSWORD_CHARS_MIN}");
        Some(("too_short", said))
    } else if is_own(&text, own) {
        let said = "the password is your e-mail or name; use words that nobody connects with you";
        Some(("too_simple", said.to_string()))
    } else if score < SCORE_MIN {
        Some(("too_simple", advice(found.feedback())))
    } else {
        None
    };
    Strength { score: score.into(), refused }
}

/// Refuses passwords that are too short, too long, or guessed too soon. There are no rules about kinds of characters: they make people
/// write `Password1!`.
///
/// # Errors
/// `record.invalid` on the field `password`, saying why, and what would do better.
pub fn check(password: &Secret<String>, own: &[&str]) -> Result<(), EngineError> {
    match strength(password, own).refused {
        None => Ok(()),
        Some((code, said)) => Err(EngineError::invalid("password", code, said)),
    }
}

/// Why it is weak and what would help, in one sentence.
fn advice(feedback: Option<&zxcvbn::feedback::Feedback>) -> String {
    let why = feedback.and_then(|f| f.warning()).map(|warning| warning.to_string());
    let how: Vec<String> = feedback.into_iter().flat_map(|f| f.suggestions()).map(ToString::to_string).collect();
    let how = if how.is_empty() { "Use several words that do not belong together.".to_string() } else { how.join(" ") };
    format!("the password is guessed too soon. {}{how}", why.map_or(String::new(), |why| format!("{why} ")))
}

/// One's own words, whole and in parts.
fn words_of(own: &[&str]) -> Vec<String> {
    let mut words = vec!["kith".to_string()];
    for text in own {
        let text: String = text.to_lowercase().chars().take(INPUT_CHARS_MAX).collect();
        words.extend(
            text.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() >= 3).map(Into::into),
        );
        words.push(text);
    }
    words
}

/// Whether hardly anything is left once one's own words are taken out.
fn is_own(text: &str, own: &[&str]) -> bool {
    let folded = text.to_lowercase();
    let parts = own.iter().flat_map(|text| [text.to_lowercase(), text.split('@').next().unwrap_or("").to_lowercase()]);
    parts.filter(|part| part.chars().count() >= 3).any(|part| folded.replace(&part, "").chars().count() < 4)
}

/// NFKC: the same password typed on another keyboard, with composed or decomposed accents or in full width, is the same password.
fn normal(password: &Secret<String>) -> Zeroizing<String> {
    Zeroizing::new(password.expose().nfkc().collect())
}

/// Makes what a wrong user is checked against, so that the first one does not take longer.
pub fn prepare() {
    LazyLock::force(&DUMMY);
}

/// The argon2id hash in PHC format, with a fresh salt. Waits for its turn.
///
/// # Errors
/// `auth.slow_down` when too many wait already.
pub fn hash(password: &Secret<String>) -> Result<String, EngineError> {
    let _slot = SLOTS.take()?;
    count();
    let hashed = argon2()?.hash_password(normal(password).as_bytes());
    // The cause names parameters only; the password is not in it.
    hashed.map(|h| h.to_string()).map_err(|e| EngineError::Internal(format!("the password could not be hashed: {e}")))
}

/// Whether `password` belongs to `stored`. Without a stored hash it does the same work and says no.
///
/// # Errors
/// `auth.slow_down` when too many wait already; nothing was looked at then.
pub fn verify(password: &Secret<String>, stored: Option<&str>) -> Result<bool, EngineError> {
    // Forced before the turn is taken: making it takes one as well.
    let dummy = DUMMY.as_str();
    let known = stored.is_some_and(|s| !s.is_empty());
    let against = stored.filter(|s| !s.is_empty()).unwrap_or(dummy);
    // Nobody has a longer one; cut so that checking stays cheap, and never matches.
    let too_long = password.expose().len() > PASSWORD_BYTES_MAX;
    let tried = if too_long { Zeroizing::new("too long to be anyone's".into()) } else { normal(password) };
    let _slot = SLOTS.take()?;
    count();
    let matches = PasswordHash::new(against)
        .is_ok_and(|parsed| argon2().is_ok_and(|argon2| argon2.verify_password(tried.as_bytes(), &parsed).is_ok()));
    Ok(matches && known && !too_long)
}

fn argon2() -> Result<Argon2<'static>, EngineError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|e| EngineError::Internal(format!("argon2 refuses its parameters: {e}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
thread_local! {
    /// Evaluations on this thread: a test proves that every answer costs the same number.
    pub static EVALUATIONS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// Notes one evaluation of argon2, in tests.
fn count() {
    #[cfg(test)]
    EVALUATIONS.with(|evaluations| evaluations.set(evaluations.get() + 1));
}

/// A counting semaphore with a short queue: blocking on purpose, since hashing runs on threads that may block.
struct Slots {
    state: Mutex<Turns>,
    freed: Condvar,
}

struct Turns {
    free: usize,
    waiting: usize,
}

struct Slot<'a>(&'a Slots);

impl Slots {
    fn new(free: usize) -> Slots {
        Slots { state: Mutex::new(Turns { free, waiting: 0 }), freed: Condvar::new() }
    }

    fn take(&self) -> Result<Slot<'_>, EngineError> {
        let mut turns = self.state.lock();
        if turns.free == 0 {
            if turns.waiting >= WAITING_MAX {
                return Err(EngineError::SlowDown { seconds: BUSY_SECONDS });
            }
            turns.waiting += 1;
            while turns.free == 0 {
                self.freed.wait(&mut turns);
            }
            turns.waiting -= 1;
        }
        turns.free -= 1;
        Ok(Slot(self))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.state.lock().free += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_string())
    }

    #[test]
    fn a_hash_is_argon2id_salted_and_matches_only_its_password() {
        let (one, two) =
            (hash(&secret("correct horse battery")).unwrap(), hash(&secret("correct horse battery")).unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=32768,t=3,p=1$"), "{one}");
        assert_ne!(one, two, "salted");
        assert!(verify(&secret("correct horse battery"), Some(&one)).unwrap());
        assert!(!verify(&secret("correct horse batterz"), Some(&one)).unwrap());
    }

    #[test]
    fn without_a_hash_nothing_matches_not_even_the_dummy_password() {
        assert!(!verify(&secret("nobody has this password"), None).unwrap());
        assert!(!verify(&secret("nobody has this password"), Some("")).unwrap());
        assert!(!verify(&secret("anything at all"), Some("not a hash")).unwrap());
        assert!(!verify(&secret(&"x".repeat(5_000)), None).unwrap());
    }

    #[test]
    fn weak_passwords_are_refused_with_the_reason() {
        let table = [
            ("short", "too_short"),
            ("seven7!", "too_short"),
            ("zoë.ohara@example.org", "too_simple"),
            ("zoë.ohara12", "too_simple"),
            ("Zoë O'Hara1", "too_simple"),
            ("aaaaaaaaaaaa", "too_simple"),
            ("1234567890", "too_simple"),
            ("Password123", "too_simple"),
            ("P@ssw0rd!", "too_simple"),
            ("qwertyuiop", "too_simple"),
            ("ærøværft1", "too_simple"),
            (&"long".repeat(300), "too_long"),
        ];
        let own = ["zoë.ohara@example.org", "Zoë O'Hara", "Ærøværft"];
        for (password, code) in table {
            let error = check(&secret(password), &own).unwrap_err();
            assert_eq!((error.code(), error.violations()[0].code.as_str()), ("record.invalid", code), "{password}");
            assert!(!error.to_string().contains(password), "the message does not repeat the password");
        }
        let said = check(&secret("Password123"), &own).unwrap_err().to_string();
        assert!(said.contains("common") && said.contains("word"), "why, and how to do better: {said}");
        let long = "ein langer Satz, den niemand kennt ".repeat(4);
        for password in
            ["correct horse battery", "ŝlosilo-kaj-pordo", "パスワードではない文です", "g7#kQz!2w", long.as_str()]
        {
            assert_eq!(strength(&secret(password), &own).refused, None, "{password}");
        }
    }

    #[test]
    fn a_password_is_the_same_however_its_accents_are_typed() {
        let hashed = hash(&secret("ça va très bien")).unwrap();
        assert!(verify(&secret("c\u{327}a va tre\u{300}s bien"), Some(&hashed)).unwrap());
    }

    #[test]
    fn only_so_many_hash_at_a_time_and_only_so_many_wait() {
        let slots = Slots::new(1);
        let held = slots.take().unwrap();
        slots.state.lock().waiting = WAITING_MAX;
        assert_eq!(slots.take().err().unwrap().code(), "auth.slow_down");
        slots.state.lock().waiting = 0;
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| slots.take().map(drop).is_ok());
            drop(held);
            assert!(waiter.join().unwrap());
        });
    }
}
