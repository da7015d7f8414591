//! query_sm, cancel_sm and replace_sm of an account, and the answers.

use signalbox_core::exchange::{Ask, MessageQuery, MessageView, Stage};
use signalbox_core::message::{Content, ReceiptRequest};
use signalbox_smpp::time::SmppTime;
use signalbox_smpp::{
    Address as SmppAddress, COctets, CancelSm, CommandStatus, MessageState, QuerySm, QuerySmResp, ReplaceSm,
};

use super::address::core_address;
use super::submit::{Origin, times};

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
    let destination = if request.destination.is_empty() {
        None
    } else {
        Some(core_address(&request.destination, CommandStatus::RINVDSTADR)?)
    };
    if request.message_id.is_empty() && destination.is_none() {
        return Err(CommandStatus::RINVMSGID);
    }
    about(&request.message_id, &request.source, origin, Ask::Cancel { destination })
}

/// A replace_sm as a question.
///
/// # Errors
/// The status to answer with.
pub fn replace(request: &ReplaceSm, origin: Origin<'_>) -> Result<MessageQuery, CommandStatus> {
    let (not_before, expires_at) =
        times(&request.schedule_delivery_time, &request.validity_period, origin.now, origin.profile)?;
    let content = Content {
        default_message: request.sm_default_msg_id,
        payload: request.short_message.clone(),
        tlvs: request.tlvs.as_bytes().clone(),
        ..Content::default()
    };
    // data_coding is that of the message replaced, so the text's alphabet is known to its origin alone.
    let ask = Ask::Replace {
        content: Box::new(content),
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
    let source =
        if source.is_empty() { None } else { Some(core_address(source, CommandStatus::RINVSRCADR)?) };
    Ok(MessageQuery { reply: origin.reply, account: origin.account, visible_id, source, ask })
}

/// The query_sm_resp that tells the state of a message.
#[must_use]
pub fn query_resp(view: &MessageView) -> QuerySmResp {
    let message_state = match (view.outcome, view.stage) {
        (Some(outcome), _) => super::receipt::message_state(outcome.receipt_state()),
        // Scheduled exists in 5.0 only; until it leaves, a message is on its way for all versions.
        (None, Stage::Scheduled | Stage::Queued | Stage::Resolving | Stage::Held) => MessageState::ENROUTE,
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
mod tests {
    use bytes::Bytes;
    use signalbox_core::address::Address;
    use signalbox_core::exchange::ReplyTo;
    use signalbox_core::id::{AccountId, MessageId, SessionId, ShardId};
    use signalbox_core::message::{Direction, TrafficClass};
    use signalbox_core::outcome::{FinalState, Reason};
    use signalbox_core::time::Micros;
    use signalbox_smpp::Profile;

    use super::*;

    fn origin(profile: &Profile) -> Origin<'_> {
        Origin {
            reply: ReplyTo { session: SessionId(1), token: 2 },
            account: AccountId(3),
            class: TrafficClass::Bulk,
            default_source: None,
            region: None,
            short_ids: false,
            profile,
            now: Micros(1_767_225_600_000_000),
        }
    }

    #[test]
    fn a_query_names_id_and_source() {
        let profile = Profile::default();
        let request = QuerySm {
            message_id: "1A2B".into(),
            source: SmppAddress::international("4477"),
            ..QuerySm::default()
        };
        let asked = query(&request, origin(&profile)).unwrap();
        assert_eq!(asked.visible_id, "1A2B");
        assert_eq!(asked.source.unwrap().octets(), b"4477");
        let bare = QuerySm::default();
        assert_eq!(query(&bare, origin(&profile)).unwrap_err(), CommandStatus::RINVMSGID);
        let odd = QuerySm { message_id: (&b"\xff"[..]).into(), ..QuerySm::default() };
        assert_eq!(query(&odd, origin(&profile)).unwrap_err(), CommandStatus::RINVMSGID);
    }

    #[test]
    fn a_cancel_goes_by_id_or_by_addresses() {
        let profile = Profile::default();
        let by_addresses = CancelSm {
            source: SmppAddress::international("4477"),
            destination: SmppAddress::international("4478"),
            ..CancelSm::default()
        };
        let asked = cancel(&by_addresses, origin(&profile)).unwrap();
        assert!(asked.visible_id.is_empty());
        assert!(matches!(asked.ask, Ask::Cancel { destination: Some(to) } if to.octets() == b"4478"));
        assert_eq!(cancel(&CancelSm::default(), origin(&profile)).unwrap_err(), CommandStatus::RINVMSGID);
    }

    #[test]
    fn a_replace_has_new_text_and_times() {
        let profile = Profile::default();
        let request = ReplaceSm {
            message_id: "1".into(),
            validity_period: "000000000100000R".into(),
            short_message: Bytes::from_static(b"new"),
            ..ReplaceSm::default()
        };
        let asked = replace(&request, origin(&profile)).unwrap();
        let Ask::Replace { content, not_before, expires_at, receipt } = asked.ask else { panic!() };
        assert_eq!(&content.payload[..], b"new");
        assert_eq!((not_before, expires_at), (None, Some(Micros(1_767_225_660_000_000))));
        assert_eq!(receipt, ReceiptRequest(0));
    }

    #[test]
    fn the_answer_tells_state_date_and_error() {
        let view = MessageView {
            id: MessageId::new(Micros(1), ShardId::of(b"1"), 1),
            visible_id: "1A2B".into(),
            direction: Direction::Mt,
            account: None,
            source: Address::default(),
            destination: Address::default(),
            class: TrafficClass::Bulk,
            stage: Stage::Final,
            outcome: Some(FinalState::Failed),
            reason: Reason::RetriesExhausted,
            peer: None,
            attempts: 3,
            status: 0x64,
            remote_id: String::new(),
            accepted_at: Micros(1),
            due_at: None,
            expires_at: Micros(2),
            final_at: Some(Micros(1_767_225_600_000_000)),
        };
        let resp = query_resp(&view);
        assert_eq!(resp.message_id, "1A2B");
        assert_eq!(resp.message_state, MessageState::UNDELIVERABLE);
        assert_eq!(resp.final_date, "260101000000000+");
        assert_eq!(resp.error_code, 0x64);
        let open = MessageView { outcome: None, stage: Stage::Queued, final_at: None, status: 0x400, ..view };
        let resp = query_resp(&open);
        assert_eq!((resp.message_state, resp.error_code), (MessageState::ENROUTE, 255));
        assert!(resp.final_date.is_empty());
    }
}
