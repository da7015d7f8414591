//! What the peer sends.

use super::{Bound, Connection, Counters, Ending};
use crate::wire::{self, Header, RESPONSE};
use std::sync::Arc;

impl Connection {
    pub(super) fn handle(&mut self, header: Header, frame: &[u8]) {
        let sequence = header.sequence;
        match header.command {
            wire::SUBMIT_SM | wire::DATA_SM | wire::SUBMIT_MULTI => self.submit(header, frame),
            wire::BIND_TRANSMITTER | wire::BIND_RECEIVER | wire::BIND_TRANSCEIVER => {
                self.bind(header, frame);
            }
            wire::ENQUIRE_LINK => {
                Counters::add(&self.shared.counters.enquiries, 1);
                wire::put_header(&mut self.out, wire::ENQUIRE_LINK | RESPONSE, wire::ROK, sequence);
            }
            wire::UNBIND => {
                wire::put_header(&mut self.out, wire::UNBIND | RESPONSE, wire::ROK, sequence);
                self.bound = None;
                self.ending = Some(Ending::Close);
            }
            wire::QUERY_SM => {
                let start = wire::begin(&mut self.out, wire::QUERY_SM | RESPONSE, wire::ROK, sequence);
                self.out.extend_from_slice(wire::first_text(frame));
                // End of the id, no final date, state DELIVERED, no error.
                self.out.extend_from_slice(&[0, 0, 2, 0]);
                wire::end(&mut self.out, start);
            }
            wire::CANCEL_SM | wire::REPLACE_SM => {
                wire::put_header(&mut self.out, header.command | RESPONSE, wire::ROK, sequence);
            }
            wire::GENERIC_NACK => {
                Counters::add(&self.shared.counters.nacks, 1);
                self.delivered(header);
            }
            command if command & RESPONSE != 0 => self.delivered(header),
            _ => wire::put_header(&mut self.out, wire::GENERIC_NACK, wire::RINVCMDID, sequence),
        }
    }

    fn bind(&mut self, header: Header, frame: &[u8]) {
        let accounts = &self.options.accounts;
        let known = |id: &[u8], secret: &[u8]| {
            accounts.is_empty() || accounts.iter().any(|(a, b)| a.as_bytes() == id && b.as_bytes() == secret)
        };
        let allowed = wire::credentials(frame).filter(|(id, secret)| known(id, secret));
        let response = header.command | RESPONSE;
        let Some((system_id, _)) = allowed else {
            Counters::add(&self.shared.counters.binds_refused, 1);
            wire::put_header(&mut self.out, response, wire::RINVPASWD, header.sequence);
            self.ending = Some(Ending::Close);
            return;
        };
        if self.bound.is_some() {
            wire::put_header(&mut self.out, response, wire::RALYBND, header.sequence);
            return;
        }
        Counters::add(&self.shared.counters.binds, 1);
        self.bound = Some(Bound {
            account: Arc::from(String::from_utf8_lossy(system_id)),
            transmits: header.command != wire::BIND_RECEIVER,
            receives: header.command != wire::BIND_TRANSMITTER,
        });
        let start = wire::begin(&mut self.out, response, wire::ROK, header.sequence);
        self.out.extend_from_slice(self.options.system_id.as_bytes());
        self.out.push(0);
        wire::put_tlv(&mut self.out, wire::TLV_SC_INTERFACE_VERSION, &[0x34]);
        wire::end(&mut self.out, start);
    }
}
