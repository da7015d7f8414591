//! Lists and their members.

use signalbox_people::{ContactId, PeopleError, Scope};

use crate::database::{Database, MINE, NOW, OTHER, draft, on_both, others};

on_both!(
    members_are_counted_once,
    a_list_in_use_is_not_deleted,
    a_deleted_list_goes_and_its_contacts_stay,
    a_list_of_another_account_is_not_there,
    a_name_is_taken_once,
);

async fn contacts(database: &Database, count: usize) -> Vec<ContactId> {
    let mut ids = Vec::new();
    for number in 0..count {
        let cell = format!("+1212555{number:04}");
        let draft = draft(&format!("C-{number}"), &cell);
        ids.push(database.people.create_contact(&Scope::All, MINE, draft, NOW).await.expect("made").id);
    }
    ids
}

async fn members_are_counted_once(database: &Database) {
    let people = &database.people;
    let list = people.create_list(&Scope::All, MINE, "spring", NOW).await.expect("made");
    let ids = contacts(database, 5).await;
    let add =
        async |ids: &[ContactId]| people.add_members(&Scope::All, list.id, ids, NOW).await.expect("added");
    assert_eq!(add(&ids[..3]).await, 3);
    assert_eq!(add(&[ids[2], ids[3], ids[3]]).await, 1);
    let members = async || people.list(&Scope::All, list.id).await.expect("read").expect("there").members;
    assert_eq!(members().await, 4);
    let stranger =
        people.create_contact(&Scope::All, OTHER, draft("C-1", "+12125550123"), NOW).await.expect("made");
    let refused = people.add_members(&Scope::All, list.id, &[ids[4], stranger.id], NOW).await;
    assert!(matches!(refused, Err(PeopleError::Absent { what: "contact", .. })), "{refused:?}");
    assert!(people.remove_member(&Scope::All, list.id, ids[0], NOW).await.expect("removed"));
    assert!(!people.remove_member(&Scope::All, list.id, ids[0], NOW).await.expect("not there"));
    people.delete_contact(&Scope::All, ids[1], None).await.expect("deleted");
    assert_eq!(members().await, 2);
    let page = people.members(&Scope::All, list.id, None, 9).await.expect("a page");
    assert_eq!(page.iter().map(|contact| contact.id).collect::<Vec<_>>(), ids[2..4]);
    let rest = people.members(&Scope::All, list.id, Some(ids[2]), 9).await.expect("a page");
    assert_eq!(rest.iter().map(|contact| contact.id).collect::<Vec<_>>(), ids[3..4]);
}

async fn a_list_in_use_is_not_deleted(database: &Database) {
    let people = &database.people;
    let list = people.create_list(&Scope::All, MINE, "spring", NOW).await.expect("made");
    people.hold_list(&Scope::All, list.id, "sub-campaign 7", NOW).await.expect("held");
    people.hold_list(&Scope::All, list.id, "sub-campaign 7", NOW).await.expect("held twice");
    let refused = people.delete_list(&Scope::All, list.id, None, NOW).await;
    assert_eq!(refused.expect_err("in use").to_string(), "the list is in use by sub-campaign 7");
    people.release_list(list.id, "sub-campaign 7").await.expect("released");
    people.delete_list(&Scope::All, list.id, None, NOW).await.expect("deleted");
    let held = people.hold_list(&Scope::All, list.id, "sub-campaign 8", NOW).await;
    assert!(matches!(held, Err(PeopleError::NotReady { .. })), "{held:?}");
}

async fn a_deleted_list_goes_and_its_contacts_stay(database: &Database) {
    let people = &database.people;
    let list = people.create_list(&Scope::All, MINE, "spring", NOW).await.expect("made");
    let ids = contacts(database, 3).await;
    people.add_members(&Scope::All, list.id, &ids, NOW).await.expect("added");
    people.delete_list(&Scope::All, list.id, Some(1), NOW).await.expect("deleted");
    // The name is free before the members are gone.
    let next = people.create_list(&Scope::All, MINE, "spring", NOW).await.expect("made");
    let restarted = database.again("node-1").await;
    restarted.purge_lists().await.expect("purged");
    assert_eq!(restarted.list(&Scope::All, list.id).await.expect("read"), None);
    let left = restarted.lists(&Scope::All, MINE, None, 9).await.expect("read");
    assert_eq!(left, [next]);
    assert!(restarted.contact(&Scope::All, ids[0]).await.expect("read").is_some());
    restarted.close().await;
}

async fn a_list_of_another_account_is_not_there(database: &Database) {
    let people = &database.people;
    let list = people.create_list(&Scope::All, MINE, "spring", NOW).await.expect("made");
    let others = others();
    assert_eq!(people.list(&others, list.id).await.expect("read"), None);
    assert_eq!(people.lists(&others, MINE, None, 9).await.expect("read"), []);
    let absent = |done: &Result<(), PeopleError>| matches!(done, Err(PeopleError::Absent { .. }));
    assert!(absent(&people.members(&others, list.id, None, 9).await.map(|_| ())));
    assert!(absent(&people.delete_list(&others, list.id, None, NOW).await));
    assert!(absent(&people.rename_list(&others, list.id, None, "mine", NOW).await.map(|_| ())));
    assert!(absent(&people.hold_list(&others, list.id, "x", NOW).await));
    assert!(absent(&people.add_members(&others, list.id, &[], NOW).await.map(|_| ())));
}

async fn a_name_is_taken_once(database: &Database) {
    let people = &database.people;
    people.create_list(&Scope::All, MINE, "spring", NOW).await.expect("made");
    let taken = people.create_list(&Scope::All, MINE, "spring", NOW).await;
    assert!(matches!(taken, Err(PeopleError::Exists { what: "list" })), "{taken:?}");
    let autumn = people.create_list(&Scope::All, MINE, "autumn", NOW).await.expect("made");
    let renamed = people.rename_list(&Scope::All, autumn.id, Some(1), "spring", NOW).await;
    assert!(matches!(renamed, Err(PeopleError::Exists { what: "list" })), "{renamed:?}");
    let renamed = people.rename_list(&Scope::All, autumn.id, Some(1), "fall", NOW).await.expect("renamed");
    assert_eq!((renamed.name.as_str(), renamed.version), ("fall", 2));
    let changed = people.rename_list(&Scope::All, autumn.id, Some(1), "winter", NOW).await;
    assert!(matches!(changed, Err(PeopleError::Changed { held: 2, .. })), "{changed:?}");
    people.create_list(&Scope::All, OTHER, "spring", NOW).await.expect("another account's");
}
