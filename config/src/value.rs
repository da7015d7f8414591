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
mod place;
mod rate;
mod secret;
mod size;
mod status;
mod template;
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
pub use place::Place;
pub use rate::Rate;
pub use secret::{SECRET_VARIABLE_PREFIX, Secret, SecretError, SecretPlaces};
pub use size::ByteSize;
pub use status::StatusCode;
pub use template::{
    BodyText, HeaderName, HttpStatuses, JsonForm, JsonTemplate, MessageField, Piece, Secrets, Template,
};
pub use text::{Digits, Name, Text};
