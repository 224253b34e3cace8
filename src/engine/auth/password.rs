//! Passwords: what is accepted, how they are hashed and checked. Never keeps, prints or compares one in the clear.

use std::sync::LazyLock;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use kith_base::Secret;
use parking_lot::{Condvar, Mutex};

use crate::EngineError;

/// Characters at least. Length protects better than character classes; ten keeps guessing offline expensive under argon2id.
pub const PASSWORD_CHARS_MIN: usize = 10;

/// Bytes at most, so that nobody makes us hash a megabyte.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Memory of one hash, in KiB. Above the 19 MiB that OWASP asks for at two passes, and little enough for a small server.
const MEMORY_KIB: u32 = 32 * 1024;

/// Passes over the memory: with 32 MiB some 50 ms on a small server, unnoticed at sign-in and dear to whoever tries millions.
const PASSES: u32 = 3;

/// Lanes. One: we do not hash on several threads.
const LANES: u32 = 1;

/// Hashes at the same time, so that a flood of sign-ins needs 64 MiB and not gigabytes. Others wait their turn.
const HASHES_AT_ONCE: usize = 2;

/// Parts of passwords that lists of leaked ones begin with; a password that is one of them, repeated or with digits, is refused.
const COMMON: [&str; 14] = [
    "password",
    "passwort",
    "qwerty",
    "qwertz",
    "azerty",
    "letmein",
    "welcome",
    "admin",
    "iloveyou",
    "abc123",
    "123456",
    "1234567890",
    "changeme",
    "kith",
];

static SLOTS: Slots = Slots { free: Mutex::new(HASHES_AT_ONCE), freed: Condvar::new() };

/// What a wrong user's password is checked against, so that it takes as long as a right user's.
static DUMMY: LazyLock<String> =
    LazyLock::new(|| hash(&Secret::new("nobody has this password".into())).unwrap_or_default());

/// Refuses passwords that are too short, too long, too simple, or made of the account's own e-mail or name.
///
/// # Errors
/// `record.invalid` on the field `password`, saying what would be accepted.
pub fn check(password: &Secret<String>, email: &str, name: &str) -> Result<(), EngineError> {
    let refuse = |code: &str, message: String| Err(EngineError::invalid("password", code, message));
    let text = password.expose();
    let chars = text.chars().count();
    if chars < PASSWORD_CHARS_MIN {
        return refuse("too_short", format!("the password has {chars} characters; use at least {PASSWORD_CHARS_MIN}"));
    }
    if text.len() > PASSWORD_BYTES_MAX {
        return refuse(
            "too_long",
            format!("the password is longer than {PASSWORD_BYTES_MAX} bytes; use a shorter one"),
        );
    }
    let folded = text.to_lowercase();
    let own = [email, email.split('@').next().unwrap_or(""), name].map(str::to_lowercase);
    if own.iter().any(|part| part.chars().count() >= 3 && without(&folded, part).chars().count() < 4) {
        return refuse(
            "too_simple",
            "the password is your e-mail or name; use words that nobody connects with you".into(),
        );
    }
    let mut different: Vec<char> = folded.chars().collect();
    different.sort_unstable();
    different.dedup();
    let letters = folded.trim_matches(|c: char| !c.is_alphabetic());
    if different.len() < 4
        || COMMON.iter().any(|common| without(letters, common).is_empty() || without(&folded, common).is_empty())
    {
        return refuse(
            "too_simple",
            "the password is one of those tried first; use several words that do not belong together".into(),
        );
    }
    Ok(())
}

/// `text` with every occurrence of `part` taken out.
fn without(text: &str, part: &str) -> String {
    if part.is_empty() { text.to_string() } else { text.replace(part, "") }
}

/// Makes what a wrong user is checked against, so that the first one does not take longer.
pub fn prepare() {
    LazyLock::force(&DUMMY);
}

/// The argon2id hash in PHC format, with a fresh salt. Waits while two others are being made.
pub fn hash(password: &Secret<String>) -> Result<String, EngineError> {
    let _slot = SLOTS.take();
    let hashed = argon2()?.hash_password(password.expose().as_bytes());
    // The cause names parameters only; the password is not in it.
    hashed.map(|h| h.to_string()).map_err(|e| EngineError::Internal(format!("the password could not be hashed: {e}")))
}

/// Whether `password` belongs to `stored`. Without a stored hash it takes as long and says no.
pub fn verify(password: &Secret<String>, stored: Option<&str>) -> bool {
    let known = stored.is_some_and(|s| !s.is_empty());
    let against = stored.filter(|s| !s.is_empty()).unwrap_or_else(|| DUMMY.as_str());
    // Nobody has a longer one; cut so that checking stays cheap, and never matches.
    let too_long = password.expose().len() > PASSWORD_BYTES_MAX;
    let tried = if too_long { &b"too long to be anyone's"[..] } else { password.expose().as_bytes() };
    let _slot = SLOTS.take();
    let matches = PasswordHash::new(against)
        .is_ok_and(|parsed| argon2().is_ok_and(|argon2| argon2.verify_password(tried, &parsed).is_ok()));
    matches && known && !too_long
}

fn argon2() -> Result<Argon2<'static>, EngineError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|e| EngineError::Internal(format!("argon2 refuses its parameters: {e}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// A counting semaphore: blocking on purpose, since hashing runs on threads that may block.
struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

struct Slot<'a>(&'a Slots);

impl Slots {
    fn take(&self) -> Slot<'_> {
        let mut free = self.free.lock();
        while *free == 0 {
            self.freed.wait(&mut free);
        }
        *free -= 1;
        Slot(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
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
        assert!(verify(&secret("correct horse battery"), Some(&one)));
        assert!(!verify(&secret("correct horse batterz"), Some(&one)));
    }

    #[test]
    fn without_a_hash_nothing_matches_not_even_the_dummy_password() {
        assert!(!verify(&secret("nobody has this password"), None));
        assert!(!verify(&secret("nobody has this password"), Some("")));
        assert!(!verify(&secret("anything at all"), Some("not a hash")));
        assert!(!verify(&secret(&"x".repeat(5_000)), None));
    }

    #[test]
    fn weak_passwords_are_refused_with_the_reason() {
        let table = [
            ("short", "too_short"),
            ("ninechars", "too_short"),
            ("zoë.ohara@example.org", "too_simple"),
            ("zoë.ohara12", "too_simple"),
            ("Zoë O'Hara1", "too_simple"),
            ("aaaaaaaaaaaa", "too_simple"),
            ("1234567890", "too_simple"),
            ("Password123", "too_simple"),
            ("passwordpassword", "too_simple"),
            (&"long".repeat(300), "too_long"),
        ];
        for (password, code) in table {
            let error = check(&secret(password), "zoë.ohara@example.org", "Zoë O'Hara").unwrap_err();
            assert_eq!((error.code(), error.violations()[0].code.as_str()), ("record.invalid", code), "{password}");
            assert!(!error.to_string().contains(password), "the message does not repeat the password");
        }
        for password in
            ["correct horse battery", "ŝlosilo-kaj-pordo", "パスワードではない文です", "admin-of-the-seven-seas"]
        {
            assert!(check(&secret(password), "zoë.ohara@example.org", "Zoë O'Hara").is_ok(), "{password}");
        }
    }
}
