//! Between PDUs and the exchange's messages, both ways. Pure: PDU, rules and time in, value out.
//!
//! | PDU | to | file |
//! |---|---|---|
//! | submit_sm, submit_multi, data_sm of an account | a submission | `submit` |
//! | query_sm, cancel_sm, replace_sm of an account | a question, and its answer | `query` |
//! | deliver_sm, data_sm of a link | an MO message or a receipt | `inbound` |
//! | a released message | submit_sm, deliver_sm or data_sm | `outgoing` |
//! | a released receipt | deliver_sm or data_sm | `receipt` |
//! | a refusal of the exchange | command_status | `status` |
//! | a peer's command_status | what it means | `errors` |

mod address;
mod alphabet;
mod coding;
mod errors;
mod home;
mod inbound;
mod outgoing;
mod parts;
mod query;
mod receipt;
mod status;
mod submit;
mod times;
mod tlvs;

pub use address::{AddressField, Change, Rewrite, Rewrites, Way};
pub use coding::DataCodings;
pub use errors::ErrorTable;
pub use parts::{LongMessages, cut};
pub use status::StatusMap;
pub use tlvs::TlvEdits;

pub(super) use address::{core_address, smpp_address};
pub(super) use inbound::{Arrival, from_data_sm, from_deliver_sm};
pub(super) use outgoing::{NotEncodable, deliver, submit_to_link};
pub(super) use parts::{Carried, is_first as is_first_part};
pub(super) use query::{cancel, query, query_resp, replace};
pub(super) use receipt::receipt;
pub(super) use status::{Side, of_message_reply, of_refusal};
pub(super) use submit::{Origin, from_data_sm as submit_data_sm, from_submit_multi, from_submit_sm};
