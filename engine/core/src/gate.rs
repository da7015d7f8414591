//! The send gate: the only maker of [`Released`], which is all that links accept (rule 8).
//!
//! Whoever sends, an attempt passes here, in the turn whose commit releases it. What the gate has to ask is
//! gathered in a [`Case`]; each class of origin has its row in [`Gate::judge`].

use crate::address::Address;
use crate::id::{CarrierId, LinkId, MessageId, PeerId, PermitId};
use crate::inbound::Joined;
use crate::message::{Body, Direction, OriginClass, ReceiptRequest, TrafficClass};
use crate::outcome::Reason;
use crate::time::{Micros, Mono};

/// What a counter says of a message (counters.md; alarm only unless a policy asks for more).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CounterVerdict {
    /// Nothing against it.
    #[default]
    Pass,
    /// It must wait until then.
    DeferUntil(Micros),
    /// It must not go.
    Block,
}

/// The contract behind a message, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractVerdict {
    /// In force, and it covers the source address.
    Covered,
    /// Suspended, ended, or it does not cover the source address.
    NotCovered,
    /// There is none to ask: the message came from a link.
    NoContract,
}

/// What consent says of a message: opt-outs, quiet hours, caps, carrier limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentVerdict {
    /// It has no say: a receipt, a notice, what a device wrote, what goes to nobody who could opt out.
    NotAsked,
    /// Nothing against it.
    Allowed,
    /// It must wait until then.
    DeferUntil(Micros),
    /// It must not go, for this reason.
    Filter(Reason),
}

/// What the gate is asked about one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Who caused the message.
    pub origin_class: OriginClass,
    /// Which way it goes.
    pub direction: Direction,
    /// The contract.
    pub contract: ContractVerdict,
    /// Consent.
    pub consent: ConsentVerdict,
    /// The counters.
    pub counters: CounterVerdict,
    /// When the peer's rate allows the next one; `None` for now.
    pub rate: Option<Mono>,
    /// The monotonic now.
    pub now: Mono,
    /// The wall-clock now.
    pub wall: Micros,
}

/// The gate's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may leave.
    Allow,
    /// Not before the peer's rate allows it.
    Pace(Mono),
    /// Not before then.
    Defer(Micros),
    /// Never, for this reason.
    Filter(Reason),
}

/// A message that may leave, with the permit to try once. Only the gate makes one.
#[derive(Debug)]
pub struct Released {
    permit: PermitId,
    deadline: Mono,
    id: MessageId,
    attempt: u16,
    peer: PeerId,
    source: Address,
    destination: Address,
    class: TrafficClass,
    expires_at: Micros,
    receipt: ReceiptRequest,
    ingress: Option<LinkId>,
    carrier: Option<CarrierId>,
    body: Body,
    joined: Option<Box<Joined>>,
    _gate: Passed,
}

/// Proof that the gate was asked; it cannot be made elsewhere.
#[derive(Debug)]
struct Passed;

/// An attempt as the exchange prepares it, before the gate.
#[derive(Debug)]
pub struct Attempt {
    /// The permit it will have.
    pub permit: PermitId,
    /// Until when it may be written.
    pub deadline: Mono,
    /// The message.
    pub id: MessageId,
    /// Which try it is, from 1.
    pub attempt: u16,
    /// Whom it goes to.
    pub peer: PeerId,
    /// From.
    pub source: Address,
    /// To.
    pub destination: Address,
    /// How urgent it is.
    pub class: TrafficClass,
    /// End of validity.
    pub expires_at: Micros,
    /// Receipts to ask of the peer.
    pub receipt: ReceiptRequest,
    /// The link that brought it.
    pub ingress: Option<LinkId>,
    /// The device's carrier, as it was when the message was routed.
    pub carrier: Option<CarrierId>,
    /// What is carried; of parts that leave together the first.
    pub body: Body,
    /// All parts, where they leave together.
    pub joined: Option<Box<Joined>>,
}

/// The send gate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gate;

impl Gate {
    /// Judges a case without releasing anything.
    #[must_use]
    pub fn judge(self, case: &Case) -> Verdict {
        let verdict = match case.origin_class {
            // Receipts and notices are owed to the peer whatever its traffic looks like.
            OriginClass::Receipt | OriginClass::Notification => Verdict::Allow,
            OriginClass::Test => Self::first_objection([Self::contract(case), Self::consent(case)]),
            OriginClass::User | OriginClass::Conversation => {
                Self::first_objection([Self::contract(case), Self::consent(case), Self::counters(case)])
            }
        };
        match (verdict, case.rate) {
            (Verdict::Allow, Some(at)) if at > case.now => Verdict::Pace(at),
            (verdict, _) => verdict,
        }
    }

    fn contract(case: &Case) -> Verdict {
        match case.contract {
            ContractVerdict::Covered | ContractVerdict::NoContract => Verdict::Allow,
            ContractVerdict::NotCovered => Verdict::Filter(Reason::Contract),
        }
    }

    fn first_objection<const N: usize>(verdicts: [Verdict; N]) -> Verdict {
        verdicts.into_iter().find(|verdict| *verdict != Verdict::Allow).unwrap_or(Verdict::Allow)
    }

    fn consent(case: &Case) -> Verdict {
        match case.consent {
            ConsentVerdict::NotAsked | ConsentVerdict::Allowed => Verdict::Allow,
            ConsentVerdict::DeferUntil(at) if at > case.wall => Verdict::Defer(at),
            ConsentVerdict::DeferUntil(_) => Verdict::Allow,
            ConsentVerdict::Filter(reason) => Verdict::Filter(reason),
        }
    }

    fn counters(case: &Case) -> Verdict {
        match case.counters {
            CounterVerdict::Pass => Verdict::Allow,
            CounterVerdict::DeferUntil(at) if at > case.wall => Verdict::Defer(at),
            CounterVerdict::DeferUntil(_) => Verdict::Allow,
            CounterVerdict::Block => Verdict::Filter(Reason::CounterBlock),
        }
    }

    /// Judges, and releases the attempt if it is allowed.
    ///
    /// # Errors
    /// The verdict, when it is not [`Verdict::Allow`].
    pub fn release(self, case: &Case, attempt: Attempt) -> Result<Released, Verdict> {
        match self.judge(case) {
            Verdict::Allow => Ok(Released {
                permit: attempt.permit,
                deadline: attempt.deadline,
                id: attempt.id,
                attempt: attempt.attempt,
                peer: attempt.peer,
                source: attempt.source,
                destination: attempt.destination,
                class: attempt.class,
                expires_at: attempt.expires_at,
                receipt: attempt.receipt,
                ingress: attempt.ingress,
                carrier: attempt.carrier,
                body: attempt.body,
                joined: attempt.joined,
                _gate: Passed,
            }),
            verdict => Err(verdict),
        }
    }
}

impl Released {
    /// The permit; goes back with the answer.
    #[must_use]
    pub fn permit(&self) -> PermitId {
        self.permit
    }

    /// After this it must not be written any more: whoever owns the message now may have tried elsewhere.
    #[must_use]
    pub fn deadline(&self) -> Mono {
        self.deadline
    }

    /// The message.
    #[must_use]
    pub fn id(&self) -> MessageId {
        self.id
    }

    /// Which try it is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u16 {
        self.attempt
    }

    /// Whom it goes to.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// From.
    #[must_use]
    pub fn source(&self) -> &Address {
        &self.source
    }

    /// To.
    #[must_use]
    pub fn destination(&self) -> &Address {
        &self.destination
    }

    /// How urgent it is.
    #[must_use]
    pub fn class(&self) -> TrafficClass {
        self.class
    }

    /// End of validity.
    #[must_use]
    pub fn expires_at(&self) -> Micros {
        self.expires_at
    }

    /// Receipts to ask of the peer.
    #[must_use]
    pub fn receipt(&self) -> ReceiptRequest {
        self.receipt
    }

    /// The link that brought it, if one did.
    #[must_use]
    pub fn ingress(&self) -> Option<LinkId> {
        self.ingress
    }

    /// The device's carrier, as far as it was known when the message was routed.
    #[must_use]
    pub fn carrier(&self) -> Option<CarrierId> {
        self.carrier
    }

    /// The parts of the message, where they leave as one; only a peer that takes messages whole is given such.
    #[must_use]
    pub fn joined(&self) -> Option<&Joined> {
        self.joined.as_deref()
    }

    /// What is carried; of parts that leave together the first.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case() -> Case {
        Case {
            origin_class: OriginClass::User,
            direction: Direction::Mt,
            contract: ContractVerdict::Covered,
            consent: ConsentVerdict::Allowed,
            counters: CounterVerdict::Pass,
            rate: None,
            now: Mono(1_000),
            wall: Micros(1_000),
        }
    }

    #[test]
    fn a_clean_case_passes() {
        assert_eq!(Gate.judge(&case()), Verdict::Allow);
    }

    #[test]
    fn a_suspended_contract_filters() {
        let case = Case { contract: ContractVerdict::NotCovered, ..case() };
        assert_eq!(Gate.judge(&case), Verdict::Filter(Reason::Contract));
    }

    #[test]
    fn a_counter_defers_until_its_time_and_blocks() {
        let until = |at| Case { counters: CounterVerdict::DeferUntil(Micros(at)), ..case() };
        assert_eq!(Gate.judge(&until(2_000)), Verdict::Defer(Micros(2_000)));
        assert_eq!(Gate.judge(&until(1_000)), Verdict::Allow);
        let blocked = Case { counters: CounterVerdict::Block, ..case() };
        assert_eq!(Gate.judge(&blocked), Verdict::Filter(Reason::CounterBlock));
    }

    /// Each class has its row, and the earlier question rules where several object.
    #[test]
    fn consent_is_asked_of_all_but_receipts_and_notices() {
        let out = Reason::Consent(signalbox_consent::Reason::OptedOutAccount);
        let asked = |origin_class, consent| Gate.judge(&Case { origin_class, consent, ..case() });
        for class in [OriginClass::User, OriginClass::Conversation, OriginClass::Test] {
            assert_eq!(asked(class, ConsentVerdict::Filter(out)), Verdict::Filter(out), "{class:?}");
            let waits = ConsentVerdict::DeferUntil(Micros(2_000));
            assert_eq!(asked(class, waits), Verdict::Defer(Micros(2_000)), "{class:?}");
            assert_eq!(asked(class, ConsentVerdict::DeferUntil(Micros(1_000))), Verdict::Allow);
        }
        for class in [OriginClass::Receipt, OriginClass::Notification] {
            assert_eq!(asked(class, ConsentVerdict::Filter(out)), Verdict::Allow, "{class:?}");
        }
        let both = Case { consent: ConsentVerdict::Filter(out), counters: CounterVerdict::Block, ..case() };
        assert_eq!(Gate.judge(&both), Verdict::Filter(out));
        let all = Case { contract: ContractVerdict::NotCovered, ..both };
        assert_eq!(Gate.judge(&all), Verdict::Filter(Reason::Contract));
    }

    #[test]
    fn receipts_are_owed_whatever_the_counters_say() {
        let blocked = Case {
            origin_class: OriginClass::Receipt,
            counters: CounterVerdict::Block,
            contract: ContractVerdict::NotCovered,
            ..case()
        };
        assert_eq!(Gate.judge(&blocked), Verdict::Allow);
    }

    #[test]
    fn the_rate_holds_for_all() {
        let paced = Case { rate: Some(Mono(5_000)), ..case() };
        assert_eq!(Gate.judge(&paced), Verdict::Pace(Mono(5_000)));
        let receipt = Case { origin_class: OriginClass::Receipt, ..paced };
        assert_eq!(Gate.judge(&receipt), Verdict::Pace(Mono(5_000)));
    }
}
