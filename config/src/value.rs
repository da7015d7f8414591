//! The values that settings and rows are made of, each with its own grammar.

mod count;
mod country;
mod currency;
mod file;
mod fingerprint;
mod network;
mod octets;
mod password;
mod pattern;
mod period;
mod rate;
mod secret;
mod size;
mod status;
mod text;

pub use count::{Count, SignedCount};
pub use country::Country;
pub use currency::Currency;
pub use file::ReadableFile;
pub use fingerprint::{CertificateFingerprint, TokenDigest};
pub use network::{Host, IpNetwork};
pub use octets::{Octets, TlvTag};
pub use password::{AccountPassword, PasswordError, PasswordHash};
pub use pattern::{AddressPattern, SourcePattern};
pub use period::Period;
pub use rate::Rate;
pub use secret::{SECRET_VARIABLE_PREFIX, Secret, SecretError, SecretPlaces};
pub use size::ByteSize;
pub use status::StatusCode;
pub use text::{Digits, Name, Text};
