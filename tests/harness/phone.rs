//! An authenticator app, for tests that sign in with a second factor. Its own few lines of RFC 6238: what the server accepts is
//! what other people's apps show.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The code of the half minute `steps` from now.
pub fn code(seed: &str, steps: i64) -> String {
    let mut now = seconds();
    // A code of the step before is too old once this one ends, so it is not taken when there is hardly time to send it.
    while now % 30 > 26 {
        std::thread::sleep(Duration::from_millis(200));
        now = seconds();
    }
    let key = BASE32_NOPAD.decode(seed.as_bytes()).expect("a seed in base32");
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).expect("a key of any length");
    mac.update(&(now / 30 + steps).to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 15);
    let word = u32::from_be_bytes([hash[at], hash[at + 1], hash[at + 2], hash[at + 3]]) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

fn seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs() as i64
}
