//! The values that settings and rows are made of, each with its own grammar.

mod count;
mod country;
mod currency;
mod expression;
mod field_text;
mod file;
mod fingerprint;
mod holiday;
mod language;
mod network;
mod octets;
mod password;
mod pattern;
mod period;
mod place;
mod prose;
mod rate;
mod region;
mod secret;
mod service;
mod size;
mod status;
mod template;
mod text;
mod zone;

pub use count::{Count, SignedCount};
pub use country::Country;
pub use currency::Currency;
pub use expression::Expression;
pub use field_text::{CONTACT_FIELDS, FieldPiece, FieldText};
pub use file::ReadableFile;
pub use fingerprint::{CertificateFingerprint, TokenDigest};
pub use holiday::Holiday;
pub use language::Language;
pub use network::{Host, IpNetwork};
pub use octets::{Octets, TlvTag};
pub use password::{AccountPassword, PasswordError, PasswordHash};
pub use pattern::{AddressPattern, SourcePattern};
pub use period::Period;
pub use place::Place;
pub use prose::Prose;
pub use rate::Rate;
pub use region::Region;
pub use secret::{SECRET_VARIABLE_PREFIX, Secret, SecretError, SecretPlaces};
pub use service::{AddressForm, KeywordText, ServiceAddress};
pub use size::ByteSize;
pub use status::StatusCode;
pub use template::{
    BodyText, HeaderName, HttpStatuses, JsonForm, JsonTemplate, MessageField, Piece, Secrets, Template,
};
pub use text::{Digits, Name, Text};
pub use zone::TimeZone;
