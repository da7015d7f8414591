//! An ESME: wants its messages accepted, repeats what was not answered, takes receipts.
//!
//! A repetition says in its text that it is one. With equal texts to one device there is a case that nobody can tell:
//! the first copy has ended, its owner has forgotten it with a restart, its receipt comes a second time, and the other
//! copy is in doubt.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use signalbox_core::address::Address;
use signalbox_core::id::{AccountId, PeerId, SessionId};
use signalbox_core::message::{Content, ReceiptRequest, TrafficClass};
use signalbox_core::outcome::ErrorClass;
use signalbox_core::time::Mono;

use crate::incident::Incident;
use crate::record::{Offer, Said};
use crate::scene::Scene;
use crate::setting::{devices, status_of};
use crate::wire::{ToNode, ToPeer, Verdict};

/// How long it waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Submissions unanswered at a time.
const WINDOW: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Due(Mono),
    Asked { session: SessionId, token: u64, since: Mono },
    Granted,
}

/// See the [module](self).
pub(crate) struct Esme {
    account: AccountId,
    wishes: Vec<(Wish, Offer)>,
    answers: BTreeMap<(Mono, u64), (SessionId, Said)>,
    last_token: u64,
}

impl Esme {
    pub(crate) fn new(account: AccountId, messages: u32, span: Duration, scene: &mut Scene) -> Self {
        let wishes = (0..messages)
            .map(|number| {
                let at = scene.millis(0, u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
                (Wish::Due(Mono(0) + at), offer(account, number, scene))
            })
            .collect();
        Self { account, wishes, answers: BTreeMap::new(), last_token: 0 }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.wishes.iter().all(|(wish, _)| *wish == Wish::Granted)
    }

    pub(crate) fn step(&mut self, scene: &mut Scene) {
        while let Some((&key, _)) = self.answers.first_key_value() {
            if key.0 > scene.now {
                break;
            }
            if let Some((session, said)) = self.answers.remove(&key) {
                scene.send_to_node(session, ToNode::Answer { token: key.1, said });
            }
        }
        let sessions = scene.wire.up_to(PeerId::Account(self.account));
        let mut asked = self.wishes.iter().filter(|(wish, _)| matches!(wish, Wish::Asked { .. })).count();
        for (wish, offer) in &mut self.wishes {
            match *wish {
                Wish::Due(at) if at <= scene.now && asked < WINDOW && !sessions.is_empty() => {
                    let session = sessions[scene.pick(sessions.len())];
                    self.last_token += 1;
                    let token = self.last_token;
                    *wish = Wish::Asked { session, token, since: scene.now };
                    asked += 1;
                    let mut offer = offer.clone();
                    for part in &mut offer.parts {
                        part.payload = [&part.payload[..], token.to_string().as_bytes()].concat().into();
                    }
                    scene.send_to_node(session, ToNode::Submit { token, offer });
                }
                Wish::Asked { since, .. } if scene.now - since > PATIENCE => {
                    scene.judge.note(Incident::Resubmitted);
                    *wish = Wish::Due(scene.now);
                }
                Wish::Due(_) | Wish::Asked { .. } | Wish::Granted => {}
            }
        }
    }

    pub(crate) fn receive(&mut self, scene: &mut Scene, session: SessionId, frame: ToPeer) {
        match frame {
            ToPeer::Submitted { token, verdict } => self.answered(scene, session, token, verdict),
            ToPeer::Attempt { token, .. } => {
                if scene.mishap(Incident::Ignored, 400) {
                    return;
                }
                let class = ErrorClass::Temporary;
                let said = if scene.mishap(Incident::TemporaryError, 500) {
                    Said::Refused(class, status_of(class))
                } else {
                    Said::Taken(Bytes::new())
                };
                let at = scene.now + scene.millis(1, 200);
                self.answers.insert((at, token), (session, said));
            }
            ToPeer::Gone => {
                for (wish, _) in &mut self.wishes {
                    if matches!(wish, Wish::Asked { session: on, .. } if *on == session) {
                        scene.judge.note(Incident::Resubmitted);
                        *wish = Wish::Due(scene.now + scene.millis(0, 500));
                    }
                }
            }
            ToPeer::ReceiptTaken { .. } => {}
        }
    }

    fn answered(&mut self, scene: &mut Scene, session: SessionId, token: u64, verdict: Verdict) {
        let open = self.wishes.iter_mut().find(|(wish, _)| {
            matches!(wish, Wish::Asked { session: on, token: of, .. } if (*on, *of) == (session, token))
        });
        let Some((wish, _)) = open else { return };
        *wish = match verdict {
            Verdict::Accepted(_) => Wish::Granted,
            Verdict::TryLater => Wish::Due(scene.now + scene.millis(300, 1500)),
        };
    }
}

fn offer(account: AccountId, number: u32, scene: &mut Scene) -> Offer {
    let devices = devices();
    let barred = scene.chance(30);
    let source = if barred { "666" } else { "12345" };
    let parts = if scene.chance(150) { 2 } else { 1 };
    let part = |part: u32| Content {
        payload: Bytes::from(format!("{}/{number}/{part}/", account.0)),
        ..Content::default()
    };
    Offer {
        account,
        class: TrafficClass::ALL[scene.pick(TrafficClass::ALL.len())],
        source: Address::new(3, 0, source.as_bytes()).expect("a short code fits"),
        destination: devices[scene.pick(devices.len())].clone(),
        parts: (1..=parts).map(part).collect(),
        validity: scene.chance(300).then(|| 5 + scene.random.below(15) as u32),
        receipt: if scene.chance(600) { ReceiptRequest::FINAL } else { ReceiptRequest::NONE },
    }
}
