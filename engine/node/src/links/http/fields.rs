//! A released message as the fields that templates name.

use std::borrow::Cow;

use bytes::Bytes;
use signalbox_config::catalog::HttpParts;
use signalbox_config::value::MessageField;
use signalbox_core::address::{Address, ton};
use signalbox_core::gate::Released;
use signalbox_core::message::{Body, Content};
use signalbox_core::time::Micros;
use signalbox_smpp::{EsmClass, Tlvs};
use signalbox_text::Udh;
use signalbox_text::data_coding::{DataCoding, MessageClass, Scheme};
use signalbox_text::reassembly::Part as TextPart;
use signalbox_text::text::{Content as Text, Profile};

use crate::links::map::{AddressField, Carried, LongMessages, Way};
use crate::links::settings::LinkSettings;

/// Why a message cannot be said to this link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotSayable {
    /// A receipt: an aggregator takes none.
    #[error("a receipt cannot be sent over http")]
    Receipt,
    /// What was stored is no list of TLVs, or no header.
    #[error("its optional parameters or its header are damaged")]
    Damaged,
    /// It is no text, and the link has no form for anything else.
    #[error("it is no text, and the link has no body for octets")]
    NoBinary,
    /// Something in it cannot stand where the template has it.
    #[error("the request cannot be made of it")]
    Request,
}

/// A place in a longer message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PartPlace {
    reference: u16,
    number: u8,
    total: u8,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Fields {
    source: Address,
    destination: Address,
    text: Option<String>,
    data: Bytes,
    header: Option<Udh>,
    coding: u8,
    part: Option<PartPlace>,
    id: String,
    attempt: u16,
    expires_at: Micros,
    now: Micros,
    receipt: bool,
    intermediate: bool,
    class: &'static str,
    priority: u8,
    service_type: String,
    protocol_id: u8,
    replace: bool,
    link: String,
    callback: Option<String>,
}

impl Fields {
    /// The fields of a message whose parts leave as one; the parts in their order.
    pub(super) fn of_whole(parts: &[Released], link: &LinkSettings, now: Micros) -> Result<Self, NotSayable> {
        let (Some(first), false) = (parts.first(), parts.len() == 1) else {
            return Self::of_one(parts.first().ok_or(NotSayable::Damaged)?, link, now);
        };
        let mut read = Vec::with_capacity(parts.len());
        for (number, part) in (1..).zip(parts) {
            let Body::Content(content) = part.body() else { return Err(NotSayable::Receipt) };
            let (header, body, _) = user_data(content, LongMessages::AsTheyCame)?;
            read.push(TextPart {
                sequence: number,
                data_coding: content.data_coding,
                header,
                body,
                token: 0,
            });
        }
        let text = match Profile::default().decode_parts(&read) {
            Text::Text { text, .. } => text,
            Text::Binary { .. } => return Err(NotSayable::NoBinary),
        };
        let whole = Self::of(first, link, now)?;
        let id = first.id().whole().to_string();
        Ok(Self { text: Some(text), data: Bytes::new(), header: None, part: None, id, ..whole })
    }

    /// The fields of a message that is no part of ours; the parts that its origin cut may leave with it.
    fn of_one(released: &Released, link: &LinkSettings, now: Micros) -> Result<Self, NotSayable> {
        let whole = Self::of(released, link, now)?;
        let Some(joined) = released.joined() else { return Ok(whole) };
        let text = Some(joined.text().ok_or(NotSayable::NoBinary)?);
        Ok(Self { text, data: Bytes::new(), header: None, part: None, ..whole })
    }

    fn of(released: &Released, link: &LinkSettings, now: Micros) -> Result<Self, NotSayable> {
        let Body::Content(content) = released.body() else { return Err(NotSayable::Receipt) };
        let (mut source, mut destination) = (released.source().clone(), released.destination().clone());
        let rules = link.rules.now();
        rules.rewrites.apply(Way::Out, AddressField::Source, &mut source);
        rules.rewrites.apply(Way::Out, AddressField::Destination, &mut destination);
        let (header, data, part) = user_data(content, rules.long_messages)?;
        let read = Profile::default().decode(content.data_coding, header.as_ref(), &data);
        let text = match read {
            Text::Text { text, .. } => Some(text),
            Text::Binary { .. } => None,
        };
        let mut expires_at = released.expires_at();
        if let Some(longest) = rules.max_validity {
            // From its acceptance, so that each attempt says the same.
            expires_at = expires_at.min(released.id().accepted_at().after(longest)).max(now);
        }
        let base = link.http.as_ref().and_then(|http| http.row.callback.as_ref()?.base.as_ref());
        Ok(Self {
            source,
            destination,
            text,
            data,
            header,
            coding: rules.data_coding_out.apply(content.data_coding),
            part,
            id: released.id().to_string(),
            attempt: released.attempt(),
            expires_at,
            now,
            receipt: released.receipt().wants_any(),
            intermediate: released.receipt().wants_intermediate(),
            class: class_name(released.class()),
            priority: content.priority,
            service_type: content.service_type.iter().map(|&octet| char::from(octet)).collect(),
            protocol_id: content.protocol_id,
            replace: content.replace_if_present,
            link: link.name.clone(),
            callback: base.map(|base| format!("{}/v1/links/{}", base.trim_end_matches('/'), link.name)),
        })
    }

    /// Whether the message leaves by the body for texts.
    pub(super) fn is_said_as_text(&self, parts: HttpParts) -> bool {
        let only_part = self.header.as_ref().is_none_or(|header| {
            header.elements().all(|element| matches!(element, signalbox_text::udh::Element::Concat(_)))
        });
        match (&self.text, parts) {
            (None, _) => false,
            (Some(_), HttpParts::Binary | HttpParts::Whole) => self.header.is_none(),
            (Some(_), HttpParts::Text) => only_part,
        }
    }

    /// The value of a field; `None` where the message has none.
    pub(super) fn value(&self, field: MessageField) -> Option<Cow<'_, str>> {
        let part = |of: fn(PartPlace) -> u32| self.part.map(|part| Cow::from(of(part).to_string()));
        match field {
            MessageField::To => Some(self.destination.to_text().into()),
            MessageField::ToPlus => Some(with_plus(&self.destination).into()),
            MessageField::From => Some(self.source.to_text().into()),
            MessageField::FromPlus => Some(with_plus(&self.source).into()),
            MessageField::Text => self.text.as_deref().map(Cow::from),
            MessageField::Data => Some(hex(&self.data).into()),
            MessageField::Udh => self.header.as_ref().map(|header| hex(header.as_bytes()).into()),
            MessageField::Coding => Some(self.coding.to_string().into()),
            MessageField::Flash => Some(self.is_flash().to_string().into()),
            MessageField::Id => Some(self.id.as_str().into()),
            MessageField::Attempt => Some(self.attempt.to_string().into()),
            MessageField::Part => part(|part| part.number.into()),
            MessageField::Parts => part(|part| part.total.into()),
            MessageField::Reference => part(|part| part.reference.into()),
            MessageField::ExpiresAt => {
                jiff::Timestamp::from_microsecond(self.expires_at.0).ok().map(|at| at.to_string().into())
            }
            MessageField::ValidFor => {
                Some(self.expires_at.since(self.now).as_secs().max(1).to_string().into())
            }
            MessageField::Receipt => Some(if self.receipt { "final" } else { "none" }.into()),
            MessageField::WantsReceipt => Some(self.receipt.to_string().into()),
            MessageField::Intermediate => Some(self.intermediate.to_string().into()),
            MessageField::Class => Some(self.class.into()),
            MessageField::Priority => Some(self.priority.to_string().into()),
            MessageField::ServiceType => {
                (!self.service_type.is_empty()).then(|| self.service_type.as_str().into())
            }
            MessageField::ProtocolId => Some(self.protocol_id.to_string().into()),
            MessageField::Replace => Some(self.replace.to_string().into()),
            MessageField::Link => Some(self.link.as_str().into()),
            MessageField::ReceiptUrl => self.callback_url("receipts"),
            MessageField::MoUrl => self.callback_url("mo"),
        }
    }

    fn callback_url(&self, what: &str) -> Option<Cow<'_, str>> {
        self.callback.as_ref().map(|base| format!("{base}/{what}").into())
    }

    fn is_flash(&self) -> bool {
        DataCoding::from_octet(self.coding, Scheme::Smpp).class == Some(MessageClass::Flash)
    }
}

fn class_name(class: signalbox_core::message::TrafficClass) -> &'static str {
    use signalbox_core::message::TrafficClass;
    match class {
        TrafficClass::Otp => "otp",
        TrafficClass::Reply => "reply",
        TrafficClass::Transactional => "transactional",
        TrafficClass::Bulk => "bulk",
    }
}

/// An international number with `+`, anything else as it is.
fn with_plus(address: &Address) -> String {
    match address.digits() {
        Some(digits) if address.ton == ton::INTERNATIONAL => {
            format!("+{}", String::from_utf8_lossy(digits))
        }
        Some(_) | None => address.to_text(),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

type UserData = (Option<Udh>, Bytes, Option<PartPlace>);

/// Header, octets and place of a content. A part that its TLVs tell gets a header, for HTTP has no place for TLVs.
fn user_data(content: &Content, way: LongMessages) -> Result<UserData, NotSayable> {
    let tlvs = Tlvs::from_bytes(content.tlvs.clone()).map_err(|_| NotSayable::Damaged)?;
    let payload = match tlvs.message_payload() {
        Some(payload) if content.payload.is_empty() => payload,
        Some(_) | None => content.payload.clone(),
    };
    let esm_class = EsmClass(content.esm_class);
    let way = match way {
        LongMessages::Udh8 | LongMessages::Udh16 => way,
        LongMessages::AsTheyCame | LongMessages::Sar | LongMessages::Payload => {
            if esm_class.has_udh() {
                LongMessages::AsTheyCame
            } else {
                LongMessages::Udh8
            }
        }
    };
    let carried = Carried { esm_class, payload, tlvs }.told_as(way);
    if !carried.esm_class.has_udh() {
        return Ok((None, carried.payload, None));
    }
    let (header, data) = Udh::split(&carried.payload).map_err(|_| NotSayable::Damaged)?;
    let part = header.concat().map(|concat| PartPlace {
        reference: concat.reference,
        number: concat.sequence,
        total: concat.total,
    });
    Ok((Some(header), data, part))
}
