//! What the SMSC sends.

use super::super::book;
use super::super::lock;
use super::Session;
use crate::error::SimError;
use crate::event_log::Line;
use crate::wire::{self, Header, Message, RESPONSE};
use bytes::Buf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const SUBMIT_SM_RESP: u32 = wire::SUBMIT_SM | RESPONSE;

/// What a batch of input adds to the shared books.
#[derive(Default)]
struct Batch {
    accepted: u64,
    ended: u64,
    answered: bool,
    receipts: u64,
}

impl Session {
    pub(super) fn handle_input(&mut self) -> Result<(), SimError> {
        let mut input = std::mem::take(&mut self.input);
        let mut batch = Batch::default();
        let now = self.shared.now();
        let mut at = 0;
        let framed = loop {
            match wire::next_frame(&input[at..]) {
                Ok(None) => break Ok(()),
                Ok(Some(header)) => {
                    self.handle(header, &input[at..at + header.length], now, &mut batch);
                    at += header.length;
                }
                Err(_) => break Err(SimError::Lost("the peer sent an impossible command_length")),
            }
        };
        input.advance(at);
        self.input = input;
        self.settle(&batch, now);
        framed
    }

    fn settle(&mut self, batch: &Batch, now: u64) {
        let shared = Arc::clone(&self.shared);
        let counters = &shared.counters;
        if batch.answered {
            counters.accepted.fetch_add(batch.accepted, Ordering::Relaxed);
            counters.last_response.fetch_max(now, Ordering::Relaxed);
            shared.ended(batch.ended);
        }
        if batch.receipts > 0 {
            counters.receipts.fetch_add(batch.receipts, Ordering::Relaxed);
            let book = lock(&shared.book);
            let complete = book.is_complete();
            drop(book);
            if complete {
                shared.changed.notify_waiters();
            }
        }
    }

    fn handle(&mut self, header: Header, frame: &[u8], now: u64, batch: &mut Batch) {
        match header.command {
            SUBMIT_SM_RESP | wire::GENERIC_NACK => self.answered(header, frame, now, batch),
            wire::DELIVER_SM | wire::DATA_SM => self.delivered(header, frame, now, batch),
            wire::ENQUIRE_LINK => {
                wire::put_header(&mut self.out, wire::ENQUIRE_LINK | RESPONSE, wire::ROK, header.sequence);
            }
            wire::UNBIND => {
                wire::put_header(&mut self.out, wire::UNBIND | RESPONSE, wire::ROK, header.sequence);
                self.peer_unbinds = true;
            }
            command if command & RESPONSE != 0 => {}
            _ => wire::put_header(&mut self.out, wire::GENERIC_NACK, wire::RINVCMDID, header.sequence),
        }
    }

    #[inline]
    fn answered(&mut self, header: Header, frame: &[u8], now: u64, batch: &mut Batch) {
        let Some(slot) = self.window.remove(header.sequence) else {
            self.shared.counters.stray.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let shared = Arc::clone(&self.shared);
        batch.answered = true;
        self.latency.record(now.saturating_sub(slot.intended));
        if shared.log.is_some() {
            Line::begin(&mut self.lines, "response")
                .number("session", self.number)
                .number("m", shared.template.marker(slot.index))
                .text("id", wire::first_text(frame))
                .number("status", header.status.into())
                .end();
        }
        if header.status == wire::ROK && header.command == SUBMIT_SM_RESP {
            batch.accepted += 1;
            batch.ended += 1;
            if shared.options.expect_receipts {
                let marker = shared.template.marker(slot.index);
                lock(&shared.book).accepted(wire::first_text(frame), marker, slot.intended);
            }
            return;
        }
        *lock(&shared.refused).entry(header.status).or_default() += 1;
        if header.status == wire::RTHROTTLED {
            shared.counters.throttled.fetch_add(1, Ordering::Relaxed);
        }
        if shared.options.retry && matches!(header.status, wire::RTHROTTLED | wire::RMSGQFUL) {
            let due = now + super::nanoseconds(shared.options.retry_after);
            lock(&shared.retries).push_back((due, slot.index));
        } else {
            batch.ended += 1;
        }
    }

    fn delivered(&mut self, header: Header, frame: &[u8], now: u64, batch: &mut Batch) {
        let shared = Arc::clone(&self.shared);
        let refusal = if shared.options.deliver_errors.is_empty() { wire::ROK } else { self.drawn_refusal() };
        let read = Message::read(frame);
        let status = if read.is_none() { wire::RSYSERR } else { refusal };
        let response = header.command | RESPONSE;
        if status == wire::ROK {
            wire::put_text_pdu(&mut self.out, response, status, header.sequence, b"");
        } else {
            wire::put_header(&mut self.out, response, status, header.sequence);
        }
        let Some(message) = read else { return };
        let receipt = message.is_receipt();
        let (id, stat) = if receipt { book::read(&message) } else { (&[][..], &[][..]) };
        let mut marker = None;
        if status == wire::ROK {
            if receipt {
                batch.receipts += 1;
                if shared.options.expect_receipts {
                    let intermediate = message.esm_class & 0x3c == 0x20;
                    marker = lock(&shared.book).receipt(id, stat, intermediate, now);
                }
            } else {
                shared.counters.mo.fetch_add(1, Ordering::Relaxed);
                shared.changed.notify_waiters();
            }
        }
        if shared.log.is_none() {
            return;
        }
        let line = if receipt {
            Line::begin(&mut self.lines, "receipt").maybe("m", marker).text("id", id).text("stat", stat)
        } else {
            Line::begin(&mut self.lines, "mo")
                .maybe("m", wire::marker(message.text))
                .text("source", message.source)
                .text("destination", message.destination)
        };
        line.number("session", self.number).number("status", status.into()).end();
    }
}
