//! An SMSC behind a link: takes messages or not, answers or not, sends receipts when it likes.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use signalbox_core::id::{LinkId, PeerId, SessionId};
use signalbox_core::message::{Body, ReceiptState};
use signalbox_core::outcome::ErrorClass;
use signalbox_core::time::Mono;

use crate::incident::Incident;
use crate::record::{Said, Told};
use crate::scene::Scene;
use crate::setting::{RECEIPT_WAIT, RESPONSE_TIMER, status_of};
use crate::wire::{Sent, ToNode, ToPeer};

/// How long it waits for the answer to a receipt.
const PATIENCE: Duration = Duration::from_secs(2);
/// Tries of a receipt.
const TRIES: u32 = 10;
/// Octets of the message that a receipt repeats.
const TEXT: usize = 20;

enum Act {
    Answer { session: SessionId, token: u64, said: Said },
    Receipt { told: Told, tries: u32 },
    GiveUpWaiting { token: u64 },
}

/// See the [module](self).
pub(crate) struct Smsc {
    link: LinkId,
    agenda: BTreeMap<(Mono, u64), Act>,
    waiting: BTreeMap<u64, (Told, u32)>,
    serial: u64,
}

impl Smsc {
    pub(crate) fn new(link: LinkId) -> Self {
        Self { link, agenda: BTreeMap::new(), waiting: BTreeMap::new(), serial: 0 }
    }

    fn plan(&mut self, at: Mono, act: Act) {
        self.serial += 1;
        self.agenda.insert((at, self.serial), act);
    }

    pub(crate) fn step(&mut self, scene: &mut Scene) {
        while let Some((&key, _)) = self.agenda.first_key_value() {
            if key.0 > scene.now {
                return;
            }
            match self.agenda.remove(&key) {
                Some(Act::Answer { session, token, said }) => {
                    scene.send_to_node(session, ToNode::Answer { token, said });
                }
                Some(Act::Receipt { told, tries }) => self.send_receipt(scene, told, tries),
                Some(Act::GiveUpWaiting { token }) => {
                    if let Some((told, tries)) = self.waiting.remove(&token) {
                        self.plan(scene.now, Act::Receipt { told, tries });
                    }
                }
                None => {}
            }
        }
    }

    fn send_receipt(&mut self, scene: &mut Scene, told: Told, tries: u32) {
        if tries >= TRIES {
            return;
        }
        let sessions = scene.wire.up_to(PeerId::Link(self.link));
        if sessions.is_empty() {
            self.plan(scene.now + Duration::from_millis(500), Act::Receipt { told, tries });
            return;
        }
        let session = sessions[scene.pick(sessions.len())];
        self.serial += 1;
        let token = self.serial;
        self.waiting.insert(token, (told.clone(), tries + 1));
        self.plan(scene.now + PATIENCE, Act::GiveUpWaiting { token });
        scene.send_to_node(session, ToNode::Receipt { token, told });
    }

    pub(crate) fn receive(&mut self, scene: &mut Scene, session: SessionId, frame: ToPeer) {
        match frame {
            ToPeer::Attempt { token, attempt } => self.attempt(scene, session, token, &attempt),
            ToPeer::ReceiptTaken { token, taken } => {
                let Some((told, tries)) = self.waiting.remove(&token) else { return };
                if !taken {
                    let at = scene.now + scene.millis(200, 1000);
                    self.plan(at, Act::Receipt { told, tries });
                }
            }
            ToPeer::Submitted { .. } | ToPeer::Gone => {}
        }
    }

    fn attempt(&mut self, scene: &mut Scene, session: SessionId, token: u64, attempt: &Sent) {
        if scene.mishap(Incident::Ignored, 200) {
            return;
        }
        let mut at = scene.now + scene.millis(2, 250);
        let refusals = [
            (Incident::TemporaryError, ErrorClass::Temporary, 500),
            (Incident::Throttled, ErrorClass::Throttling, 300),
            (Incident::QueueFull, ErrorClass::QueueFull, 150),
            (Incident::PermanentError, ErrorClass::Permanent, 150),
            (Incident::FatalError, ErrorClass::Fatal, 60),
        ];
        for (incident, class, rate) in refusals {
            if scene.mishap(incident, rate) {
                let said = Said::Refused(class, status_of(class));
                self.plan(at, Act::Answer { session, token, said });
                return;
            }
        }
        scene.judge.seen(attempt.message);
        self.serial += 1;
        let remote_id = Bytes::from(format!("{}{:06X}", self.link.0, self.serial));
        scene
            .judge
            .tell(scene.now, || format!("SMSC {} sees {} as {remote_id:?}", self.link.0, attempt.message));
        if scene.mishap(Incident::AnswerLate, 200) {
            at = scene.now + RESPONSE_TIMER + scene.millis(100, 2000);
        }
        if !scene.mishap(Incident::AnswerLost, 200) {
            self.plan(at, Act::Answer { session, token, said: Said::Taken(remote_id.clone()) });
        }
        if attempt.receipt.wants_any() {
            self.plan_receipts(scene, at, attempt, remote_id);
        }
    }

    fn plan_receipts(&mut self, scene: &mut Scene, answered: Mono, attempt: &Sent, remote_id: Bytes) {
        let text = match &attempt.body {
            Body::Content(content) => content.payload.slice(..content.payload.len().min(TEXT)),
            Body::Receipt(_) => Bytes::new(),
        };
        let failed = scene.chance(100);
        let state = if failed { ReceiptState::Undeliverable } else { ReceiptState::Delivered };
        let told = Told { link: self.link, remote_id, device: attempt.device.clone(), state, text };
        if scene.mishap(Incident::ReceiptLost, 400) {
            return;
        }
        let at = if scene.mishap(Incident::ReceiptEarly, 800) {
            scene.now
        } else if scene.mishap(Incident::ReceiptLate, 300) {
            // A node waits for it past the end of validity.
            answered + attempt.valid_for + RECEIPT_WAIT + scene.millis(100, 3000)
        } else {
            answered + scene.millis(100, 2500)
        };
        if scene.mishap(Incident::ReceiptTwice, 800) {
            let again = at + scene.millis(0, 4000);
            self.plan(again, Act::Receipt { told: told.clone(), tries: 0 });
        }
        self.plan(at, Act::Receipt { told, tries: 0 });
    }
}
