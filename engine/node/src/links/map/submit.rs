//! submit_sm, submit_multi and data_sm of an account as submissions.

use bytes::Bytes;
use signalbox_core::address::Address;
use signalbox_core::exchange::{ReplyTo, Rewording, Submit, SubmitChannel};
use signalbox_core::id::AccountId;
use signalbox_core::message::{Content, OriginClass, ReceiptRequest, TrafficClass};
use signalbox_core::time::Micros;
use signalbox_smpp::{
    Address as SmppAddress, CommandStatus, DataSm, Destination, EsmClass, Profile, ShortMessage, SubmitMulti,
    Tlvs,
};
use signalbox_text::phone::Region;
use smallvec::{SmallVec, smallvec};

use super::address::core_address;
use super::alphabet::Worded;
use super::{alphabet, home, parts, times};

/// Highest priority_flag: 3 in SMPP 3.4 (cl. 5.2.14), 4 in 5.0 (cl. 4.7.19).
const MAX_PRIORITY: u8 = 4;

/// Whose request it is, and what its account says of it.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Who waits for the answer.
    pub reply: ReplyTo,
    /// The account.
    pub account: AccountId,
    /// Class of its messages.
    pub class: TrafficClass,
    /// Source address of messages that name none.
    pub default_source: Option<&'a Address>,
    /// Whose national numbers it may use.
    pub region: Option<Region>,
    /// Its session has no room for ids of more than eight digits (SMPP 3.3).
    pub short_ids: bool,
    /// The peer's quirks.
    pub profile: &'a Profile,
    /// The time of day.
    pub now: Micros,
}

impl Origin<'_> {
    /// A reference for parts: other than that of the requests before it, of this session and of others.
    fn reference(&self) -> u16 {
        (self.reply.token as u16) ^ (self.reply.session.0 as u16).wrapping_mul(0x9e37)
    }

    /// The source address that a message has, or had when it was submitted.
    pub(super) fn source(&self, address: &SmppAddress) -> Result<Address, CommandStatus> {
        match self.default_source {
            Some(default) if address.is_empty() => Ok(default.clone()),
            Some(_) | None => {
                Ok(home::international(core_address(address, CommandStatus::RINVSRCADR)?, self.region))
            }
        }
    }

    /// The same of the destination.
    pub(super) fn destination(&self, address: &SmppAddress) -> Result<Address, CommandStatus> {
        Ok(home::international(core_address(address, CommandStatus::RINVDSTADR)?, self.region))
    }

    fn submit(
        &self,
        source: Address,
        destinations: SmallVec<[Address; 1]>,
        content: Content,
        receipt: u8,
        first_part: bool,
    ) -> Submit {
        let content = worded(content, self.profile);
        let in_parts = parts::cut(&content, self.reference());
        Submit {
            reply: self.reply,
            account: self.account,
            channel: SubmitChannel::Smpp,
            origin_class: OriginClass::User,
            class: TrafficClass::of_priority(content.priority, self.class),
            source,
            destinations,
            parts: smallvec![content],
            not_before: None,
            expires_at: None,
            receipt: ReceiptRequest(receipt),
            idempotency: None,
            first_part,
            in_parts: in_parts.map(Box::new),
            short_id: self.short_ids,
        }
    }
}

/// A submit_sm as a submission.
///
/// # Errors
/// The status to answer with.
pub fn from_submit_sm(message: ShortMessage, origin: Origin<'_>) -> Result<Submit, CommandStatus> {
    check_flags(message.priority_flag, message.replace_if_present)?;
    let source = origin.source(&message.source)?;
    let destination = origin.destination(&message.destination)?;
    let (schedule, validity) =
        times(&message.schedule_delivery_time, &message.validity_period, origin.now, origin.profile)?;
    let first = parts::is_first(message.esm_class, &message.short_message, &message.tlvs);
    let content = Content {
        service_type: message.service_type.0,
        esm_class: message.esm_class.0,
        protocol_id: message.protocol_id,
        priority: message.priority_flag,
        replace_if_present: message.replace_if_present == 1,
        data_coding: message.data_coding.0,
        default_message: message.sm_default_msg_id,
        payload: message.short_message,
        tlvs: message.tlvs.as_bytes().clone(),
        data_sm: false,
        by_default: false,
    };
    let submit = origin.submit(source, smallvec![destination], content, message.registered_delivery.0, first);
    Ok(Submit { not_before: schedule, expires_at: validity, ..submit })
}

/// A submit_multi as a submission. Distribution lists are refused: none are kept here.
///
/// # Errors
/// The status to answer with.
pub fn from_submit_multi(message: SubmitMulti, origin: Origin<'_>) -> Result<Submit, CommandStatus> {
    check_flags(message.priority_flag, message.replace_if_present)?;
    if message.destinations.is_empty() {
        return Err(CommandStatus::RINVNUMDESTS);
    }
    let source = origin.source(&message.source)?;
    let destinations = message
        .destinations
        .iter()
        .map(|destination| match destination {
            Destination::Address(address) => origin.destination(address),
            Destination::List(_) => Err(CommandStatus::RCNTSUBDL),
        })
        .collect::<Result<_, _>>()?;
    let (schedule, validity) =
        times(&message.schedule_delivery_time, &message.validity_period, origin.now, origin.profile)?;
    let first = parts::is_first(message.esm_class, &message.short_message, &message.tlvs);
    let content = Content {
        service_type: message.service_type.0,
        esm_class: message.esm_class.0,
        protocol_id: message.protocol_id,
        priority: message.priority_flag,
        replace_if_present: message.replace_if_present == 1,
        data_coding: message.data_coding.0,
        default_message: message.sm_default_msg_id,
        payload: message.short_message,
        tlvs: message.tlvs.as_bytes().clone(),
        data_sm: false,
        by_default: false,
    };
    let submit = origin.submit(source, destinations, content, message.registered_delivery.0, first);
    Ok(Submit { not_before: schedule, expires_at: validity, ..submit })
}

/// A data_sm as a submission.
///
/// # Errors
/// The status to answer with.
pub fn from_data_sm(message: DataSm, origin: Origin<'_>) -> Result<Submit, CommandStatus> {
    let source = origin.source(&message.source)?;
    let destination = origin.destination(&message.destination)?;
    let validity = times::time_to_live(&message.tlvs, origin.now);
    let first = parts::is_first(message.esm_class, &[], &message.tlvs);
    let content = data_sm_content(&message);
    let submit = origin.submit(source, smallvec![destination], content, message.registered_delivery.0, first);
    // data_sm has no priority_flag: the account's own class holds.
    Ok(Submit { class: origin.class, expires_at: validity, ..submit })
}

/// The content with its text as it is between peers.
pub(super) fn worded(content: Content, profile: &Profile) -> Content {
    if alphabet::is_plain(profile) {
        return content;
    }
    // What cannot be walked was refused when it was decoded.
    let Ok(tlvs) = Tlvs::from_bytes(content.tlvs.clone()) else { return content };
    let worded = Worded {
        esm_class: EsmClass(content.esm_class),
        data_coding: content.data_coding,
        payload: content.payload.clone(),
        tlvs,
    };
    let Worded { data_coding, payload, tlvs, .. } = worded.taken_from(profile);
    let by_default = content.data_coding == 0 && data_coding != 0;
    Content { data_coding, payload, tlvs: tlvs.as_bytes().clone(), by_default, ..content }
}

/// How the account writes the texts that it puts in the place of others: as it wrote those.
pub(super) fn rewording(origin: &Origin<'_>) -> Rewording {
    let profile = origin.profile.clone();
    Rewording::new(move |mut content| {
        if content.by_default {
            content.data_coding = 0;
        }
        worded(content, &profile)
    })
}

pub(super) fn data_sm_content(message: &DataSm) -> Content {
    Content {
        service_type: message.service_type.0.clone(),
        esm_class: message.esm_class.0,
        data_coding: message.data_coding.0,
        payload: Bytes::new(),
        tlvs: message.tlvs.as_bytes().clone(),
        data_sm: true,
        ..Content::default()
    }
}

fn check_flags(priority: u8, replace_if_present: u8) -> Result<(), CommandStatus> {
    if priority > MAX_PRIORITY {
        return Err(CommandStatus::RINVPRTFLG);
    }
    if replace_if_present > 1 {
        return Err(CommandStatus::RINVREPFLAG);
    }
    Ok(())
}

pub(super) type Times = (Option<Micros>, Option<Micros>);

/// schedule_delivery_time and validity_period.
pub(super) fn times(
    schedule: &signalbox_smpp::COctets,
    validity: &signalbox_smpp::COctets,
    now: Micros,
    profile: &Profile,
) -> Result<Times, CommandStatus> {
    if schedule.is_empty() && validity.is_empty() {
        return Ok((None, None));
    }
    let schedule = times::instant(schedule, now, profile, CommandStatus::RINVSCHED)?;
    let validity = times::instant(validity, now, profile, CommandStatus::RINVEXPIRY)?;
    Ok((schedule, validity))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use signalbox_core::id::SessionId;
    use signalbox_smpp::{RegisteredDelivery, Tag};

    use super::*;

    const NOW: Micros = Micros(1_767_225_600_000_000);

    fn origin(profile: &Profile) -> Origin<'_> {
        Origin {
            reply: ReplyTo { session: SessionId(7), token: 42 },
            account: AccountId(3),
            class: TrafficClass::Transactional,
            default_source: None,
            region: None,
            short_ids: false,
            profile,
            now: NOW,
        }
    }

    fn message() -> ShortMessage {
        ShortMessage {
            service_type: "WAP".into(),
            source: SmppAddress::alphanumeric("Bank"),
            destination: SmppAddress::international("447700900123"),
            esm_class: EsmClass(0x40),
            protocol_id: 0x7f,
            priority_flag: 3,
            schedule_delivery_time: "000000010000000R".into(),
            validity_period: "000001000000000R".into(),
            registered_delivery: RegisteredDelivery(0x11),
            replace_if_present: 1,
            data_coding: signalbox_smpp::DataCoding(8),
            sm_default_msg_id: 0,
            short_message: Bytes::from_static(b"\x05\x00\x03\x2a\x03\x02text"),
            tlvs: Tlvs::new().with(Tag(0x1400), &[1, 2]).unwrap(),
        }
    }

    #[test]
    fn all_fields_of_submit_sm_come_through() {
        let profile = Profile::default();
        let otp = Origin { class: TrafficClass::Otp, ..origin(&profile) };
        let submit = from_submit_sm(ShortMessage { priority_flag: 2, ..message() }, otp).unwrap();
        assert_eq!(submit.reply, ReplyTo { session: SessionId(7), token: 42 });
        assert_eq!((submit.source.ton, submit.source.npi), (5, 0));
        assert_eq!(submit.destinations[0].digits(), Some(&b"447700900123"[..]));
        assert_eq!(submit.class, TrafficClass::Reply);
        assert_eq!(submit.not_before, Some(NOW.after(Duration::from_secs(3600))));
        assert_eq!(submit.expires_at, Some(NOW.after(Duration::from_secs(86_400))));
        assert_eq!(submit.receipt, ReceiptRequest(0x11));
        assert!(!submit.first_part);
        let content = &submit.parts[0];
        assert_eq!(
            *content,
            Content {
                service_type: Bytes::from_static(b"WAP"),
                esm_class: 0x40,
                protocol_id: 0x7f,
                priority: 2,
                replace_if_present: true,
                data_coding: 8,
                default_message: 0,
                payload: Bytes::from_static(b"\x05\x00\x03\x2a\x03\x02text"),
                tlvs: Bytes::from_static(b"\x14\x00\x00\x02\x01\x02"),
                data_sm: false,
                by_default: false,
            }
        );
    }

    #[test]
    fn flags_out_of_range_have_their_own_status() {
        let profile = Profile::default();
        let bad = ShortMessage { priority_flag: 5, ..message() };
        assert_eq!(from_submit_sm(bad, origin(&profile)).unwrap_err(), CommandStatus::RINVPRTFLG);
        let bad = ShortMessage { replace_if_present: 2, ..message() };
        assert_eq!(from_submit_sm(bad, origin(&profile)).unwrap_err(), CommandStatus::RINVREPFLAG);
        let strict = Profile::strict(signalbox_smpp::Version::V3_4);
        let bad = ShortMessage { validity_period: "soon".into(), ..message() };
        assert_eq!(from_submit_sm(bad, origin(&strict)).unwrap_err(), CommandStatus::RINVEXPIRY);
        let bad = ShortMessage { schedule_delivery_time: "261301000000000+".into(), ..message() };
        assert_eq!(from_submit_sm(bad, origin(&strict)).unwrap_err(), CommandStatus::RINVSCHED);
    }

    #[test]
    fn a_message_without_a_source_gets_the_accounts() {
        let profile = Profile::default();
        let default = Address::new(3, 0, b"12345").unwrap();
        let origin = Origin { default_source: Some(&default), ..origin(&profile) };
        let bare = ShortMessage { source: SmppAddress::default(), ..message() };
        assert_eq!(from_submit_sm(bare, origin).unwrap().source, default);
        assert_eq!(from_submit_sm(message(), origin).unwrap().source.octets(), b"Bank");
    }

    #[test]
    fn national_numbers_and_the_peers_own_alphabet_are_taken_in() {
        let profile = Profile { default_alphabet: signalbox_smpp::Alphabet::Latin1, ..Profile::default() };
        let origin = Origin { region: "GB".parse().ok(), ..origin(&profile) };
        let national = ShortMessage {
            destination: SmppAddress::new(
                signalbox_smpp::Ton::NATIONAL,
                signalbox_smpp::Npi::ISDN,
                "07700900123",
            ),
            esm_class: EsmClass(0),
            data_coding: signalbox_smpp::DataCoding(0),
            short_message: Bytes::from_static(b"Gr\xfc\xdfe"),
            ..message()
        };
        let submit = from_submit_sm(national, origin).unwrap();
        assert_eq!(submit.destinations[0], Address::new(1, 1, b"447700900123").unwrap());
        assert_eq!(submit.parts[0].data_coding, 3);
    }

    #[test]
    fn submit_multi_has_all_its_destinations_and_no_lists() {
        let profile = Profile::default();
        let to = |digits: &'static str| Destination::Address(SmppAddress::international(digits));
        let multi = SubmitMulti {
            destinations: vec![to("447700900001"), to("447700900002")],
            short_message: Bytes::from_static(b"hi"),
            ..SubmitMulti::default()
        };
        let submit = from_submit_multi(multi.clone(), origin(&profile)).unwrap();
        assert_eq!(submit.destinations.len(), 2);
        assert_eq!(submit.destinations[1].octets(), b"447700900002");
        let list = SubmitMulti { destinations: vec![Destination::List("all".into())], ..multi.clone() };
        assert_eq!(from_submit_multi(list, origin(&profile)).unwrap_err(), CommandStatus::RCNTSUBDL);
        let none = SubmitMulti { destinations: Vec::new(), ..multi };
        assert_eq!(from_submit_multi(none, origin(&profile)).unwrap_err(), CommandStatus::RINVNUMDESTS);
    }

    #[test]
    fn data_sm_keeps_its_tlvs_and_time_to_live() {
        let profile = Profile::default();
        let mut tlvs = Tlvs::new();
        tlvs.push(Tag::MESSAGE_PAYLOAD, b"hello").unwrap();
        tlvs.push_u32(Tag::QOS_TIME_TO_LIVE, 90);
        let data = DataSm {
            destination: SmppAddress::international("447700900123"),
            registered_delivery: RegisteredDelivery(1),
            tlvs: tlvs.clone(),
            ..DataSm::default()
        };
        let submit = from_data_sm(data, origin(&profile)).unwrap();
        assert!(submit.parts[0].data_sm && submit.parts[0].payload.is_empty());
        assert_eq!(&submit.parts[0].tlvs, tlvs.as_bytes());
        assert_eq!(submit.expires_at, Some(NOW.after(Duration::from_secs(90))));
        assert_eq!(submit.class, TrafficClass::Transactional);
    }
}
