//! Phone numbers and the addresses of SMPP: E.164, type of number, numbering plan, short codes and
//! alphanumeric senders.

mod address;
mod directory;
mod e164;
mod numbering;
mod plan;
#[cfg(test)]
mod tests;

pub use address::{Address, AddressError, Bare, Home, MAX_OCTETS, MaskedAddress};
pub use directory::{NumberInfo, NumberKind, Region, UnknownRegion, load, look_up, region_of};
pub use e164::{Digits, E164, E164Error, MAX_DIGITS, MIN_DIGITS, Masked};
pub use numbering::{Npi, Ton};
