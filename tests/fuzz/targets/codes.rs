//! One-time codes and recovery codes, as people type them and as a damaged record may keep them.

#![no_main]

use std::sync::LazyLock;

use kith_base::RecordId;
use kith_engine::auth::{otp, recovery};
use libfuzzer_sys::fuzz_target;

const USER: RecordId = RecordId([7; 16]);
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A set of codes: as shown, and as kept.
static SET: LazyLock<(Vec<String>, String)> = LazyLock::new(|| {
    let (words, kept) = recovery::issue(USER).expect("random numbers");
    (words.iter().map(|word| word.expose().clone()).collect(), kept)
});

fuzz_target!(|input: (u8, i64, i64, &str, &str)| {
    let (mode, now, used, one, other) = input;
    match mode % 4 {
        0 => drop(otp::step_of(one, other, now, used)),
        1 => {
            if let Some(step) = otp::step_of(SEED, one, now, used) {
                assert!(one.len() == 6 && one.bytes().all(|byte| byte.is_ascii_digit()) && step > used);
                assert!((step - now.div_euclid(30_000)).abs() <= 1);
                assert_eq!(otp::step_of(SEED, one, now, step), None, "a code works twice");
            }
        }
        2 => {
            if let Some(rest) = recovery::take(USER, one, other) {
                assert!(recovery::left(&rest) < recovery::left(one));
            }
        }
        _ => {
            let (words, kept) = &*SET;
            let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
            let typed = if mode > 127 { format!("{}{one}", words[0]) } else { one.to_string() };
            if let Some(rest) = recovery::take(USER, kept, &typed) {
                let alike = |text: String| text.replace('0', "O").replace('1', "I").replace('8', "B");
                assert!(words.iter().any(|word| plain(word) == alike(plain(&typed))), "another word is a code");
                assert_eq!(recovery::take(USER, &rest, &typed), None, "a code works twice");
            }
        }
    }
});
