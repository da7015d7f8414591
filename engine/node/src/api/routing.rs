//! Which way a message would go, and why.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::Deserialize;
use serde_json::Value;
use signalbox_config::catalog::Right;
use signalbox_core::address::Address;
use signalbox_core::exchange::{Command, CommandReply, ExplainRequest};
use signalbox_core::message::{Direction, TrafficClass};
use signalbox_text::phone::{self, Home, Npi, Ton};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::JsonBody;
use super::operations::{Operation, operation};
use super::problem::{Problem, ProblemKind, chain, internal};
use crate::gateway::GatewayError;

/// A message that might be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExplainBody {
    /// From.
    source: String,
    /// To.
    destination: String,
    /// The account that would submit it.
    #[serde(default)]
    account: Option<String>,
    /// The link that would bring it; then it is an MO message.
    #[serde(default)]
    ingress: Option<String>,
    /// `otp`, `reply`, `transactional` or `bulk`.
    #[serde(default = "transactional")]
    #[schema(value_type = String, default = "transactional")]
    class: TrafficClass,
}

fn transactional() -> TrafficClass {
    TrafficClass::Transactional
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::POST,
            "/v1/routes/explain",
            "route.explain",
            "Which rule would choose what for a message, and why",
            explain,
        )
        .right(Right::NumbersRead)
        .body::<ExplainBody>()
        .answer_of(200, "the trace of the decision", |_| {
            serde_json::json!({ "type": "object",
                "description": "version, source, destination, number, carrier, consulted, considered, links, \
                                decision, summary" })
        }),
    ]
}

async fn explain(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<ExplainBody>,
) -> Result<Json<Value>, Problem> {
    let in_force = api.control().in_force();
    let ids = &in_force.snapshot.ids;
    let no = |field: &'static str| move || Problem::field(field, "there is none of this name");
    let named = body.account.as_ref().map(|name| api.account(name).ok_or_else(no("account"))).transpose()?;
    if !caller.sees(named) && named.is_some() {
        return Err(Problem::new(ProblemKind::Forbidden, "the token is for another account"));
    }
    let ingress = body.ingress.as_ref().map(|name| ids.link(name).ok_or_else(no("ingress"))).transpose()?;
    let request = ExplainRequest {
        direction: if ingress.is_some() { Direction::Mo } else { Direction::Mt },
        source: address("source", &body.source)?,
        destination: address("destination", &body.destination)?,
        account: named.or(caller.account.as_ref().map(|own| own.id)),
        ingress,
        class: body.class,
    };
    let CommandReply::Explained(trace) = api.gateway().command(Command::Explain(Box::new(request))).await?
    else {
        return Err(GatewayError::Mismatched.into());
    };
    Ok(Json(serde_json::to_value(trace).map_err(|error| internal(&error))?))
}

/// An address as the API's users write it.
pub(super) fn address(field: &str, written: &str) -> Result<Address, Problem> {
    let read = phone::Address::read(written.as_bytes(), Ton::Unknown, Npi::Unknown, &Home::default())
        .map_err(|error| Problem::field(field, chain(&error)))?;
    let (ton, npi) = read.numbering();
    let octets: Option<Vec<u8>> = read.to_wire().chars().map(|letter| u8::try_from(letter).ok()).collect();
    let octets = octets.ok_or_else(|| Problem::field(field, "has letters that no network carries"))?;
    Address::new(ton.into(), npi.into(), &octets).map_err(|error| Problem::field(field, error.to_string()))
}
