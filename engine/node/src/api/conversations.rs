//! `POST /v1/conversations`: an event outside begins a dialog with one device (MQ-26, TXS-03).

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::Right;
use signalbox_core::address::{Address, ton};
use signalbox_core::backend::Kind;
use signalbox_core::time::Micros;
use signalbox_dialog::StartRefusal;
use signalbox_people::Normal;
use signalbox_text::phone::Home;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::JsonBody;
use super::operations::{Operation, operation};
use super::problem::{Problem, ProblemKind};
use crate::instructions::{StartError, Wanted};

/// Numbering plan of telephone numbers (SMPP 3.4 cl. 5.2.6).
const ISDN: u8 = 1;

/// A conversation that is to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConversationBody {
    /// The account; that of the token where it has one.
    account: Option<String>,
    /// The outbound sub-campaign whose instructions begin it.
    sub_campaign: String,
    /// The device, an international number with `+`.
    device: String,
    /// The contact's client id; the device's own contact where it is not given.
    client_id: Option<String>,
    /// Only as a test: refused unless the device is a tester of the account for this program.
    #[serde(default)]
    test: bool,
}

/// A conversation that begins.
#[derive(Debug, Serialize, ToSchema)]
struct ConversationInfo {
    /// The run that makes its first message; its texts are an attempt group of this number.
    run: String,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::POST,
            "/v1/conversations",
            "conversation.start",
            "Begins a conversation of an outbound sub-campaign with one device; the answer says that this is durable",
            start,
        )
        .right(Right::MessagesSend)
        .tenants()
        .once()
        .body::<ConversationBody>()
        .answer::<ConversationInfo>(202, "it begins")
        .problems(&[ProblemKind::NotFound, ProblemKind::MessageRefused, ProblemKind::NotAcceptedNow]),
    ]
}

async fn start(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<ConversationBody>,
) -> Result<(StatusCode, Json<ConversationInfo>), Problem> {
    let account = api.account_asked(&caller, body.account.as_deref())?;
    let in_force = api.control().in_force();
    let sub_campaign = in_force.snapshot.ids.of(Kind::SubCampaign, &body.sub_campaign);
    let sub_campaign = sub_campaign.ok_or_else(|| Problem::no("sub-campaign", &body.sub_campaign))?;
    let device = device(&body.device)?;
    let contact = match &body.client_id {
        Some(client_id) => {
            let scope = api.scope(&caller);
            let found = api.people().contact_by_client_id(&scope, account, client_id).await?;
            Some(found.ok_or_else(|| Problem::no("contact", client_id))?)
        }
        None => None,
    };
    let wanted = Wanted {
        account: account.0,
        sub_campaign,
        device,
        contact: contact.as_ref().map_or(0, |contact| u64::try_from(contact.id.0).unwrap_or_default()),
        client_id: contact.map(|contact| contact.client_id).unwrap_or_default(),
        pass: 0,
        began: Micros(0),
        begins: true,
        test: body.test,
    };
    let run = api.starts().ask(api.gateway().spine(), wanted).await?;
    Ok((StatusCode::ACCEPTED, Json(ConversationInfo { run: run.0.to_string() })))
}

/// A device by its number.
pub(super) fn device(written: &str) -> Result<Address, Problem> {
    let number = Normal::new(Home::default()).number(written);
    let number = number.map_err(|error| Problem::field("device", error.to_string()))?;
    let digits = number.to_string().trim_start_matches('+').to_owned();
    Address::new(ton::INTERNATIONAL, ISDN, digits.as_bytes())
        .map_err(|error| Problem::field("device", error.to_string()))
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        let text = error.to_string();
        match error {
            StartError::Refused(StartRefusal::NoSubCampaign) => Self::new(ProblemKind::NotFound, text),
            StartError::Refused(StartRefusal::TooMany(_)) | StartError::TimedOut | StartError::Stopped => {
                Self::new(ProblemKind::NotAcceptedNow, text).retry_after(1)
            }
            StartError::Refused(_) => Self::new(ProblemKind::MessageRefused, text),
        }
    }
}
