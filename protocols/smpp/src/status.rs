//! command_status (SMPP 3.4 clause 5.1.3, 5.0 clause 4.7.6).

use crate::named::named_values;

named_values! {
    /// The command_status of a response. Values without a name (reserved, vendor range 0x400-0x4ff) are kept.
    CommandStatus(u32) {
        /// No error.
        ROK = 0x0000_0000 "ESME_ROK",
        /// The message length is invalid (sm_length, short_message).
        RINVMSGLEN = 0x0000_0001 "ESME_RINVMSGLEN",
        /// The command length is invalid (PDU longer or shorter than its fields).
        RINVCMDLEN = 0x0000_0002 "ESME_RINVCMDLEN",
        /// The command_id is not known.
        RINVCMDID = 0x0000_0003 "ESME_RINVCMDID",
        /// The command is not allowed in the bind state of the session.
        RINVBNDSTS = 0x0000_0004 "ESME_RINVBNDSTS",
        /// The ESME is bound already.
        RALYBND = 0x0000_0005 "ESME_RALYBND",
        /// The priority flag is invalid.
        RINVPRTFLG = 0x0000_0006 "ESME_RINVPRTFLG",
        /// The registered_delivery flag is invalid.
        RINVREGDLVFLG = 0x0000_0007 "ESME_RINVREGDLVFLG",
        /// System error.
        RSYSERR = 0x0000_0008 "ESME_RSYSERR",
        /// The source address is invalid.
        RINVSRCADR = 0x0000_000A "ESME_RINVSRCADR",
        /// The destination address is invalid.
        RINVDSTADR = 0x0000_000B "ESME_RINVDSTADR",
        /// The message id is invalid.
        RINVMSGID = 0x0000_000C "ESME_RINVMSGID",
        /// The bind failed.
        RBINDFAIL = 0x0000_000D "ESME_RBINDFAIL",
        /// The password is invalid.
        RINVPASWD = 0x0000_000E "ESME_RINVPASWD",
        /// The system_id is invalid.
        RINVSYSID = 0x0000_000F "ESME_RINVSYSID",
        /// cancel_sm failed.
        RCANCELFAIL = 0x0000_0011 "ESME_RCANCELFAIL",
        /// replace_sm failed.
        RREPLACEFAIL = 0x0000_0013 "ESME_RREPLACEFAIL",
        /// The message queue is full: temporary.
        RMSGQFUL = 0x0000_0014 "ESME_RMSGQFUL",
        /// The service type is invalid.
        RINVSERTYP = 0x0000_0015 "ESME_RINVSERTYP",
        /// The number of destinations is invalid.
        RINVNUMDESTS = 0x0000_0033 "ESME_RINVNUMDESTS",
        /// The name of the distribution list is invalid.
        RINVDLNAME = 0x0000_0034 "ESME_RINVDLNAME",
        /// The destination flag of submit_multi is invalid.
        RINVDESTFLAG = 0x0000_0040 "ESME_RINVDESTFLAG",
        /// Submit with replace is invalid.
        RINVSUBREP = 0x0000_0042 "ESME_RINVSUBREP",
        /// esm_class is invalid.
        RINVESMCLASS = 0x0000_0043 "ESME_RINVESMCLASS",
        /// Cannot submit to a distribution list.
        RCNTSUBDL = 0x0000_0044 "ESME_RCNTSUBDL",
        /// submit_sm, data_sm or submit_multi failed.
        RSUBMITFAIL = 0x0000_0045 "ESME_RSUBMITFAIL",
        /// The type of number of the source is invalid.
        RINVSRCTON = 0x0000_0048 "ESME_RINVSRCTON",
        /// The numbering plan of the source is invalid.
        RINVSRCNPI = 0x0000_0049 "ESME_RINVSRCNPI",
        /// The type of number of the destination is invalid.
        RINVDSTTON = 0x0000_0050 "ESME_RINVDSTTON",
        /// The numbering plan of the destination is invalid.
        RINVDSTNPI = 0x0000_0051 "ESME_RINVDSTNPI",
        /// system_type is invalid.
        RINVSYSTYP = 0x0000_0053 "ESME_RINVSYSTYP",
        /// replace_if_present_flag is invalid.
        RINVREPFLAG = 0x0000_0054 "ESME_RINVREPFLAG",
        /// The number of messages is invalid.
        RINVNUMMSGS = 0x0000_0055 "ESME_RINVNUMMSGS",
        /// Throttled: the peer exceeded its rate or window; temporary.
        RTHROTTLED = 0x0000_0058 "ESME_RTHROTTLED",
        /// The scheduled delivery time is invalid.
        RINVSCHED = 0x0000_0061 "ESME_RINVSCHED",
        /// The validity period is invalid.
        RINVEXPIRY = 0x0000_0062 "ESME_RINVEXPIRY",
        /// The predefined message is invalid or was not found.
        RINVDFTMSGID = 0x0000_0063 "ESME_RINVDFTMSGID",
        /// The ESME has a temporary error.
        RX_T_APPN = 0x0000_0064 "ESME_RX_T_APPN",
        /// The ESME has a permanent error.
        RX_P_APPN = 0x0000_0065 "ESME_RX_P_APPN",
        /// The ESME rejects the message.
        RX_R_APPN = 0x0000_0066 "ESME_RX_R_APPN",
        /// query_sm failed.
        RQUERYFAIL = 0x0000_0067 "ESME_RQUERYFAIL",
        /// The optional part of the body is malformed (5.0: ESME_RINVTLVSTREAM).
        RINVOPTPARSTREAM = 0x0000_00C0 "ESME_RINVOPTPARSTREAM",
        /// A TLV is not allowed here (5.0: ESME_RTLVNOTALLWD).
        ROPTPARNOTALLWD = 0x0000_00C1 "ESME_ROPTPARNOTALLWD",
        /// A parameter has an invalid length (5.0: ESME_RINVTLVLEN).
        RINVPARLEN = 0x0000_00C2 "ESME_RINVPARLEN",
        /// An expected TLV is missing (5.0: ESME_RMISSINGTLV).
        RMISSINGOPTPARAM = 0x0000_00C3 "ESME_RMISSINGOPTPARAM",
        /// A TLV has an invalid value (5.0: ESME_RINVTLVVAL).
        RINVOPTPARAMVAL = 0x0000_00C4 "ESME_RINVOPTPARAMVAL",
        /// Delivery failed (data_sm_resp, deliver_sm_resp).
        RDELIVERYFAILURE = 0x0000_00FE "ESME_RDELIVERYFAILURE",
        /// Unknown error.
        RUNKNOWNERR = 0x0000_00FF "ESME_RUNKNOWNERR",
        /// The ESME may not use the service type (5.0).
        RSERTYPUNAUTH = 0x0000_0100 "ESME_RSERTYPUNAUTH",
        /// The ESME may not use this operation (5.0).
        RPROHIBITED = 0x0000_0101 "ESME_RPROHIBITED",
        /// The service type is unavailable (5.0).
        RSERTYPUNAVAIL = 0x0000_0102 "ESME_RSERTYPUNAVAIL",
        /// The service type is denied (5.0).
        RSERTYPDENIED = 0x0000_0103 "ESME_RSERTYPDENIED",
        /// data_coding is invalid (5.0).
        RINVDCS = 0x0000_0104 "ESME_RINVDCS",
        /// The subunit of the source address is invalid (5.0).
        RINVSRCADDRSUBUNIT = 0x0000_0105 "ESME_RINVSRCADDRSUBUNIT",
        /// The subunit of the destination address is invalid (5.0).
        RINVDSTADDRSUBUNIT = 0x0000_0106 "ESME_RINVDSTADDRSUBUNIT",
        /// The broadcast frequency interval is invalid (5.0).
        RINVBCASTFREQINT = 0x0000_0107 "ESME_RINVBCASTFREQINT",
        /// The broadcast alias name is invalid (5.0).
        RINVBCASTALIAS_NAME = 0x0000_0108 "ESME_RINVBCASTALIAS_NAME",
        /// The broadcast area format is invalid (5.0).
        RINVBCASTAREAFMT = 0x0000_0109 "ESME_RINVBCASTAREAFMT",
        /// The number of broadcast areas is invalid (5.0).
        RINVNUMBCAST_AREAS = 0x0000_010A "ESME_RINVNUMBCAST_AREAS",
        /// The broadcast content type is invalid (5.0).
        RINVBCASTCNTTYPE = 0x0000_010B "ESME_RINVBCASTCNTTYPE",
        /// The broadcast message class is invalid (5.0).
        RINVBCASTMSGCLASS = 0x0000_010C "ESME_RINVBCASTMSGCLASS",
        /// broadcast_sm failed (5.0).
        RBCASTFAIL = 0x0000_010D "ESME_RBCASTFAIL",
        /// query_broadcast_sm failed (5.0).
        RBCASTQUERYFAIL = 0x0000_010E "ESME_RBCASTQUERYFAIL",
        /// cancel_broadcast_sm failed (5.0).
        RBCASTCANCELFAIL = 0x0000_010F "ESME_RBCASTCANCELFAIL",
        /// The number of repeated broadcasts is invalid (5.0).
        RINVBCAST_REP = 0x0000_0110 "ESME_RINVBCAST_REP",
        /// The broadcast service group is invalid (5.0).
        RINVBCASTSRVGRP = 0x0000_0111 "ESME_RINVBCASTSRVGRP",
        /// The broadcast channel indicator is invalid (5.0).
        RINVBCASTCHANIND = 0x0000_0112 "ESME_RINVBCASTCHANIND",
    }
}

impl CommandStatus {
    /// Whether the status is ESME_ROK.
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// Whether the value lies in the range kept for vendors (3.4 clause 5.1.3).
    pub const fn is_vendor(self) -> bool {
        self.0 >= 0x400 && self.0 <= 0x4ff
    }
}
