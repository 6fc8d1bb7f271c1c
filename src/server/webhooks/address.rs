//! Which addresses a webhook may be sent to: what a name stands for is looked at when it is looked up, so that no name leads inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Why an address is refused, and what to do.
pub(super) const INSIDE: &str =
    "leads inside: give an address that anybody can have, or allow this one by --inside";

/// True where a host is written so that it certainly leads inside, whatever names stand for later.
pub(super) fn is_written_inside(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
    // A number in another form than four parts of digits is an address all the same, and no name.
    let number = |part: &str| part.parse::<u64>().is_ok() || part.to_ascii_lowercase().starts_with("0x");
    if literal.is_err() && host.split('.').all(number) {
        return true;
    }
    let local = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    local || literal.is_ok_and(|address| !is_outside(address))
}

/// Looks names up, and gives only what lies outside.
#[derive(Debug, Default)]
pub(super) struct Outside(DefaultResolver);

impl Resolver for Outside {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let all = self.0.resolve(uri, config, timeout)?;
        let mut outside = self.empty();
        for address in all.iter().filter(|address| is_outside(address.ip())) {
            outside.push(*address);
        }
        if outside.is_empty() { Err(ureq::Error::Other(INSIDE.into())) } else { Ok(outside) }
    }
}

/// True for an address that anybody on the internet can have.
fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_outside_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_outside_v4(mapped),
            None => is_outside_v6(address),
        },
    }
}

fn is_outside_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let benchmarks = first == 198 && (18..20).contains(&second);
    let protocols = first == 192 && second == 0 && address.octets()[2] == 0;
    let relays = address.octets().starts_with(&[192, 88, 99]);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || shared
        || benchmarks
        || protocols
        || relays)
}

fn is_outside_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Of what is given out, all begins with 001; translated, tunnelled and documented addresses may stand for others.
    let given_out = first & 0xe000 == 0x2000;
    let documented = (first, second) == (0x2001, 0x0db8) || (first == 0x3fff && second < 0x1000);
    let tunnelled = first == 0x2002 || (first, second) == (0x2001, 0);
    given_out && !documented && !tunnelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_outside_is_given() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "192.88.99.1",
        ] {
            assert!(!is_outside(inside.parse().unwrap()), "{inside}");
        }
        for outside in [
            "1.1.1.1",
            "93.184.216.34",
            "172.32.0.1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_outside(outside.parse().unwrap()), "{outside}");
        }
    }
}
