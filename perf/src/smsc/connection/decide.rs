//! What becomes of a submit.

use super::super::delivery::{self, Taken};
use super::super::options::{ReceiptPolicy, ReceiptState};
use super::super::{Submit, lock};
use super::{Connection, Counters, Delivery, Later, Line, Message};
use crate::handsets::Heard;
use crate::wire::{self, Header, RESPONSE};
use rand::Rng;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn each(n: Option<u64>, count: u64) -> bool {
    n.is_some_and(|n| n > 0 && count.is_multiple_of(n))
}

impl Connection {
    fn chance(&mut self, percent: f64) -> bool {
        percent > 0.0 && self.random.random::<f64>() * 100.0 < percent
    }

    /// One out of values with shares in percent; `None` for what is left of the hundred.
    fn draw<T: Copy>(&mut self, shares: &[(T, f64)]) -> Option<T> {
        if shares.is_empty() {
            return None;
        }
        let mut drawn = self.random.random::<f64>() * 100.0;
        for (value, percent) in shares {
            if drawn < *percent {
                return Some(*value);
            }
            drawn -= percent;
        }
        None
    }

    pub(super) fn submit(&mut self, header: Header, frame: &[u8]) {
        let response = header.command | RESPONSE;
        if !self.bound.as_ref().is_some_and(|bound| bound.transmits) {
            wire::put_header(&mut self.out, response, wire::RINVBNDSTS, header.sequence);
            return;
        }
        self.submits += 1;
        Counters::add(&self.shared.counters.submits, 1);
        if let Some(refusal) = self.refusal() {
            let counters = &self.shared.counters;
            let throttled = refusal == wire::RTHROTTLED;
            Counters::add(if throttled { &counters.throttled } else { &counters.errors }, 1);
            self.note(frame, 0, Some(refusal));
            let mut answer = Vec::new();
            wire::put_header(&mut answer, response, refusal, header.sequence);
            self.answer(Duration::ZERO, answer);
            return;
        }
        self.take(header, frame);
    }

    fn take(&mut self, header: Header, frame: &[u8]) {
        let options = Arc::clone(&self.options);
        let faults = &options.faults;
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        Counters::add(&self.shared.counters.taken, 1);
        let drops = each(faults.drop_each, self.submits);
        self.silent |= faults.silent_after.is_some_and(|after| self.submits > after);
        if drops || self.silent || self.chance(faults.never_answer_percent) {
            Counters::add(&self.shared.counters.unanswered, 1);
            self.note(frame, id, None);
            if drops {
                self.drop_connection();
            }
            return;
        }
        self.note(frame, id, Some(wire::ROK));
        if let Some(heard) = &self.shared.heard {
            let text = Message::read(frame).and_then(|message| Heard::of(&message));
            // A device that hears nothing answers nothing.
            let _ = text.map(|text| heard.try_send(text));
        }
        self.receipts(frame, id);
        if each(faults.garbage_each, self.submits) {
            self.garbage();
        }
        let early = options.receipts.early.filter(|_| options.receipts.policy != ReceiptPolicy::None);
        if early.is_none() && options.response_delay.is_none() {
            put_answer(&mut self.out, &options, header, id);
        } else {
            let mut answer = Vec::with_capacity(48);
            put_answer(&mut answer, &options, header, id);
            self.answer(early.unwrap_or_default(), answer);
        }
        if faults.bad_length_after.is_some_and(|after| self.submits == after) {
            self.out.extend_from_slice(&[0, 0, 0, 7, 0x80, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1]);
        }
    }

    /// Writes an answer now or after the delays.
    fn answer(&mut self, least: Duration, frame: Vec<u8>) {
        let after = least + self.options.response_delay.draw(&mut self.random);
        if after.is_zero() {
            self.out.extend_from_slice(&frame);
        } else {
            self.schedule(after, Later::Write(frame));
        }
    }

    fn refusal(&mut self) -> Option<u32> {
        let options = Arc::clone(&self.options);
        let faults = &options.faults;
        if faults.throttle.is_some() && self.shared.throttles() {
            return Some(wire::RTHROTTLED);
        }
        if each(faults.queue_full_each, self.submits) {
            return Some(wire::RMSGQFUL);
        }
        self.draw(&faults.errors)
    }

    /// Logs and keeps a submit, where that is wanted.
    fn note(&mut self, frame: &[u8], id: u64, status: Option<u32>) {
        if self.shared.log.is_none() && !self.options.record {
            return;
        }
        let message = Message::read(frame).unwrap_or_default();
        let marker = wire::marker(message.text);
        let mut given = Vec::with_capacity(24);
        if status.is_none_or(|status| status == wire::ROK) {
            self.options.id_form.put_response(&mut given, id);
        }
        if self.shared.log.is_some() {
            Line::begin(&mut self.lines, "submit")
                .number("session", self.number)
                .maybe("m", marker)
                .text("source", message.source)
                .text("destination", message.destination)
                .text("id", &given)
                .maybe("status", status.map(u64::from))
                .end();
        }
        if self.options.record {
            let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
            lock(&self.shared.recorded).push(Submit {
                session: self.number,
                system_id: self.bound.as_ref().map(|bound| bound.account.to_string()).unwrap_or_default(),
                frame: frame.to_vec(),
                source: text(message.source),
                destination: text(message.destination),
                text: message.text.to_vec(),
                esm_class: message.esm_class,
                data_coding: message.data_coding,
                registered: message.registered,
                priority: message.priority,
                marker,
                id: text(&given),
                status,
            });
        }
    }

    fn receipts(&mut self, frame: &[u8], id: u64) {
        let options = Arc::clone(&self.options);
        let receipts = &options.receipts;
        if receipts.policy == ReceiptPolicy::None {
            return;
        }
        let Some(message) = Message::read(frame) else {
            Counters::add(&self.shared.counters.malformed, 1);
            return;
        };
        let state = self.draw(&receipts.states).unwrap_or(ReceiptState::Delivrd);
        let asked = match message.registered & 0x03 {
            1 => true,
            2 => state != ReceiptState::Delivrd,
            3 => state == ReceiptState::Delivrd,
            _ => false,
        };
        if !asked && receipts.policy == ReceiptPolicy::AsAsked {
            return;
        }
        if self.chance(receipts.lost_percent) {
            Counters::add(&self.shared.counters.receipts_lost, 1);
            return;
        }
        let account = self.bound.as_ref().map(|bound| Arc::clone(&bound.account));
        let taken = Taken { message: &message, id, account, marker: wire::marker(message.text) };
        if receipts.intermediate {
            self.receipt_after(delivery::receipt(&taken, ReceiptState::Enroute, options.id_form, receipts));
        }
        let receipt = delivery::receipt(&taken, state, options.id_form, receipts);
        if self.chance(receipts.duplicated_percent) {
            self.receipt_after(receipt.clone());
        }
        self.receipt_after(receipt);
    }

    fn receipt_after(&mut self, receipt: Delivery) {
        let early = self.options.receipts.early.is_some();
        if early && self.receives() {
            self.deliver(receipt);
            return;
        }
        // Without a delay it goes out behind the response, in the same write.
        let after = if early { Duration::ZERO } else { self.options.receipts.delay.draw(&mut self.random) };
        self.schedule(after, Later::Deliver(receipt));
    }

    /// A well framed PDU that makes no sense, a different one each time.
    fn garbage(&mut self) {
        match self.random.random_range(0..6) {
            // A request nobody knows.
            0 => wire::put_text_pdu(&mut self.out, 0x0001_0203, 0, 0x7000_0001, b"what"),
            // A deliver_sm that ends in its middle.
            1 => wire::put_text_pdu(&mut self.out, wire::DELIVER_SM, 0, 0x7000_0002, b""),
            // A response to nothing.
            2 => wire::put_text_pdu(&mut self.out, wire::SUBMIT_SM | RESPONSE, 0, 0x7000_0003, b"0"),
            // A response without a body, to nothing.
            3 => wire::put_header(&mut self.out, wire::DATA_SM | RESPONSE, 0, 0x7000_0004),
            // A TLV that reaches past the end.
            4 => {
                let tlvs = [0x04, 0x24, 0xff, 0xff, 1];
                let message = Message { source: b"1", destination: b"2", tlvs: &tlvs, ..Message::default() };
                let fields = wire::Fields { message, payload: false };
                wire::put_message(&mut self.out, wire::DELIVER_SM, 0x7000_0005, &fields);
            }
            // A response nobody knows.
            _ => wire::put_header(&mut self.out, 0x8009_0909, 0xffff, 0x7000_0006),
        }
    }
}

#[inline]
fn put_answer(out: &mut Vec<u8>, options: &super::SmscOptions, header: Header, id: u64) {
    let start = wire::begin(out, header.command | RESPONSE, wire::ROK, header.sequence);
    options.id_form.put_response(out, id);
    out.push(0);
    if header.command == wire::SUBMIT_MULTI {
        out.push(0);
    }
    wire::end(out, start);
}
