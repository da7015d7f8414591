//! Passes: contacts are taken once, in order, and come to one status each.

use signalbox_core::time::Micros;
use signalbox_people::{
    ContactDevice, ContactId, DeviceKind, Draft, Ended, Fact, LineType, ListId, Pass, PassChange, PassOrder,
    PassRate, PassState, PeopleError, Scope,
};

use crate::database::{Database, MINE, NOW, OTHER, draft, on_both, others};

on_both!(
    contacts_are_taken_once_and_in_order,
    what_was_taken_is_found_again_after_a_stop,
    each_contact_comes_to_one_status_and_is_counted_once,
    a_pass_is_paused_goes_on_and_is_cancelled,
    a_list_is_held_until_its_pass_is_over,
    devices_come_in_the_contacts_order_with_what_is_known_of_them,
    a_pass_of_another_account_is_not_there,
);

async fn list(database: &Database, count: usize) -> (ListId, Vec<ContactId>) {
    let people = &database.people;
    let list = people.create_list(&Scope::All, MINE, "spring", NOW).await.expect("made").id;
    let mut ids = Vec::new();
    for number in 0..count {
        let draft = draft(&format!("C-{number}"), &format!("+1212555{number:04}"));
        ids.push(people.create_contact(&Scope::All, MINE, draft, NOW).await.expect("made").id);
    }
    people.add_members(&Scope::All, list, &ids, NOW).await.expect("added");
    ids.sort_unstable();
    (list, ids)
}

fn order(list: ListId) -> PassOrder {
    PassOrder {
        sub_campaign: "reminder".to_owned(),
        list,
        rate: PassRate::Fixed(2_500),
        kinds: vec![DeviceKind::Cell, DeviceKind::Work],
        starts: Some(NOW),
        ends: Some(Micros(NOW.0 + 1)),
    }
}

async fn pass(database: &Database, list: ListId) -> Pass {
    database.people.create_pass(&Scope::All, MINE, order(list), NOW).await.expect("a pass")
}

async fn take(database: &Database, pass: &Pass, limit: usize) -> Vec<ContactId> {
    let taken = database.people.take_of_pass(pass.id, limit, NOW).await.expect("taken");
    taken.into_iter().map(|candidate| candidate.contact).collect()
}

fn ended(pass: &Pass, contact: ContactId, status: &str, reason: &str) -> Ended {
    Ended { pass: pass.id, contact, status: status.into(), reason: reason.into(), at: Micros(NOW.0 + 5) }
}

async fn contacts_are_taken_once_and_in_order(database: &Database) {
    let (list, ids) = list(database, 5).await;
    let made = pass(database, list).await;
    let read = database.people.pass(&Scope::All, made.id).await.expect("read").expect("there");
    assert_eq!((&read.order, read.state, read.begun), (&order(list), PassState::Running, 0));
    assert_eq!(take(database, &made, 2).await, ids[..2]);
    assert_eq!(take(database, &made, 9).await, ids[2..]);
    assert_eq!(take(database, &made, 9).await, []);
    let read = database.people.pass(&Scope::All, made.id).await.expect("read").expect("there");
    assert_eq!((read.begun, read.state), (5, PassState::Closing));
}

async fn what_was_taken_is_found_again_after_a_stop(database: &Database) {
    let (list, ids) = list(database, 4).await;
    let made = pass(database, list).await;
    take(database, &made, 3).await;
    let people = database.again("node-1").await;
    people.end_attempts(&[ended(&made, ids[1], "delivered", "")]).await.expect("ended");
    let open = people.open_passes().await.expect("read");
    assert_eq!(open.iter().map(|pass| pass.id).collect::<Vec<_>>(), [made.id]);
    let asked = people.asked_of_pass(made.id, None, 9).await.expect("read");
    let asked: Vec<_> = asked.iter().map(|asked| (asked.contact, asked.client_id.as_str())).collect();
    assert_eq!(asked, [(ids[0], "C-0"), (ids[2], "C-2")]);
    let rest = people.asked_of_pass(made.id, Some(ids[0]), 9).await.expect("read");
    assert_eq!(rest.len(), 1);
    let next = people.take_of_pass(made.id, 9, NOW).await.expect("taken");
    assert_eq!(next.iter().map(|next| next.contact).collect::<Vec<_>>(), ids[3..]);
    // It is of the node that took it.
    let other = database.again("node-2").await;
    assert_eq!(other.open_passes().await.expect("read"), []);
    people.close().await;
    other.close().await;
}

async fn each_contact_comes_to_one_status_and_is_counted_once(database: &Database) {
    let (list, ids) = list(database, 3).await;
    let (people, made) = (&database.people, pass(database, list).await);
    take(database, &made, 9).await;
    let first = [ended(&made, ids[0], "delivered", ""), ended(&made, ids[1], "filtered", "no_device")];
    people.end_attempts(&first).await.expect("ended");
    // Told again, and told otherwise: what stands, stands.
    let again = [
        first[0].clone(),
        ended(&made, ids[1], "failed", "late"),
        ended(&made, ids[2], "filtered", "no_device"),
    ];
    people.end_attempts(&again).await.expect("ended");
    for _ in 0..2 {
        people.answer_attempts(&[(made.id, ids[0])]).await.expect("answered");
    }
    let tally = people.tally_of_pass(made.id).await.expect("read");
    let tally: Vec<_> =
        tally.iter().map(|of| (of.status.as_str(), of.reason.as_str(), of.contacts)).collect();
    assert_eq!(tally, [("delivered", "", 1), ("filtered", "no_device", 2)]);
    assert_eq!(people.pass(&Scope::All, made.id).await.expect("read").expect("there").replied, 1);
    assert_eq!(people.unsettled_of_pass(made.id, 9).await.expect("read"), ids);
    people.settle_attempts(made.id, &ids[..2]).await.expect("settled");
    assert_eq!(people.unsettled_of_pass(made.id, 9).await.expect("read"), ids[2..]);
    let page = people.attempts_of_pass(&Scope::All, made.id, Some(ids[0]), 1).await.expect("read");
    assert_eq!(page.len(), 1, "{page:?}");
    let second = &page[0];
    assert_eq!((second.contact, second.replied), (ids[1], false));
    assert_eq!(second.end, Some(("filtered".to_owned(), "no_device".to_owned())));
}

async fn a_pass_is_paused_goes_on_and_is_cancelled(database: &Database) {
    let (list, ids) = list(database, 3).await;
    let (people, made) = (&database.people, pass(database, list).await);
    let change = async |change| people.change_pass(&Scope::All, made.id, change).await;
    let state = |changed: Result<Pass, PeopleError>| changed.expect("changed").state;
    assert_eq!(state(change(PassChange::Pause).await), PassState::Paused);
    assert_eq!(state(change(PassChange::Pause).await), PassState::Paused);
    assert_eq!(take(database, &made, 9).await, []);
    assert_eq!(state(change(PassChange::Resume).await), PassState::Running);
    assert_eq!(take(database, &made, 1).await, ids[..1]);
    assert_eq!(state(change(PassChange::Cancel).await), PassState::Cancelling);
    assert_eq!(take(database, &made, 9).await, []);
    assert!(!people.close_pass(made.id).await.expect("asked"), "it was cancelled before");
    people.end_pass(&made, NOW).await.expect("over");
    let over = people.pass(&Scope::All, made.id).await.expect("read").expect("there");
    assert_eq!((over.state, over.ended), (PassState::Cancelled, Some(NOW)));
    let refused = change(PassChange::Resume).await.expect_err("it is over").to_string();
    assert_eq!(refused, "the pass is cancelled");
    assert_eq!(people.open_passes().await.expect("read"), []);
}

async fn a_list_is_held_until_its_pass_is_over(database: &Database) {
    let (list, _) = list(database, 1).await;
    let (people, made) = (&database.people, pass(database, list).await);
    let refused = people.delete_list(&Scope::All, list, None, NOW).await;
    assert!(matches!(refused, Err(PeopleError::InUse { .. })), "{refused:?}");
    assert!(people.close_pass(made.id).await.expect("closed"));
    people.end_pass(&made, NOW).await.expect("over");
    people.delete_list(&Scope::All, list, None, NOW).await.expect("deleted");
    let gone = people.create_pass(&Scope::All, MINE, order(list), NOW).await;
    assert!(gone.is_err(), "{gone:?}");
    let backwards = PassOrder { ends: Some(NOW), ..order(list) };
    let refused = people.create_pass(&Scope::All, MINE, backwards, NOW).await;
    assert_eq!(refused.expect_err("no time").to_string(), "ends_at is not after starts_at");
}

async fn devices_come_in_the_contacts_order_with_what_is_known_of_them(database: &Database) {
    let people = &database.people;
    let list = people.create_list(&Scope::All, MINE, "spring", NOW).await.expect("made").id;
    let device = |kind, address: &str| ContactDevice { kind, address: address.to_owned() };
    let devices = vec![device(DeviceKind::Home, "+12125550100"), device(DeviceKind::Cell, "+12125550101")];
    let draft = Draft { client_id: Some("C-1".into()), devices, ..Draft::default() };
    let contact = people.create_contact(&Scope::All, MINE, draft, NOW).await.expect("made").id;
    people.add_members(&Scope::All, list, &[contact], NOW).await.expect("added");
    let landline = Fact { value: LineType::Landline, at: NOW, source: "test".to_owned() };
    people.learn_line_type(&Scope::All, MINE, "+12125550100", &landline).await.expect("learnt");
    let made = pass(database, list).await;
    let taken = people.take_of_pass(made.id, 9, NOW).await.expect("taken");
    let devices: Vec<_> =
        taken[0].devices.iter().map(|device| (device.kind, device.address.as_str(), device.line)).collect();
    assert_eq!(
        devices,
        [
            (DeviceKind::Home, "+12125550100", Some(LineType::Landline)),
            (DeviceKind::Cell, "+12125550101", None)
        ]
    );
}

async fn a_pass_of_another_account_is_not_there(database: &Database) {
    let (list, _) = list(database, 1).await;
    let (people, made) = (&database.people, pass(database, list).await);
    assert_eq!(people.pass(&others(), made.id).await.expect("read"), None);
    let refused = people.change_pass(&others(), made.id, PassChange::Pause).await;
    assert!(matches!(refused, Err(PeopleError::Absent { what: "pass", .. })), "{refused:?}");
    let stolen = people.create_pass(&others(), OTHER, order(list), NOW).await;
    assert!(matches!(stolen, Err(PeopleError::Absent { what: "list", .. })), "{stolen:?}");
    assert_eq!(people.passes(&others(), OTHER, None, 9).await.expect("read"), []);
    assert_eq!(people.passes(&Scope::All, MINE, None, 9).await.expect("read").len(), 1);
}
