//! Network addresses as limits and alerts see them: which addresses are one client, and which are one neighbourhood. Resolves nothing.

use std::net::{IpAddr, Ipv6Addr};

/// What one client may have at its disposal: a single IPv4 address, or the /64 that every IPv6 line comes with. Anything that is no
/// address stands for itself.
pub fn client_of(address: &str) -> String {
    match parsed(address) {
        Some(IpAddr::V6(v6)) => format!("{}/64", masked(v6, 64)),
        Some(IpAddr::V4(v4)) => v4.to_string(),
        None => address.trim().to_string(),
    }
}

/// The network that an address belongs to, as far as it can be told from the address alone: /24 for IPv4, /48 for IPv6. A line that
/// gets a new address every night stays in it; another provider or country does not.
pub fn neighbourhood_of(address: &str) -> String {
    match parsed(address) {
        Some(IpAddr::V6(v6)) => format!("{}/48", masked(v6, 48)),
        Some(IpAddr::V4(v4)) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        None => address.trim().to_string(),
    }
}

/// An IPv4 address in IPv6 clothes is the IPv4 address.
fn parsed(address: &str) -> Option<IpAddr> {
    address.trim().parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

fn masked(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - bits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_is_one_ipv4_address_or_one_ipv6_line() {
        assert_eq!(client_of("192.0.2.7"), "192.0.2.7");
        assert_eq!(client_of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(client_of("2001:db8:1:2:3:4:5:6"), client_of("2001:db8:1:2::9"));
        assert_ne!(client_of("2001:db8:1:2::9"), client_of("2001:db8:1:3::9"));
        assert_eq!(client_of("no address"), "no address");
    }

    #[test]
    fn a_neighbourhood_is_wider_than_a_client() {
        assert_eq!(neighbourhood_of("192.0.2.7"), neighbourhood_of("192.0.2.200"));
        assert_ne!(neighbourhood_of("192.0.2.7"), neighbourhood_of("192.0.3.7"));
        assert_eq!(neighbourhood_of("2001:db8:1:2::9"), neighbourhood_of("2001:db8:1:ffff::1"));
        assert_ne!(neighbourhood_of("2001:db8:1:2::9"), neighbourhood_of("2001:db8:2::9"));
        assert_eq!(neighbourhood_of(""), "");
    }
}
