//! Session set-up: the three binds and outbind (SMPP 3.4 clause 4.1).

use crate::decode::{DecodeError, Reader};
use crate::encode::Sink;
use crate::tlv::{Tag, Tlvs};
use crate::{Body, COctets, CommandId, Field, Npi, Ton, Version};
use bytes::Bytes;
use std::fmt;

/// Which directions a bind opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindMode {
    /// The ESME submits.
    Transmitter,
    /// The ESME receives deliver_sm.
    Receiver,
    /// Both (since 3.4).
    Transceiver,
}

impl BindMode {
    /// The command that asks for this mode.
    pub const fn command(self) -> CommandId {
        match self {
            BindMode::Transmitter => CommandId::BIND_TRANSMITTER,
            BindMode::Receiver => CommandId::BIND_RECEIVER,
            BindMode::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }

    /// The request with this body.
    pub const fn request(self, bind: Bind) -> Body {
        match self {
            BindMode::Transmitter => Body::BindTransmitter(bind),
            BindMode::Receiver => Body::BindReceiver(bind),
            BindMode::Transceiver => Body::BindTransceiver(bind),
        }
    }

    /// The response with this body.
    pub const fn response(self, resp: BindResp) -> Body {
        match self {
            BindMode::Transmitter => Body::BindTransmitterResp(resp),
            BindMode::Receiver => Body::BindReceiverResp(resp),
            BindMode::Transceiver => Body::BindTransceiverResp(resp),
        }
    }
}

/// bind_transmitter, bind_receiver, bind_transceiver. `Debug` hides the password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bind {
    /// Who binds; up to 15 octets.
    pub system_id: COctets,
    /// The password; up to 8 octets by the specification.
    pub password: COctets,
    /// Kind of system; up to 12 octets.
    pub system_type: COctets,
    /// Version octet, see [`Version::from_interface`].
    pub interface_version: u8,
    /// Type of number of the addresses served.
    pub addr_ton: Ton,
    /// Numbering plan of the addresses served.
    pub addr_npi: Npi,
    /// The addresses served, as a UNIX regular expression; up to 40 octets.
    pub address_range: COctets,
    /// TLVs, which the specification does not define here but vendors send.
    pub tlvs: Tlvs,
}

impl Bind {
    /// A bind of the given version with nothing but the credentials.
    pub fn new(system_id: impl Into<COctets>, password: impl Into<COctets>, version: Version) -> Self {
        Bind {
            system_id: system_id.into(),
            password: password.into(),
            interface_version: version.interface(),
            ..Bind::default()
        }
    }

    /// The version the peer speaks.
    pub const fn version(&self) -> Version {
        Version::from_interface(self.interface_version)
    }

    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(Bind {
            system_id: reader.octets(frame, Field::SystemId)?,
            password: reader.octets(frame, Field::Password)?,
            system_type: reader.octets(frame, Field::SystemType)?,
            interface_version: reader.u8(Field::InterfaceVersion)?,
            addr_ton: Ton(reader.u8(Field::AddrTon)?),
            addr_npi: Npi(reader.u8(Field::AddrNpi)?),
            address_range: reader.octets(frame, Field::AddressRange)?,
            tlvs: reader.tlvs(frame)?,
        })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::SystemId, &self.system_id);
        sink.text(Field::Password, &self.password);
        sink.text(Field::SystemType, &self.system_type);
        sink.u8(self.interface_version);
        sink.u8(self.addr_ton.0);
        sink.u8(self.addr_npi.0);
        sink.text(Field::AddressRange, &self.address_range);
        sink.tlvs(&self.tlvs);
    }
}

impl fmt::Debug for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bind")
            .field("system_id", &self.system_id)
            .field("password", &format_args!("***"))
            .field("system_type", &self.system_type)
            .field("interface_version", &format_args!("{:#04x}", self.interface_version))
            .field("addr_ton", &self.addr_ton)
            .field("addr_npi", &self.addr_npi)
            .field("address_range", &self.address_range)
            .field("tlvs", &self.tlvs)
            .finish()
    }
}

/// Response to any bind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BindResp {
    /// Who answers; up to 15 octets.
    pub system_id: COctets,
    /// sc_interface_version (since 3.4), others.
    pub tlvs: Tlvs,
}

impl BindResp {
    /// sc_interface_version, if the SMSC sent it.
    pub fn version(&self) -> Option<Version> {
        self.tlvs.u8(Tag::SC_INTERFACE_VERSION).map(Version::from_interface)
    }

    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(BindResp { system_id: reader.octets(frame, Field::SystemId)?, tlvs: reader.tlvs(frame)? })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::SystemId, &self.system_id);
        sink.tlvs(&self.tlvs);
    }
}

/// outbind: the SMSC asks the ESME to bind as a receiver. `Debug` hides the password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Outbind {
    /// The SMSC; up to 15 octets.
    pub system_id: COctets,
    /// Its password; up to 8 octets by the specification.
    pub password: COctets,
    /// TLVs, which the specification does not define here.
    pub tlvs: Tlvs,
}

impl Outbind {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(Outbind {
            system_id: reader.octets(frame, Field::SystemId)?,
            password: reader.octets(frame, Field::Password)?,
            tlvs: reader.tlvs(frame)?,
        })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::SystemId, &self.system_id);
        sink.text(Field::Password, &self.password);
        sink.tlvs(&self.tlvs);
    }
}

impl fmt::Debug for Outbind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbind")
            .field("system_id", &self.system_id)
            .field("password", &format_args!("***"))
            .field("tlvs", &self.tlvs)
            .finish()
    }
}
