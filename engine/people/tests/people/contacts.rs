//! Contacts, devices, fields.

use std::time::{Duration, Instant};

use signalbox_core::time::Micros;
use signalbox_people::{
    AccountId, Asked, ContactDevice, DeviceKind, Draft, Fact, Inbound, Known, LineType, Medium, People,
    PeopleError, Place, Scope,
};

use crate::database::{Database, MINE, NOW, OTHER, draft, on_both, others};

on_both!(
    a_contact_is_kept_as_it_was_written,
    a_contact_of_another_account_is_not_there,
    a_change_needs_the_version_that_was_read,
    what_cannot_be_is_refused_with_its_place,
    a_client_id_is_the_accounts_own,
    a_device_is_shared_and_goes_with_its_last_contact,
    an_unknown_device_that_writes_becomes_a_contact,
    two_at_once_make_one_contact,
    many_devices_at_once_have_their_contacts_in_order,
    two_batches_at_once_make_each_contact_once,
    changes_of_people_are_counted,
    later_facts_of_a_device_win,
    pages_follow_each_other,
    a_device_is_found_fast,
);

async fn a_contact_is_kept_as_it_was_written(database: &Database) {
    let known = Known {
        first_name: Some(" Ann ".into()),
        last_name: Some("O'Neil; DROP TABLE contact".into()),
        company: None,
        email: Some("Ann@Example.COM".into()),
        zone: Some("Europe/Berlin".into()),
        language: Some("de_DE".into()),
        consent: Some(Micros(7)),
    };
    let mut written = draft("C-1", "+1 (212) 555-0123");
    written.known = known;
    written.devices.push(ContactDevice { kind: DeviceKind::Home, address: "+4930123456".into() });
    written.fields = [("car".into(), "Käfer \u{1f697}".into()), ("empty".into(), String::new())].into();
    let made = database.people.create_contact(&Scope::All, MINE, written, NOW).await.expect("made");
    assert_eq!(made.known.first_name.as_deref(), Some("Ann"));
    assert_eq!(made.known.language.as_deref(), Some("de-DE"));
    let addresses: Vec<_> = made.devices.iter().map(|device| device.address.as_str()).collect();
    assert_eq!(addresses, ["+12125550123", "+4930123456", "Ann@example.com"]);
    let people = database.again("node-2").await;
    assert_eq!(people.contact(&Scope::All, made.id).await.expect("read").as_ref(), Some(&made));
    let by_client = people.contact_by_client_id(&Scope::All, MINE, "C-1").await.expect("read");
    assert_eq!(by_client.as_ref(), Some(&made));
    let by_device = people.contacts_of_device(&Scope::All, MINE, "+4930123456", 9).await.expect("read");
    assert_eq!(by_device, [made]);
    people.close().await;
}

async fn a_contact_of_another_account_is_not_there(database: &Database) {
    let people = &database.people;
    let mine =
        people.create_contact(&Scope::All, MINE, draft("C-1", "+12125550123"), NOW).await.expect("made");
    let others = others();
    assert_eq!(people.contact(&others, mine.id).await.expect("read"), None);
    assert_eq!(people.contact_by_client_id(&others, MINE, "C-1").await.expect("read"), None);
    assert_eq!(people.contacts(&others, MINE, None, 9).await.expect("read"), []);
    assert_eq!(people.contacts_of_device(&others, MINE, "+12125550123", 9).await.expect("read"), []);
    assert_eq!(people.device(&others, MINE, "+12125550123").await.expect("read"), None);
    let update = people.update_contact(&others, mine.id, None, draft("C-1", "+12125550124"), NOW).await;
    assert!(matches!(update, Err(PeopleError::Absent { .. })), "{update:?}");
    let delete = people.delete_contact(&others, mine.id, None).await;
    assert!(matches!(delete, Err(PeopleError::Absent { .. })), "{delete:?}");
    let create = people.create_contact(&others, MINE, draft("C-2", "+12125550124"), NOW).await;
    assert!(matches!(create, Err(PeopleError::Absent { .. })), "{create:?}");
    // Both may have the same client id and the same number.
    people.create_contact(&others, OTHER, draft("C-1", "+12125550123"), NOW).await.expect("made");
    assert_eq!(people.contact(&Scope::All, mine.id).await.expect("read"), Some(mine));
}

async fn a_change_needs_the_version_that_was_read(database: &Database) {
    let people = &database.people;
    let made =
        people.create_contact(&Scope::All, MINE, draft("C-1", "+12125550123"), NOW).await.expect("made");
    let changed = draft("C-1", "+12125550124");
    let later = Micros(NOW.0 + 1);
    let now =
        people.update_contact(&Scope::All, made.id, Some(1), changed.clone(), later).await.expect("changed");
    assert_eq!((now.version, now.created, now.updated), (2, NOW, later));
    let again = people.update_contact(&Scope::All, made.id, Some(1), changed, later).await;
    assert!(matches!(again, Err(PeopleError::Changed { held: 2, .. })), "{again:?}");
    let deleted = people.delete_contact(&Scope::All, made.id, Some(1)).await;
    assert!(matches!(deleted, Err(PeopleError::Changed { held: 2, .. })), "{deleted:?}");
    assert_eq!(people.contact(&Scope::All, made.id).await.expect("read"), Some(now));
    people.delete_contact(&Scope::All, made.id, Some(2)).await.expect("deleted");
    assert_eq!(people.contact(&Scope::All, made.id).await.expect("read"), None);
}

async fn what_cannot_be_is_refused_with_its_place(database: &Database) {
    let refused =
        async |draft: Draft| match database.people.create_contact(&Scope::All, MINE, draft, NOW).await {
            Err(PeopleError::Invalid(invalid)) => invalid.to_string(),
            other => format!("{other:?}"),
        };
    let device = "devices[0].address is no phone number";
    assert_eq!(refused(draft("C-1", "call me")).await, device);
    assert_eq!(refused(draft("C-1", "12")).await, device);
    assert_eq!(refused(Draft::default()).await, "client_id is needed where the contact has no device");
    let mut twice = draft("C-1", "+12125550123");
    twice.devices.push(ContactDevice { kind: DeviceKind::Home, address: "+1 212 555 0123".into() });
    assert_eq!(refused(twice).await, "devices[1].address is there twice");
    let mut zone = draft("C-1", "+12125550123");
    zone.known.zone = Some("Mars/Base".into());
    assert_eq!(refused(zone).await, "zone is no time zone such as America/New_York");
    // Nothing is half-stored.
    assert_eq!(database.people.contacts(&Scope::All, MINE, None, 9).await.expect("read"), []);
    assert_eq!(database.people.devices(&Scope::All, MINE, None, 9).await.expect("read"), []);
}

async fn a_client_id_is_the_accounts_own(database: &Database) {
    let people = &database.people;
    people.create_contact(&Scope::All, MINE, draft("C-1", "+12125550123"), NOW).await.expect("made");
    let second =
        people.create_contact(&Scope::All, MINE, draft("C-2", "+12125550124"), NOW).await.expect("made");
    let taken = people.create_contact(&Scope::All, MINE, draft("C-1", "+12125550125"), NOW).await;
    assert!(matches!(taken, Err(PeopleError::Exists { what: "contact" })), "{taken:?}");
    let moved = people.update_contact(&Scope::All, second.id, None, draft("C-1", "+12125550124"), NOW).await;
    assert!(matches!(moved, Err(PeopleError::Exists { what: "contact" })), "{moved:?}");
}

async fn a_device_is_shared_and_goes_with_its_last_contact(database: &Database) {
    let people = &database.people;
    let number = "+12125550123";
    let first = people.create_contact(&Scope::All, MINE, draft("C-1", number), NOW).await.expect("made");
    let second = people.create_contact(&Scope::All, MINE, draft("C-2", number), NOW).await.expect("made");
    let of_device = async || {
        let contacts = people.contacts_of_device(&Scope::All, MINE, number, 9).await.expect("read");
        contacts.into_iter().map(|contact| contact.id).collect::<Vec<_>>()
    };
    assert_eq!(of_device().await, [first.id, second.id]);
    people.delete_contact(&Scope::All, first.id, None).await.expect("deleted");
    assert_eq!(of_device().await, [second.id]);
    people.delete_contact(&Scope::All, second.id, None).await.expect("deleted");
    assert_eq!(people.device(&Scope::All, MINE, number).await.expect("read"), None);
}

async fn an_unknown_device_that_writes_becomes_a_contact(database: &Database) {
    let people = &database.people;
    let inbound = async |number: &str| one_inbound(people, number).await;
    let made = inbound("+12125550123").await;
    assert!(made.new);
    assert_eq!(made.contact.client_id, "+12125550123");
    assert_eq!(made.contact.devices.len(), 1);
    let again = inbound("+1 212 555 0123").await;
    assert!(!again.new);
    assert_eq!(again.contact, made.contact);
    let known =
        people.create_contact(&Scope::All, MINE, draft("C-9", "+12125550199"), NOW).await.expect("made");
    let found = inbound("+12125550199").await;
    assert_eq!((found.new, found.contact), (false, known));
}

async fn two_at_once_make_one_contact(database: &Database) {
    let second = database.again("node-2").await;
    let ask = |people| one_inbound(people, "+12125550123");
    let (one, two, three, four) =
        tokio::join!(ask(&database.people), ask(&second), ask(&database.people), ask(&second));
    let all = [one, two, three, four];
    assert_eq!(all.iter().filter(|inbound| inbound.new).count(), 1);
    assert!(all.iter().all(|inbound| inbound.contact == all[0].contact));
    second.close().await;
}

/// The contact of one number that writes.
async fn one_inbound(people: &People, number: &str) -> Inbound {
    let mut found = people.contacts_for_inbound(&[asked(MINE, number)], NOW).await.expect("looked up");
    found.pop().expect("one").expect("a number")
}

fn asked(account: AccountId, number: &str) -> Asked {
    Asked { account, contact: None, address: number.to_owned(), medium: Medium::Phone }
}

async fn many_devices_at_once_have_their_contacts_in_order(database: &Database) {
    let people = &database.people;
    let mut shared = draft("C-old", "+12125550100");
    shared.devices.push(ContactDevice { kind: DeviceKind::Home, address: "+12125550101".into() });
    shared.fields = [("car".into(), "green".into())].into();
    let old = people.create_contact(&Scope::All, MINE, shared, NOW).await.expect("made");
    let young =
        people.create_contact(&Scope::All, MINE, draft("C-young", "+12125550101"), NOW).await.expect("made");
    // A device whose contact is gone by name alone: its number is a client id.
    let by_name = people
        .create_contact(&Scope::All, MINE, draft("+12125550102", "+12125550199"), NOW)
        .await
        .expect("made");
    let fact = Fact { value: LineType::Wireless, at: NOW, source: "hlr".into() };
    people.learn_line_type(&Scope::All, MINE, "+12125550100", &fact).await.expect("learnt");

    let mut all: Vec<Asked> = (0..700).map(|n| asked(MINE, &format!("+1212555{:04}", 1000 + n))).collect();
    all.push(asked(MINE, "+1 212 555 0100"));
    all.push(asked(MINE, "+12125550101"));
    all.push(asked(MINE, "+12125550102"));
    all.push(asked(MINE, "no number"));
    all.push(asked(OTHER, "+12125550100"));
    all.push(asked(MINE, "+12125551000"));
    all.push(Asked { contact: Some(young.id), ..asked(MINE, "+12125550101") });
    // Another account's contact is none.
    all.push(Asked { contact: Some(young.id), ..asked(OTHER, "+12125550100") });
    let found = people.contacts_for_inbound(&all, NOW).await.expect("looked up");
    assert_eq!(found.len(), all.len());
    let at = |index: usize| found[index].as_ref().expect("a contact");
    for index in 0..700 {
        let number = format!("+1212555{:04}", 1000 + index);
        assert_eq!((at(index).new, at(index).contact.client_id.as_str()), (true, number.as_str()));
        let kept = people.contact(&Scope::All, at(index).contact.id).await.expect("read");
        assert_eq!(kept.as_ref(), Some(&at(index).contact));
    }
    assert_eq!((at(700).new, at(700).line, &at(700).contact), (false, Some(LineType::Wireless), &old));
    assert_eq!(at(701).contact, old);
    assert_eq!(at(702).contact, by_name);
    assert_eq!(found[703].as_ref().map_err(|invalid| invalid.field.as_str()), Err("address"));
    assert_eq!((at(704).new, at(704).contact.account), (true, OTHER));
    assert_eq!((at(705).new, &at(705).contact), (false, &at(0).contact));
    assert_eq!(at(706).contact, young);
    assert_eq!((at(707).new, &at(707).contact), (false, &at(704).contact));

    let again = people.contacts_for_inbound(&all[..700], NOW).await.expect("looked up");
    let same = again.iter().zip(&found).all(|(again, first)| {
        let (again, first) = (again.as_ref().expect("a contact"), first.as_ref().expect("a contact"));
        !again.new && again.contact == first.contact
    });
    assert!(same);
}

/// Two nodes that are asked of the same devices in another order make each contact once.
async fn two_batches_at_once_make_each_contact_once(database: &Database) {
    let second = database.again("node-2").await;
    let all: Vec<Asked> = (0..300).map(|n| asked(MINE, &format!("+1212555{:04}", 1000 + n))).collect();
    let turned: Vec<Asked> = all.iter().rev().cloned().collect();
    let (one, two) = tokio::join!(
        database.people.contacts_for_inbound(&all, NOW),
        second.contacts_for_inbound(&turned, NOW)
    );
    let (one, mut two) = (one.expect("looked up"), two.expect("looked up"));
    two.reverse();
    let mut made = 0;
    for (one, two) in one.iter().zip(&two) {
        let (one, two) = (one.as_ref().expect("a contact"), two.as_ref().expect("a contact"));
        assert_eq!(one.contact, two.contact);
        made += usize::from(one.new) + usize::from(two.new);
    }
    assert_eq!(made, 300);
    second.close().await;
}

/// Whoever keeps a contact learns that it may be another one now.
async fn changes_of_people_are_counted(database: &Database) {
    let people = &database.people;
    let Some(mut before) = people.changes() else {
        return assert!(matches!(database.place, Place::Server { .. }));
    };
    let mut changed = |what: &str, expected: bool| {
        let now = people.changes().expect("counted");
        assert_eq!(now != before, expected, "{what}");
        before = now;
    };
    let made =
        people.create_contact(&Scope::All, MINE, draft("C-1", "+12125550123"), NOW).await.expect("made");
    changed("made", true);
    one_inbound(people, "+12125550177").await;
    changed("made of a device", false);
    people.contact(&Scope::All, made.id).await.expect("read");
    changed("read", false);
    people
        .update_contact(&Scope::All, made.id, None, draft("C-2", "+12125550123"), NOW)
        .await
        .expect("changed");
    changed("changed", true);
    let fact = Fact { value: LineType::Wireless, at: NOW, source: "hlr".into() };
    people.learn_line_type(&Scope::All, MINE, "+12125550123", &fact).await.expect("learnt");
    changed("learnt", true);
    people.erase_contact(&Scope::All, made.id, None).await.expect("erased");
    changed("erased", true);
    let other = one_inbound(people, "+12125550177").await;
    people.delete_contact(&Scope::All, other.contact.id, None).await.expect("deleted");
    changed("deleted", true);
}

async fn later_facts_of_a_device_win(database: &Database) {
    let people = &database.people;
    people.create_contact(&Scope::All, MINE, draft("C-1", "+12125550123"), NOW).await.expect("made");
    let learn = async |value, at| {
        let fact = Fact { value, at: Micros(at), source: "hlr".into() };
        people.learn_line_type(&Scope::All, MINE, "+12125550123", &fact).await.expect("learnt");
    };
    learn(LineType::Wireless, 20).await;
    learn(LineType::Landline, 10).await;
    let carrier = Fact { value: "Alpha".to_owned(), at: Micros(30), source: "npdb".into() };
    people.learn_carrier(&Scope::All, MINE, "+12125550123", &carrier).await.expect("learnt");
    let device = people.device(&Scope::All, MINE, "+12125550123").await.expect("read").expect("there");
    assert_eq!(device.line_type.map(|fact| (fact.value, fact.at)), Some((LineType::Wireless, Micros(20))));
    assert_eq!(device.carrier, Some(carrier));
    let fact = Fact { value: LineType::Voip, at: NOW, source: "hlr".into() };
    let unknown = people.learn_line_type(&Scope::All, MINE, "+12125550199", &fact).await;
    assert!(matches!(unknown, Err(PeopleError::Absent { .. })), "{unknown:?}");
}

async fn pages_follow_each_other(database: &Database) {
    let people = &database.people;
    // Octets order both databases, not a language: B before a.
    for client in ["b", "a", "B", "10", "9"] {
        let number = format!("+1212555{:04}", client.as_bytes()[0]);
        people.create_contact(&Scope::All, MINE, draft(client, &number), NOW).await.expect("made");
    }
    let mut seen = Vec::new();
    loop {
        let after = seen.last().cloned();
        let page = people.contacts(&Scope::All, MINE, after.as_deref(), 2).await.expect("a page");
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|contact| contact.client_id));
    }
    assert_eq!(seen, ["10", "9", "B", "a", "b"]);
}

/// Far above what it takes, far below what it takes without an index.
async fn a_device_is_found_fast(database: &Database) {
    let people = &database.people;
    for number in 0..200 {
        let cell = format!("+1212555{number:04}");
        people
            .create_contact(&Scope::All, MINE, draft(&format!("C-{number}"), &cell), NOW)
            .await
            .expect("made");
    }
    let mut slowest = Vec::new();
    for number in 0..200 {
        let cell = format!("+1212555{number:04}");
        let began = Instant::now();
        let found = people.contacts_of_device(&Scope::All, MINE, &cell, 2).await.expect("read");
        slowest.push(began.elapsed());
        assert_eq!(found.len(), 1);
    }
    slowest.sort_unstable();
    assert!(slowest[100] < Duration::from_millis(100), "{:?}", slowest[100]);
}
