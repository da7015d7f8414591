//! query_sm, cancel_sm and replace_sm of an account, and the answers.

use signalbox_core::exchange::{Ask, MessageQuery, MessageView, Stage};
use signalbox_core::message::{Content, ReceiptRequest};
use signalbox_smpp::time::SmppTime;
use signalbox_smpp::{
    Address as SmppAddress, COctets, CancelSm, CommandStatus, MessageState, QuerySm, QuerySmResp, ReplaceSm,
    Tag,
};

use super::submit::{Origin, rewording, times};

/// A query_sm as a question.
///
/// # Errors
/// The status to answer with.
pub fn query(request: &QuerySm, origin: Origin<'_>) -> Result<MessageQuery, CommandStatus> {
    about(&request.message_id, &request.source, origin, Ask::Query)
}

/// A cancel_sm as a question.
///
/// # Errors
/// The status to answer with.
pub fn cancel(request: &CancelSm, origin: Origin<'_>) -> Result<MessageQuery, CommandStatus> {
    let destination =
        if request.destination.is_empty() { None } else { Some(origin.destination(&request.destination)?) };
    if request.message_id.is_empty() && destination.is_none() {
        return Err(CommandStatus::RINVMSGID);
    }
    about(
        &request.message_id,
        &request.source,
        origin,
        Ask::Cancel { destination, service_type: request.service_type.0.clone() },
    )
}

/// A replace_sm as a question.
///
/// # Errors
/// The status to answer with.
pub fn replace(request: &ReplaceSm, origin: Origin<'_>) -> Result<MessageQuery, CommandStatus> {
    let (not_before, expires_at) =
        times(&request.schedule_delivery_time, &request.validity_period, origin.now, origin.profile)?;
    // Of two texts short_message counts, as in submit_sm; a long one leaves in the form that its peer takes.
    let payload = if request.short_message.is_empty() {
        request.tlvs.get_bytes(Tag::MESSAGE_PAYLOAD).unwrap_or_default()
    } else {
        request.short_message.clone()
    };
    let content = Content { default_message: request.sm_default_msg_id, payload, ..Content::default() };
    let ask = Ask::Replace {
        content: Box::new(content),
        rewording: rewording(&origin),
        not_before,
        expires_at,
        receipt: ReceiptRequest(request.registered_delivery.0),
    };
    about(&request.message_id, &request.source, origin, ask)
}

fn about(
    id: &COctets,
    source: &SmppAddress,
    origin: Origin<'_>,
    ask: Ask,
) -> Result<MessageQuery, CommandStatus> {
    // Our ids are ASCII; what is not is none of ours.
    let visible_id = id.as_str().ok_or(CommandStatus::RINVMSGID)?.to_owned();
    if visible_id.is_empty() && !matches!(ask, Ask::Cancel { .. }) {
        return Err(CommandStatus::RINVMSGID);
    }
    // As at submit, so that it is the message's; one that is not given restricts nothing.
    let source = if source.is_empty() { None } else { Some(origin.source(source)?) };
    Ok(MessageQuery { reply: origin.reply, account: origin.account, visible_id, source, ask })
}

/// The query_sm_resp that tells the state of a message.
#[must_use]
pub fn query_resp(view: &MessageView) -> QuerySmResp {
    let message_state = match (view.outcome, view.stage) {
        (Some(outcome), _) => super::receipt::message_state(outcome.receipt_state()),
        // Scheduled exists in 5.0 only; until it leaves, a message is on its way for all versions.
        (None, Stage::Scheduled | Stage::Queued | Stage::Resolving | Stage::Held) => MessageState::ENROUTE,
        (None, Stage::Gathering | Stage::Joined) => MessageState::ENROUTE,
        (None, Stage::Sent | Stage::AwaitingReceipt | Stage::InDoubt) => MessageState::ENROUTE,
        (None, Stage::Final) => MessageState::UNKNOWN,
    };
    QuerySmResp {
        message_id: COctets::from(view.visible_id.as_str()),
        final_date: view.final_at.map(|at| SmppTime::format_absolute(at.0, 0)).unwrap_or_default(),
        message_state,
        // error_code has one octet; a status above it says no more than that there was one.
        error_code: u8::try_from(view.status).unwrap_or(u8::MAX),
        tlvs: signalbox_smpp::Tlvs::new(),
    }
}

#[cfg(test)]
mod tests;
