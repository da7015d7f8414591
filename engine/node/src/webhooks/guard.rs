//! Targets must be public addresses unless the settings say otherwise, so that a row of the catalog cannot reach
//! what stands beside the node. What is checked is what is connected to: the resolver gives out checked addresses
//! alone, proxies and redirects are not followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// An address that a webhook must not reach.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` is not public: webhooks.private_targets, or `private` of the web service, is off")]
pub(crate) struct NotPublic {
    host: String,
}

/// Checks a URL that names an address itself and so never asks the resolver.
pub(crate) fn check_literal(url: &Url) -> Result<(), NotPublic> {
    let host = url.host_str().unwrap_or_default();
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match literal.parse::<IpAddr>() {
        Ok(address) if !is_public(address) => Err(NotPublic { host: host.to_owned() }),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Resolves names by the system and leaves out what is not public.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GuardedResolver {
    pub(crate) private: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| private || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NotPublic { host }.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public networks' (IANA special-purpose address registries).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_unspecified()
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        // Shared address space (RFC 6598), protocol assignments (RFC 6890), benchmarks (RFC 2544).
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    if let Some(inner) = embedded(address) {
        return is_public_v4(inner);
    }
    // Global unicast is 2000::/3; of it documentation (RFC 3849, RFC 9637) and the special 2001::/23 are taken out.
    let global = segments[0] & 0xe000 == 0x2000;
    let documentation = (segments[0] == 0x2001 && segments[1] == 0xdb8) || segments[0] & 0xfff0 == 0x3ff0;
    let special = segments[0] == 0x2001 && segments[1] < 0x200;
    global && !documentation && !special
}

/// The IPv4 address within: mapped (RFC 4291 cl. 2.5.5.2), NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped);
    }
    let segments = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_known_in_every_disguise() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "::127.0.0.1",
            "2001::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in
            ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn a_url_cannot_hide_an_address() {
        for url in
            ["http://127.0.0.1/", "http://0x7f.1/", "http://2130706433/", "http://[::1]:80/", "http://0/"]
        {
            assert!(check_literal(&url.parse().unwrap()).is_err(), "{url}");
        }
        assert_eq!(check_literal(&"https://example.com/".parse().unwrap()), Ok(()));
    }

    #[tokio::test]
    async fn a_name_of_a_private_address_is_refused() {
        let name = || "localhost".parse::<Name>().unwrap();
        let error = GuardedResolver { private: false }.resolve(name()).await.err().unwrap();
        assert!(error.is::<NotPublic>());
        assert!(GuardedResolver { private: true }.resolve(name()).await.is_ok());
    }
}
