//! How the database is made and found again.

use signalbox_people::{People, PeopleError, Scope};

use crate::database::{Database, MINE, NOW, draft, on_both};

on_both!(it_is_found_again, a_schema_of_another_program_is_refused, ids_are_never_given_twice);

async fn it_is_found_again(database: &Database) {
    let made = database.people.create_contact(&Scope::All, MINE, draft("C-1", "+12125550123"), NOW).await;
    let again = database.again("node-1").await;
    let found = again.contact(&Scope::All, made.expect("made").id).await.expect("read");
    assert_eq!(found.expect("there").client_id, "C-1");
    again.close().await;
}

async fn a_schema_of_another_program_is_refused(database: &Database) {
    let pool = sqlx::AnyPool::connect(&database.url()).await.expect("the database");
    sqlx::query("UPDATE migration SET checksum = 'other' WHERE number = 1")
        .execute(&pool)
        .await
        .expect("changed");
    pool.close().await;
    let refused = People::open(&database.place, "node-1").await;
    assert!(matches!(refused, Err(PeopleError::Schema { number: 1 })), "{:?}", refused.err());
}

async fn ids_are_never_given_twice(database: &Database) {
    let second = database.again("node-2").await;
    let mut ids = Vec::new();
    for number in 0..6 {
        let people = if number % 2 == 0 { &database.people } else { &second };
        let cell = format!("+1212555{number:04}");
        let made = people.create_contact(&Scope::All, MINE, draft(&format!("C-{number}"), &cell), NOW).await;
        ids.push(made.expect("made").id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    second.close().await;
}
