//! What is known of a number: by the tables, and outside when that is asked for.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signalbox_config::catalog::Right;
use signalbox_core::backend::Kind;
use signalbox_routing::lookup::{LookupAnswer, LookupReply};
use signalbox_routing::{AnswerSource, Names, Party, UtcMicros};
use signalbox_text::phone::{self, E164};
use utoipa::ToSchema;

use super::caller::Caller;
use super::extract::{PathName, QueryOf};
use super::operations::{Operation, operation};
use super::problem::{Problem, ProblemKind, chain, internal};
use super::routing::address;
use super::{Api, peers};
use crate::control::InForce;
use crate::lookup::{DnsLookup, HttpLookup};

/// Who is asked.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NumberQuery {
    /// Asks DNS (ENUM) and the HTTP service too, where they are configured.
    #[serde(default)]
    outside: bool,
}

/// What is known of a number.
#[derive(Debug, Serialize, ToSchema)]
struct NumberInfo {
    /// The number.
    number: String,
    /// Whether its country's plan has such a number.
    valid: bool,
    /// Its country or territory by the plans of all countries.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// `mobile`, `fixed-line`, `fixed-line-or-mobile`, `toll-free` ...
    kind: Value,
    /// Its carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<String>,
    /// Who says so: `enum`, `http`, `portability`, `number_plan` or `unknown`.
    source: &'static str,
    /// Each source that was asked and what it says.
    consulted: Vec<ConsultedInfo>,
}

/// What one source says of a number.
#[derive(Debug, Serialize, ToSchema)]
struct ConsultedInfo {
    /// The source.
    source: &'static str,
    /// What it says.
    said: String,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/v1/numbers/{msisdn}", "number.get", "What is known of a number", number)
            .right(Right::NumbersRead)
            .query::<NumberQuery>()
            .answer::<NumberInfo>(200, "what is known")
            .problems(&[ProblemKind::Invalid]),
    ]
}

async fn number(
    State(api): State<Api>,
    _caller: Caller,
    PathName(written): PathName,
    QueryOf(query): QueryOf<NumberQuery>,
) -> Result<Json<NumberInfo>, Problem> {
    let address = address("msisdn", &written)?;
    let number = address.digits().and_then(|digits| E164::from_digits(digits).ok());
    let number = number.ok_or_else(|| Problem::field("msisdn", "is no international number"))?;
    let in_force = api.control().in_force();
    let now = UtcMicros(api.now().wall.0);
    let mut consulted = Vec::new();
    let found = if query.outside { ask(&in_force, number, now, &mut consulted).await } else { None };
    let router = &in_force.policy.router;
    let digits = number.to_ascii();
    let party = Party::of(digits.as_bytes());
    let answer = router.answer(party, found.as_ref(), now);
    let by_tables = router.consult(party, found.as_ref());
    consulted.extend(by_tables.into_iter().map(|one| told(one.source, one.said)));
    let plan = phone::look_up(number);
    Ok(Json(NumberInfo {
        number: number.to_string(),
        valid: plan.valid,
        region: plan.region.map(|region| region.as_str().to_owned()),
        kind: serde_json::to_value(plan.kind).map_err(|error| internal(&error))?,
        carrier: answer.carrier.map(|carrier| peers::named(&in_force.snapshot.ids, Kind::Carrier, carrier.0)),
        source: answer.source.as_str(),
        consulted,
    }))
}

fn told(source: AnswerSource, said: impl Into<String>) -> ConsultedInfo {
    ConsultedInfo { source: source.as_str(), said: said.into() }
}

/// Asks DNS and then the HTTP service, until one knows the number; notes who does not.
async fn ask(
    in_force: &InForce,
    number: E164,
    now: UtcMicros,
    consulted: &mut Vec<ConsultedInfo>,
) -> Option<LookupAnswer> {
    let settings = &in_force.settings.numbers;
    let deadline = settings.deadline.duration();
    let names: Names = crate::policy::names(&in_force.snapshot);
    if let Some(dns) = &settings.dns {
        let reply = match DnsLookup::new(dns) {
            Ok(dns) => tokio::time::timeout(deadline, dns.ask(number, &names, now)).await,
            Err(error) => {
                consulted.push(told(AnswerSource::Enum, chain(&error)));
                Ok(LookupReply::Failed)
            }
        };
        if let Some(answer) = note(AnswerSource::Enum, reply.unwrap_or(LookupReply::Failed), consulted) {
            return Some(answer);
        }
    }
    let http = settings.http.as_ref()?;
    let reply = match HttpLookup::new(http, in_force.settings.secret_places(), deadline) {
        Ok(http) => tokio::time::timeout(deadline, http.ask(number, &names, now)).await,
        Err(error) => {
            consulted.push(told(AnswerSource::Http, chain(&error)));
            Ok(LookupReply::Failed)
        }
    };
    note(AnswerSource::Http, reply.unwrap_or(LookupReply::Failed), consulted)
}

fn note(
    source: AnswerSource,
    reply: LookupReply,
    consulted: &mut Vec<ConsultedInfo>,
) -> Option<LookupAnswer> {
    let said = match reply {
        LookupReply::Found(answer) => return Some(answer),
        LookupReply::NotFound => "does not know the number",
        LookupReply::Failed => "did not answer",
    };
    consulted.push(told(source, said));
    None
}
