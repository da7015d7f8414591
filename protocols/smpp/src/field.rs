//! The fields of all PDUs by name: their limits, and the error status for a wrong one.

use crate::{CommandStatus, Profile, Version};
use std::fmt;

macro_rules! fields {
    ($( $(#[$doc:meta])* $variant:ident $name:literal $status:ident ),* $(,)?) => {
        /// A field of a PDU, named in errors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Field {
            $( $(#[$doc])* $variant, )*
        }

        impl Field {
            /// The name in the specification.
            pub const fn name(self) -> &'static str {
                match self { $( Field::$variant => $name, )* }
            }

            /// The command_status that says this field is wrong.
            pub const fn status(self) -> CommandStatus {
                match self { $( Field::$variant => CommandStatus::$status, )* }
            }
        }
    };
}

fields! {
    /// The sixteen octets before the body.
    Header "header" RINVCMDLEN,
    /// command_id.
    CommandId "command_id" RINVCMDID,
    /// The body as a whole.
    Body "body" RINVCMDLEN,
    /// The optional part as a whole.
    Tlvs "optional parameters" RINVOPTPARSTREAM,
    /// system_id.
    SystemId "system_id" RINVSYSID,
    /// password.
    Password "password" RINVPASWD,
    /// system_type.
    SystemType "system_type" RINVSYSTYP,
    /// interface_version.
    InterfaceVersion "interface_version" RBINDFAIL,
    /// addr_ton of a bind.
    AddrTon "addr_ton" RBINDFAIL,
    /// addr_npi of a bind.
    AddrNpi "addr_npi" RBINDFAIL,
    /// address_range.
    AddressRange "address_range" RBINDFAIL,
    /// service_type.
    ServiceType "service_type" RINVSERTYP,
    /// source_addr_ton.
    SourceTon "source_addr_ton" RINVSRCTON,
    /// source_addr_npi.
    SourceNpi "source_addr_npi" RINVSRCNPI,
    /// source_addr.
    SourceAddr "source_addr" RINVSRCADR,
    /// source_addr of data_sm and alert_notification, which may be longer.
    DataSourceAddr "source_addr" RINVSRCADR,
    /// dest_addr_ton.
    DestTon "dest_addr_ton" RINVDSTTON,
    /// dest_addr_npi.
    DestNpi "dest_addr_npi" RINVDSTNPI,
    /// destination_addr.
    DestAddr "destination_addr" RINVDSTADR,
    /// destination_addr of data_sm, which may be longer.
    DataDestAddr "destination_addr" RINVDSTADR,
    /// esme_addr of alert_notification.
    EsmeAddr "esme_addr" RINVDSTADR,
    /// number_of_dests.
    NumberOfDests "number_of_dests" RINVNUMDESTS,
    /// dest_flag.
    DestFlag "dest_flag" RINVDESTFLAG,
    /// dl_name.
    DlName "dl_name" RINVDLNAME,
    /// no_unsuccess.
    NoUnsuccess "no_unsuccess" RINVNUMDESTS,
    /// esm_class.
    EsmClass "esm_class" RINVESMCLASS,
    /// protocol_id.
    ProtocolId "protocol_id" RINVCMDLEN,
    /// priority_flag.
    PriorityFlag "priority_flag" RINVPRTFLG,
    /// schedule_delivery_time.
    ScheduleDeliveryTime "schedule_delivery_time" RINVSCHED,
    /// validity_period.
    ValidityPeriod "validity_period" RINVEXPIRY,
    /// registered_delivery.
    RegisteredDelivery "registered_delivery" RINVREGDLVFLG,
    /// replace_if_present_flag.
    ReplaceIfPresent "replace_if_present_flag" RINVREPFLAG,
    /// data_coding.
    DataCoding "data_coding" RINVDCS,
    /// sm_default_msg_id.
    SmDefaultMsgId "sm_default_msg_id" RINVDFTMSGID,
    /// sm_length.
    SmLength "sm_length" RINVMSGLEN,
    /// short_message.
    ShortMessage "short_message" RINVMSGLEN,
    /// message_id.
    MessageId "message_id" RINVMSGID,
    /// final_date.
    FinalDate "final_date" RINVCMDLEN,
    /// message_state.
    MessageState "message_state" RINVCMDLEN,
    /// error_code.
    ErrorCode "error_code" RINVCMDLEN,
    /// Number of messages asked for or listed (3.3).
    NumberOfMessages "no_of_messages" RINVNUMMSGS,
    /// param_name (3.3).
    ParamName "param_name" RINVPARLEN,
    /// param_value (3.3).
    ParamValue "param_value" RINVPARLEN,
}

impl Field {
    /// The longest text this field may hold, in octets without NUL.
    #[inline]
    pub(crate) fn limit(self, profile: &Profile) -> usize {
        let limits = &profile.limits;
        let octets = match self {
            Field::SystemId => limits.system_id,
            Field::Password => limits.password,
            Field::SystemType => limits.system_type,
            Field::AddressRange => limits.address_range,
            Field::ServiceType => limits.service_type,
            Field::SourceAddr | Field::DestAddr => limits.address,
            Field::DataSourceAddr | Field::DataDestAddr | Field::EsmeAddr => limits.data_address,
            Field::DlName => limits.dl_name,
            Field::ScheduleDeliveryTime | Field::ValidityPeriod | Field::FinalDate => 16,
            Field::MessageId => limits.message_id,
            Field::ShortMessage => limits.short_message,
            Field::ParamName => 31,
            Field::ParamValue => 99,
            Field::Header
            | Field::CommandId
            | Field::Body
            | Field::Tlvs
            | Field::InterfaceVersion
            | Field::AddrTon
            | Field::AddrNpi
            | Field::SourceTon
            | Field::SourceNpi
            | Field::DestTon
            | Field::DestNpi
            | Field::NumberOfDests
            | Field::DestFlag
            | Field::NoUnsuccess
            | Field::EsmClass
            | Field::ProtocolId
            | Field::PriorityFlag
            | Field::RegisteredDelivery
            | Field::ReplaceIfPresent
            | Field::DataCoding
            | Field::SmDefaultMsgId
            | Field::SmLength
            | Field::MessageState
            | Field::ErrorCode
            | Field::NumberOfMessages => u8::MAX,
        };
        usize::from(octets)
    }

    /// As [`Field::limit`], for sending: a 3.3 peer takes message ids of 8 hexadecimal digits only.
    #[inline]
    pub(crate) fn limit_out(self, profile: &Profile) -> usize {
        let limit = self.limit(profile);
        match self {
            Field::MessageId if profile.version == Version::V3_3 => limit.min(8),
            Field::ShortMessage if profile.version < Version::V5_0 => limit.min(254),
            _ => limit,
        }
    }

    /// Whether the text is an address, in which octets outside of ASCII are a quirk.
    pub(crate) const fn is_address(self) -> bool {
        matches!(
            self,
            Field::SourceAddr
                | Field::DestAddr
                | Field::DataSourceAddr
                | Field::DataDestAddr
                | Field::EsmeAddr
        )
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
