//! What is unusual about a sign-in, judged by the sessions before it. Pure: alerts are sent elsewhere.

use std::collections::BTreeSet;

use kith_base::{TimestampMs, address::neighbourhood_of};

use crate::audit::Severity;

/// After this time away a sign-in is worth a word.
const LONG_AWAY_MS: i64 = 60 * 24 * 3_600 * 1_000;

/// A session that was, or is to be: where from and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub network: String,
    pub device: String,
    pub seen_at: TimestampMs,
}

impl Place {
    pub fn new(address: &str, client: &str, seen_at: TimestampMs) -> Place {
        Place { network: neighbourhood_of(address), device: device_of(client), seen_at }
    }
}

/// Browser and system without their versions: an update is no new device.
fn device_of(client: &str) -> String {
    client.chars().filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | '_')).collect()
}

/// What an administrator should hear of this sign-in. Nothing about the very first: there is nothing to compare it with.
pub fn unusual(before: &[Place], now: &Place, is_admin: bool) -> Vec<(Severity, &'static str)> {
    let Some(last) = before.iter().map(|place| place.seen_at).max() else { return Vec::new() };
    let networks: BTreeSet<&str> = before.iter().map(|p| p.network.as_str()).filter(|n| !n.is_empty()).collect();
    let new_network = !now.network.is_empty() && !networks.is_empty() && !networks.contains(now.network.as_str());
    let new_device = before.iter().all(|place| place.device != now.device);
    let alone = if is_admin { Severity::Warning } else { Severity::Notice };
    let mut found = match (new_network, new_device) {
        (true, true) => vec![(Severity::Warning, "sign_in.new_place")],
        (true, false) => vec![(alone, "sign_in.new_network")],
        (false, true) => vec![(alone, "sign_in.new_device")],
        (false, false) => Vec::new(),
    };
    if now.seen_at.saturating_sub(last) > LONG_AWAY_MS {
        found.push((Severity::Notice, "sign_in.long_absence"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
    const FIREFOX_NEXT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";

    fn codes(address: &str, client: &str, days: i64, is_admin: bool) -> Vec<(Severity, &'static str)> {
        let before = [Place::new("192.0.2.1", FIREFOX, 0), Place::new("198.51.100.9", "Safari", 5)];
        unusual(&before, &Place::new(address, client, days * 24 * 3_600 * 1_000), is_admin)
    }

    #[test]
    fn new_networks_devices_and_long_absences_are_told_apart() {
        use Severity::{Notice, Warning};
        assert_eq!(codes("192.0.2.77", FIREFOX_NEXT, 1, true), [], "same network, newer browser");
        assert_eq!(codes("203.0.113.1", FIREFOX, 1, false), [(Notice, "sign_in.new_network")]);
        assert_eq!(codes("203.0.113.1", FIREFOX, 1, true), [(Warning, "sign_in.new_network")]);
        assert_eq!(codes("192.0.2.1", "curl", 1, false), [(Notice, "sign_in.new_device")]);
        assert_eq!(codes("203.0.113.1", "curl", 1, false), [(Warning, "sign_in.new_place")]);
        assert_eq!(codes("192.0.2.1", FIREFOX, 61, false), [(Notice, "sign_in.long_absence")]);
        assert_eq!(codes("", FIREFOX, 1, true), [], "an address nobody knows is no new one");
    }

    #[test]
    fn the_first_sign_in_of_all_is_not_unusual() {
        assert_eq!(unusual(&[], &Place::new("192.0.2.1", FIREFOX, 0), true), []);
    }
}
