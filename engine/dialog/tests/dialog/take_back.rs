//! First messages that have not left are taken back, of a pass or of a sub-campaign.

use signalbox_core::backend::Table;
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_dialog::{NotTaken, TakeBack};

use crate::world::{NOTICE, REMINDER, SHARED, World, rules, says};

const PASS: u64 = 3;
const OF_PASS: TakeBack = TakeBack::Pass(PASS);

fn device(contact: u64) -> String {
    format!("1202555{contact:04}")
}

fn no_room() -> Option<NotTaken> {
    Some(NotTaken { reason: "account_queue_full", temporary: true })
}

impl World {
    fn contact(&mut self, pass: u64, contact: u64) {
        self.start_in(pass, REMINDER, contact, &device(contact), true).unwrap();
    }

    fn contact_with(&mut self, pass: u64, contact: u64, texts: &[&str]) {
        self.contact(pass, contact);
        let task = self.next_task().unwrap();
        self.ran(&task, Ok(says(texts)));
    }
}

/// One whose script runs, one whose texts wait for room, one of whose texts one is on a link, and one of another pass.
#[test]
fn a_pass_takes_back_what_has_not_left_and_tells_how_much() {
    let mut world = World::new(rules());
    world.contact_with(PASS, 1, &["a", "b"]);
    world.contact_with(PASS + 1, 2, &["c"]);
    world.given.refuses = no_room();
    world.contact_with(PASS, 3, &["d", "e"]);
    world.given.refuses = None;
    world.contact(PASS, 4);
    let late = world.next_task().unwrap();
    world.given.out = vec![world.given.sent[0].0];

    assert_eq!(world.take_back(OF_PASS), (3, 3), "contacts 1, 3 and 4; texts b, d and e");
    world.given.out.push(world.given.sent[1].0);
    world.ended(1, FinalState::Cancelled, Reason::CancelledByOrigin);
    assert_eq!(world.completions(), [(4, "filtered", "cancelled"), (3, "filtered", "cancelled")]);
    // What a link had comes to its own end; the group is not attempted as a whole, for one text was not (MT-06).
    world.ended(0, FinalState::Delivered, Reason::Receipt);
    assert_eq!(world.completions()[2], (1, "filtered", "cancelled"));
    assert_eq!(world.take_back(OF_PASS), (0, 0), "once");

    // What its script comes to is nobody's any more, nor is anything offered again.
    world.ran(&late, Ok(says(&["f"])));
    world.pass(std::time::Duration::from_secs(120));
    assert_eq!(world.texts().len(), 3);
    // Who answers what had left is answered.
    world.mo(&device(1), SHARED, "yes");
    assert!(world.next_task().is_some());
    world.settle(PASS, &[1, 3, 4]);
    assert_eq!((world.store.count(Table::Start), world.dialog.attempts()), (1, 1), "the other pass's");
}

/// The kill is between two commits: what was taken back stays so, what was not is taken back by who asks again.
#[test]
fn what_was_taken_back_stays_so_over_a_kill() {
    let mut world = World::new(rules());
    world.contact(PASS, 1);
    assert_eq!(world.take_back(OF_PASS), (1, 0));
    world.restart();
    assert!(world.next_task().is_none(), "it is not begun again");
    assert_eq!(world.completions()[0], (1, "filtered", "cancelled"));
    world.contact(PASS, 2);
    world.restart();
    assert_eq!(world.take_back(OF_PASS), (1, 0));
    world.restart();
    assert!(world.next_task().is_none());
}

#[test]
fn a_sub_campaign_takes_back_those_of_all_passes_and_of_none() {
    let mut world = World::new(rules());
    world.contact(PASS, 1);
    world.contact(PASS + 1, 2);
    world.start(REMINDER, &device(3)).unwrap();
    world.start(NOTICE, &device(4)).unwrap();
    assert_eq!(world.take_back(TakeBack::SubCampaign(REMINDER)), (3, 0));
    assert_eq!(world.filtered(), ["cancelled"], "the one of no pass has it in its history");
    world.run();
    assert_eq!(world.texts().len(), 1, "that of the other sub-campaign");
}

/// Runs that waited for their turn behind those begin.
#[test]
fn room_that_is_made_is_used() {
    let mut bounded = rules();
    bounded.limits.under_way = 1;
    let mut world = World::new(bounded);
    world.contact(PASS, 1);
    world.contact(PASS, 2);
    world.start(NOTICE, &device(3)).unwrap();
    assert!(world.next_task().is_some());
    assert_eq!(world.take_back(OF_PASS), (2, 0));
    world.run();
    assert_eq!(world.texts().len(), 1);
}
