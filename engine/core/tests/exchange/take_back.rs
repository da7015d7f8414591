//! First texts of our own that are wanted back before they have left.

use signalbox_core::backend::Table;
use signalbox_core::exchange::Answer;
use signalbox_core::id::{MessageId, PeerId};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::scope::Purpose;

use crate::consent::{decided, own};
use crate::world::{ACCOUNT, ESME, LINK, TO_LINK, World};

/// A world whose link has room for so many unanswered messages.
fn narrow(window: u32) -> World {
    let mut world = World::with(decided(|_, _| {}));
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    world.up(PeerId::Link(LINK), TO_LINK, window);
    world
}

fn device(number: u32) -> String {
    format!("1212555{number:04}")
}

fn group(number: u8) -> MessageId {
    MessageId::from_bytes([number; 16])
}

impl World {
    fn first(&mut self, of: u8, to: &str, text: &str) -> MessageId {
        let mut text = own(Purpose::Begin, to, text);
        text.scope.group = group(of);
        self.say(text)
    }

    fn take_back(&mut self, most: usize, of: &[u8]) -> Vec<MessageId> {
        let groups: Vec<MessageId> = of.iter().map(|of| group(*of)).collect();
        let taken = self.exchange.take_back_own(self.now, most, |scope| groups.contains(&scope.group));
        self.settle();
        taken
    }

    fn cancelled(&self) -> usize {
        let ended = |cdr: &&signalbox_core::cdr::Cdr| {
            (cdr.outcome, cdr.reason) == (FinalState::Cancelled, Reason::CancelledByOrigin)
        };
        self.cdrs.iter().filter(ended).count()
    }
}

#[test]
fn what_waits_is_taken_back_and_what_a_link_has_goes_on() {
    let mut world = narrow(1);
    for number in 0..5 {
        world.first(1, &device(number), "hello");
    }
    world.first(2, &device(5), "of something else");
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.take_back(100, &[1]), [group(1); 4]);
    assert_eq!(world.cancelled(), 4, "each has its one final CDR");
    let ends = world.exchange.take_ended();
    assert!(ends.iter().all(|end| end.outcome == FinalState::Cancelled) && ends.len() == 4);
    assert_eq!(world.take_back(100, &[1]), [], "once");
    // The one on the link comes to its own end, and the other's text leaves after it.
    let permit = world.last_sent().permit();
    world.answer(permit, "1");
    assert_eq!(world.sent.len(), 2);
    world.receipt("1", &device(0), signalbox_core::message::ReceiptState::Delivered);
    assert!(world.cdrs.iter().any(|cdr| cdr.outcome == FinalState::Delivered));
    world.restart();
    assert_eq!(world.exchange.open(), 1);
    assert_eq!(world.rows_of(Table::Message), 1, "nothing of it is left in the store");
}

#[test]
fn answers_are_no_first_texts() {
    let mut world = narrow(1);
    world.first(1, &device(0), "hello");
    let mut answer = own(Purpose::Answer, &device(1), "as you asked");
    answer.scope.group = group(1);
    world.say(answer);
    assert_eq!(world.take_back(100, &[1]), []);
}

/// Half a text is no use: of one whose first part has left the others follow.
#[test]
fn a_long_text_is_taken_back_as_a_whole_or_goes_on_as_a_whole() {
    let long = "a text of more than one part ".repeat(12);
    let mut world = narrow(1);
    world.first(1, &device(0), &long);
    world.first(1, &device(1), &long);
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.take_back(100, &[1]).len(), 1);
    assert_eq!(world.cancelled(), 1);
    let mut answered = 0;
    while answered < world.sent.len() {
        let permit = world.sent[answered].1.permit();
        world.event(signalbox_core::exchange::Event::Answered {
            permit,
            answer: Answer::Taken { remote_id: bytes::Bytes::from(format!("{answered}")) },
        });
        answered += 1;
    }
    assert!(answered > 1, "the parts of the one that had begun to leave");
    assert!(world.sent.iter().all(|(_, sent)| sent.destination().to_text() == device(0)));
}

/// Nothing of it is with a link, and still one part of it has reached the device.
#[test]
fn a_long_text_of_which_a_part_has_arrived_goes_on() {
    let mut world = narrow(1);
    world.first(1, &device(0), &"a text of more than one part ".repeat(12));
    let permit = world.last_sent().permit();
    world.answer(permit, "1");
    world.receipt("1", &device(0), signalbox_core::message::ReceiptState::Delivered);
    let (_, second) = world.sent.last().unwrap();
    let unsent = second.permit();
    world.down(TO_LINK, &[unsent], &[]);
    assert_eq!(world.take_back(100, &[1]), []);
    world.restart();
    assert_eq!(world.take_back(100, &[1]), [], "nor is it forgotten");
    let before = world.sent.len();
    world.up(PeerId::Link(LINK), TO_LINK, 1);
    assert_eq!(world.sent.len(), before + 1, "the second part leaves after all");
}

#[test]
fn one_turn_takes_back_so_many_and_the_next_the_rest() {
    let mut world = narrow(1);
    for number in 0..8 {
        world.first(1, &device(number), "hello");
    }
    assert_eq!(world.take_back(5, &[1]).len(), 5);
    assert_eq!(world.take_back(5, &[1]).len(), 2);
}
