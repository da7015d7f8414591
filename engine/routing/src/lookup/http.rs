//! What an HTTP look-up service answers.

use serde::{Deserialize, Serialize};

use super::Finding;
use crate::id::Names;
use crate::number::read_number;

/// Body of an answer with status 200, JSON. One of the first three is there; fields that are not listed here are
/// ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpReply {
    /// Name or code of the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Routing number, international, with or without `+`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_number: Option<String>,
    /// `false`: not ported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ported: Option<bool>,
    /// For how many seconds the answer holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

/// Why an answer says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpReplyError {
    /// Nobody here knows this carrier.
    #[error("look-up names the unknown carrier \"{0}\"")]
    UnknownCarrier(String),
    /// The routing number is no international number.
    #[error("look-up has a routing number that is no international number")]
    RoutingNumber,
    /// It has none of the fields.
    #[error("look-up has neither carrier nor routing number nor \"ported\": false")]
    Nothing,
}

impl HttpReply {
    /// What it says: the carrier before the routing number before the flag.
    ///
    /// # Errors
    /// When that is nothing that can be used.
    pub fn finding(&self, names: &Names) -> Result<Finding, HttpReplyError> {
        if let Some(name) = &self.carrier {
            let carrier = names.carrier(name).ok_or_else(|| HttpReplyError::UnknownCarrier(name.clone()))?;
            return Ok(Finding::Carrier(carrier));
        }
        if let Some(number) = &self.routing_number {
            let number = read_number(number.as_bytes()).map_err(|_| HttpReplyError::RoutingNumber)?;
            return Ok(Finding::RoutingNumber(number));
        }
        if self.ported == Some(false) { Ok(Finding::NotPorted) } else { Err(HttpReplyError::Nothing) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::CarrierId;

    #[test]
    fn one_of_the_fields_decides() {
        let mut names = Names::new();
        names.add_carrier("310260", CarrierId(4));
        let read = |json: &str| serde_json::from_str::<HttpReply>(json).unwrap().finding(&names);
        let carrier = r#"{"carrier":"310260","routing_number":"12155550199","ttl":60,"network":"x"}"#;
        assert_eq!(read(carrier), Ok(Finding::Carrier(CarrierId(4))));
        let routing = "12155550199".parse().map(Finding::RoutingNumber).unwrap();
        assert_eq!(read(r#"{"routing_number":"+12155550199"}"#), Ok(routing));
        assert_eq!(read(r#"{"ported":false}"#), Ok(Finding::NotPorted));
        assert_eq!(read(r#"{"ported":true}"#), Err(HttpReplyError::Nothing));
        assert_eq!(read(r#"{"carrier":"x"}"#), Err(HttpReplyError::UnknownCarrier("x".into())));
        assert_eq!(read(r#"{"routing_number":"0199"}"#), Err(HttpReplyError::RoutingNumber));
    }
}
