//! Number look-ups outside of the tables: what is asked, what comes back, what is remembered.
//!
//! The queries themselves (DNS for ENUM, HTTP) are the node's. Here are their texts, as pure functions, and the
//! cache that keeps one question a number under way at a time.

mod cache;
mod enum_domain;
mod http;
mod naptr;
mod tel;

use serde::{Deserialize, Serialize};
use signalbox_text::phone::E164;

pub use cache::{CacheLimits, CacheStats, Freshness, LookupCache, MonoNanos, Remembered, Request};
pub use enum_domain::{E164_ARPA, enum_domain};
pub use http::{HttpReply, HttpReplyError};
pub use naptr::{EnumServices, EnumStep, Naptr, NaptrError, next_step};
pub use tel::{RoutingNumber, TelUri, TelUriError};

use crate::id::{CarrierId, Names, UtcMicros};
use crate::number::AnswerSource;

/// What a look-up found out about a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It belongs to this carrier.
    Carrier(CarrierId),
    /// It is ported, and reached by this number: the carrier is that of the routing number's block.
    RoutingNumber(E164),
    /// It is not ported: the carrier is that of its own block.
    NotPorted,
}

/// Who answers look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookupSource {
    /// DNS (RFC 6116).
    Enum,
    /// An HTTP service.
    Http,
}

impl From<LookupSource> for AnswerSource {
    fn from(source: LookupSource) -> Self {
        match source {
            LookupSource::Enum => Self::Enum,
            LookupSource::Http => Self::Http,
        }
    }
}

/// An answer with its origin and age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupAnswer {
    /// What was found out.
    pub finding: Finding,
    /// From whom.
    pub source: LookupSource,
    /// When.
    pub as_of: UtcMicros,
    /// For how many seconds it holds, as its source says.
    pub ttl_seconds: u32,
}

/// How a look-up ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupReply {
    /// With an answer.
    Found(LookupAnswer),
    /// The source works and does not know the number (NXDOMAIN, no fitting record, 404).
    NotFound,
    /// No answer: time-out, refusal, nonsense. The message goes on with what the tables know.
    Failed,
}

impl TelUri {
    /// Reads what the URI says about the carrier: by the parameter that holds a carrier's code where the source
    /// has one, by routing number, or by `npdi` without one (RFC 4694: looked up, not ported).
    #[must_use]
    pub fn finding(&self, carrier_parameter: Option<&str>, names: &Names) -> Option<Finding> {
        let code = carrier_parameter.and_then(|name| self.parameter(name));
        if let Some(carrier) = code.and_then(|code| names.carrier(code)) {
            return Some(Finding::Carrier(carrier));
        }
        match &self.routing_number {
            Some(routing) => routing.number().map(Finding::RoutingNumber),
            None => self.npdi.then_some(Finding::NotPorted),
        }
    }
}
