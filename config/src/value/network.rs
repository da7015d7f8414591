//! Hosts and networks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::setting::text_setting;

/// A network of addresses: `192.0.2.0/24`, `2001:db8::/32`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpNetwork {
    first: IpAddr,
    bits: u8,
}

const NETWORK: &str = "a network such as \"192.0.2.0/24\", \"2001:db8::/32\" or one address";

text_setting!(IpNetwork, NETWORK);

impl IpNetwork {
    /// Whether the address is of this network. An IPv4 address that came over an IPv6 socket counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                first == Ipv4Addr::from_bits(address.to_bits() & mask_v4(self.bits))
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                first == Ipv6Addr::from_bits(address.to_bits() & mask_v6(self.bits))
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn mask_v4(bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

fn mask_v6(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

impl FromStr for IpNetwork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| NETWORK)?)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| NETWORK)?;
        let whole = if first.is_ipv4() { 32 } else { 128 };
        let network = Self { first, bits: bits.unwrap_or(whole) };
        if network.bits > whole {
            return Err(NETWORK.into());
        }
        if !network.contains(first) {
            return Err(format!("a network whose address has no bits past /{}", network.bits));
        }
        Ok(network)
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.first.is_ipv4() { 32 } else { 128 };
        if self.bits == whole {
            return self.first.fmt(f);
        }
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// A host: a name that is looked up, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(String);

const HOST: &str = "a host name or an IP address, without a port";

text_setting!(Host, HOST);

impl Host {
    /// The name or address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let name = text.len() <= 253 && text.strip_suffix('.').unwrap_or(text).split('.').all(label);
        if name || text.parse::<IpAddr>().is_ok() {
            return Ok(Self(text.to_owned()));
        }
        Err(HOST.into())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
