//! Files that stream into a list.

use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use signalbox_people::{
    AccountId, Action, Asked, Channels, ColumnMap, DeviceKind, Existing, Level, List, Medium, NewConsent,
    PeopleError, Scope, Upload, UploadOrder, UploadState,
};
use signalbox_text::phone::{Bare, Home};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::sync::oneshot;

use crate::database::{Database, MINE, NOW, draft, on_both, others};

on_both!(
    rows_become_contacts_devices_and_fields,
    a_line_that_cannot_be_is_rejected_with_its_reason,
    what_repeats_is_counted,
    an_existing_contact_is_kept_or_written_over,
    those_who_opted_out_are_counted,
    many_batches_are_one_list,
    a_cancelled_upload_stops_and_keeps_what_it_stored,
    a_file_that_cannot_be_read_fails_in_words,
    an_upload_that_its_node_left_is_interrupted,
    a_list_with_an_upload_is_not_deleted,
    only_so_many_rejects_are_kept,
    an_account_is_not_filled_beyond_what_it_may_hold,
    a_writer_is_let_in_before_a_batch_ends,
    ids_of_an_upload_are_its_own,
);

async fn list(database: &Database) -> List {
    database.people.create_list(&Scope::All, MINE, "spring", NOW).await.expect("a list")
}

fn order(list: &List) -> UploadOrder {
    UploadOrder {
        list: list.id,
        file: "spring.csv".into(),
        columns: ColumnMap::default(),
        header: true,
        delimiter: b',',
        home: Home {
            region: Some("US".parse().expect("a region")),
            bare: Bare::National,
            short_code_digits: 6,
        },
        existing: Existing::Keep,
        levels: Vec::new(),
        rejects: 1000,
        most: None,
    }
}

async fn upload(database: &Database, order: &UploadOrder, file: impl AsyncRead + Unpin) -> Upload {
    let started = database.people.start_upload(&Scope::All, order, NOW).await.expect("started");
    assert_eq!(started.state, UploadState::Running);
    database.people.run_upload(&started, order, file, || NOW).await.expect("an end")
}

async fn rows_become_contacts_devices_and_fields(database: &Database) {
    let list = list(database).await;
    let file = "\u{feff}client_id,First Name,mobile,home,email,time zone,language,consent,car\r\n\
                C-1,Ann,(212) 555-0123,+4930123456,Ann@Example.com,America/New_York,en,2026-05-31,\"red, fast\"\r\n\
                \r\n\
                ,Bob,2125550124,,,,,,\r\n";
    let done = upload(database, &order(&list), file.as_bytes()).await;
    assert_eq!((done.state, done.counts.lines, done.counts.accepted), (UploadState::Done, 2, 2));
    assert_eq!(done.counts.octets, file.len() as i64 - 3);
    let people = &database.people;
    let ann = people.contact_by_client_id(&Scope::All, MINE, "C-1").await.expect("read").expect("there");
    assert_eq!(ann.known.first_name.as_deref(), Some("Ann"));
    assert_eq!(ann.known.email.as_deref(), Some("Ann@example.com"));
    assert_eq!(ann.known.zone.as_deref(), Some("America/New_York"));
    assert!(ann.known.consent.is_some());
    let devices: Vec<_> = ann.devices.iter().map(|device| (device.kind, device.address.as_str())).collect();
    let wanted = [
        (DeviceKind::Cell, "+12125550123"),
        (DeviceKind::Home, "+4930123456"),
        (DeviceKind::Email, "Ann@example.com"),
    ];
    assert_eq!(devices, wanted);
    assert_eq!(ann.fields.get("car").map(String::as_str), Some("red, fast"));
    // Without a client id the number is it.
    let bob =
        people.contact_by_client_id(&Scope::All, MINE, "+12125550124").await.expect("read").expect("there");
    assert_eq!((bob.known.first_name.as_deref(), bob.fields.len()), (Some("Bob"), 0));
    let list = people.list(&Scope::All, list.id).await.expect("read").expect("there");
    assert_eq!(list.members, 2);
    let members = people.members(&Scope::All, list.id, None, 9).await.expect("read");
    assert_eq!(members.into_iter().map(|one| one.id).collect::<Vec<_>>(), [ann.id, bob.id]);
}

async fn a_line_that_cannot_be_is_rejected_with_its_reason(database: &Database) {
    let list = list(database).await;
    let mut file =
        b"id,cell,zone\nC-1,2125550123,\nC-2,call me,\nC-3,,\nC-4,2125550124\nC-5,2125550125,Mars\n".to_vec();
    file.extend(b"C-6,212555\xff,\n\"C-\n7\",2125550127,\nC-8,2125550128,\n");
    let done = upload(database, &order(&list), &file[..]).await;
    assert_eq!(done.state, UploadState::Done);
    assert_eq!((done.counts.lines, done.counts.accepted, done.counts.rejected), (8, 2, 6));
    let rejects = database.people.rejects(&Scope::All, done.id, None, 99).await.expect("rejects");
    let told: Vec<_> = rejects
        .iter()
        .map(|one| (one.line, one.column.as_deref().unwrap_or("-"), one.reason.as_str()))
        .collect();
    let wanted = [
        (3, "cell", "is no phone number"),
        (4, "-", "has no number and no e-mail address"),
        (5, "-", "has 2 fields instead of 3"),
        (6, "zone", "is no time zone such as America/New_York"),
        (7, "cell", "is no UTF-8"),
        (8, "id", "has a control character"),
    ];
    assert_eq!(told, wanted);
    let rest = database.people.rejects(&Scope::All, done.id, Some(5), 1).await.expect("rejects");
    assert_eq!(rest, rejects[3..4]);
    assert!(database.people.rejects(&others(), done.id, None, 9).await.is_err());
}

async fn what_repeats_is_counted(database: &Database) {
    let list = list(database).await;
    let first = "id,cell\nC-1,2125550121\nC-2,2125550122\nC-1,2125550129\n";
    let done = upload(database, &order(&list), first.as_bytes()).await.counts;
    assert_eq!((done.accepted, done.created, done.repeated_in_file, done.repeated_in_list), (2, 2, 1, 0));
    let second = "id,cell\nC-2,2125550122\nC-3,2125550123\nC-3,2125550123\n";
    let done = upload(database, &order(&list), second.as_bytes()).await.counts;
    assert_eq!((done.accepted, done.created, done.repeated_in_file, done.repeated_in_list), (1, 1, 1, 1));
    // The first line of a contact counts.
    let contact = database.people.contact_by_client_id(&Scope::All, MINE, "C-1").await.expect("read");
    assert_eq!(contact.expect("there").devices[0].address, "+12125550121");
}

async fn an_existing_contact_is_kept_or_written_over(database: &Database) {
    let list = list(database).await;
    let people = &database.people;
    let mut before = draft("C-1", "+12125550121");
    before.known.last_name = Some("Neil".into());
    before.known.company = Some("Old".into());
    before.fields = [("car".into(), "red".into()), ("pet".into(), "cat".into())].into();
    people.create_contact(&Scope::All, MINE, before, NOW).await.expect("made");
    let file = "id,cell,company,car\nC-1,2125550122,New,blue\nC-2,2125550122,,\n";
    let contact =
        async || people.contact_by_client_id(&Scope::All, MINE, "C-1").await.expect("read").expect("there");
    let kept = contact().await;
    let done = upload(database, &order(&list), file.as_bytes()).await.counts;
    assert_eq!((done.accepted, done.created), (2, 1));
    assert_eq!(contact().await, kept);
    let update = UploadOrder { existing: Existing::Update, ..order(&list) };
    let done = upload(database, &update, file.as_bytes()).await.counts;
    assert_eq!((done.accepted, done.created, done.repeated_in_list), (0, 0, 2));
    let changed = contact().await;
    assert_eq!(changed.known.company.as_deref(), Some("New"));
    assert_eq!(changed.known.last_name.as_deref(), Some("Neil"));
    assert_eq!(changed.fields, [("car".into(), "blue".into()), ("pet".into(), "cat".into())].into());
    let addresses: Vec<_> = changed.devices.iter().map(|device| device.address.as_str()).collect();
    assert_eq!(addresses, ["+12125550121", "+12125550122"]);
    assert_eq!(changed.version, kept.version + 1);
}

async fn those_who_opted_out_are_counted(database: &Database) {
    let list = list(database).await;
    for (event, subject) in [("1", "+12125550121"), ("2", "C-3")] {
        let said = NewConsent {
            event: event.into(),
            account: MINE,
            level: Level::Account,
            level_id: "1".into(),
            subject: subject.into(),
            action: Action::OptOut,
            channels: Channels::TEXT,
            at: NOW,
            who: "device".into(),
            how: "keyword".into(),
            wording: None,
            source: None,
            evidence: None,
        };
        database.people.record_consent(&said).await.expect("recorded");
    }
    let order = UploadOrder { levels: vec![(Level::Account, "1".into())], ..order(&list) };
    let file = "id,cell\nC-1,2125550121\nC-2,2125550122\nC-3,2125550123\nC-4,2125550124\n";
    let done = upload(database, &order, file.as_bytes()).await.counts;
    assert_eq!((done.accepted, done.opted_out), (4, 2));
}

/// So many lines of a file, and a few that repeat.
fn long_file(lines: usize) -> Vec<u8> {
    let mut file = b"id,cell,car\n".to_vec();
    for line in 0..lines {
        writeln!(file, "C-{line},21255{line:05},car {line}").expect("memory");
    }
    writeln!(file, "C-0,2125500000,\nC-{},2125500000,", lines / 2).expect("memory");
    file
}

async fn many_batches_are_one_list(database: &Database) {
    let list = list(database).await;
    let lines = 35_000;
    let file = long_file(lines);
    let done = upload(database, &order(&list), &file[..]).await;
    let lines = lines as i64;
    assert_eq!(done.state, UploadState::Done);
    assert_eq!((done.counts.accepted, done.counts.created), (lines, lines));
    assert_eq!((done.counts.repeated_in_file, done.counts.rejected), (2, 0));
    assert_eq!(done.counts.octets, file.len() as i64);
    let counted = database.people.list(&Scope::All, list.id).await.expect("read").expect("there").members;
    assert_eq!(counted, lines);
    let found = database.people.contacts_of_device(&Scope::All, MINE, "+12125509999", 9).await.expect("read");
    assert_eq!(found[0].fields.get("car").map(String::as_str), Some("car 9999"));
    // The same file once more brings nothing new.
    let again = upload(database, &order(&list), &file[..]).await.counts;
    assert_eq!((again.accepted, again.repeated_in_list, again.lines), (0, lines + 2, lines + 2));
}

/// A source that says when it is asked, and has ended when it is told so.
struct Gate {
    reached: Option<oneshot::Sender<()>>,
    go_on: oneshot::Receiver<()>,
}

impl AsyncRead for Gate {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        _buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if let Some(reached) = self.reached.take() {
            // The test waits for it.
            let _ = reached.send(());
        }
        Pin::new(&mut self.go_on).poll(context).map(|_| Ok(()))
    }
}

async fn a_cancelled_upload_stops_and_keeps_what_it_stored(database: &Database) {
    let list = list(database).await;
    let people = &database.people;
    let order = order(&list);
    let started = people.start_upload(&Scope::All, &order, NOW).await.expect("started");
    let (before, after) = (long_file(6000), "C-x,2125559999,\n".repeat(20_000));
    let (reached, end) = oneshot::channel();
    let (go_on, waits) = oneshot::channel();
    let source = (&before[..]).chain(Gate { reached: Some(reached), go_on: waits }).chain(after.as_bytes());
    let other = database.again("node-2").await;
    let cancel = async {
        end.await.expect("the file was read");
        let cancelled = other.cancel_upload(&Scope::All, started.id, NOW).await.expect("asked");
        go_on.send(()).expect("it waits");
        cancelled
    };
    let (done, cancelled) = tokio::join!(people.run_upload(&started, &order, source, || NOW), cancel);
    let done = done.expect("an end");
    assert!(cancelled);
    assert_eq!(done.state, UploadState::Cancelled);
    assert!(done.counts.accepted <= 6000, "{:?}", done.counts);
    let later = people.contact_by_client_id(&Scope::All, MINE, "C-x").await.expect("read");
    assert_eq!(later, None);
    let members = people.list(&Scope::All, list.id).await.expect("read").expect("there").members;
    assert_eq!(members, done.counts.accepted);
    assert!(!other.cancel_upload(&Scope::All, started.id, NOW).await.expect("asked again"));
    other.close().await;
}

async fn a_file_that_cannot_be_read_fails_in_words(database: &Database) {
    let list = list(database).await;
    let problem = async |file: Vec<u8>| {
        let done = upload(database, &order(&list), &file[..]).await;
        assert_eq!(done.state, UploadState::Failed);
        (done.problem.unwrap_or_default(), done.counts.accepted)
    };
    assert_eq!(problem(Vec::new()).await.0, "the file is empty");
    assert_eq!(
        problem(b"id,car\nC-1,red\n".to_vec()).await.0,
        "no column holds a number or an e-mail address"
    );
    assert_eq!(problem(b"id,c\xffll\n".to_vec()).await.0, "the header is no UTF-8");
    let mut open = b"id,cell\nC-1,2125550121\n\"C-2,".to_vec();
    open.resize(3 << 20, b'x');
    let (told, _) = problem(open).await;
    assert_eq!(told, "a line is longer than 1048576 octets; is a quote never closed?");
}

async fn an_upload_that_its_node_left_is_interrupted(database: &Database) {
    let list = list(database).await;
    let started = database.people.start_upload(&Scope::All, &order(&list), NOW).await.expect("started");
    let state =
        async || database.people.upload(&Scope::All, started.id).await.expect("read").expect("there").state;
    // Another node that starts leaves it alone.
    database.again("node-2").await.close().await;
    assert_eq!(state().await, UploadState::Running);
    database.again("node-1").await.close().await;
    assert_eq!(state().await, UploadState::Interrupted);
}

async fn a_list_with_an_upload_is_not_deleted(database: &Database) {
    let list = list(database).await;
    let people = &database.people;
    let started = people.start_upload(&Scope::All, &order(&list), NOW).await.expect("started");
    let refused = people.delete_list(&Scope::All, list.id, None, NOW).await.expect_err("in use").to_string();
    assert_eq!(refused, format!("the list is in use by upload {}", started.id));
    people.cancel_upload(&Scope::All, started.id, NOW).await.expect("cancelled");
    people.delete_list(&Scope::All, list.id, None, NOW).await.expect("deleted");
    assert!(people.start_upload(&Scope::All, &order(&list), NOW).await.is_err());
    let newest = people.uploads(&Scope::All, MINE, None, 9).await.expect("read");
    assert_eq!(newest.into_iter().map(|one| one.id).collect::<Vec<_>>(), [started.id]);
    assert_eq!(people.uploads(&others(), MINE, None, 9).await.expect("read"), []);
}

async fn only_so_many_rejects_are_kept(database: &Database) {
    let list = list(database).await;
    let order = UploadOrder { rejects: 10, ..order(&list) };
    let mut file = "id,cell\n".to_owned();
    for line in 0..9000 {
        file.push_str(&format!("C-{line},none\n"));
    }
    let done = upload(database, &order, file.as_bytes()).await.counts;
    assert_eq!((done.rejected, done.rejects_kept, done.accepted), (9000, 10, 0));
    let kept =
        database.people.rejects(&Scope::All, upload_of(database).await, None, 99).await.expect("rejects");
    assert_eq!(kept.iter().map(|one| one.line).collect::<Vec<_>>(), (2..12).collect::<Vec<_>>());
}

async fn upload_of(database: &Database) -> signalbox_people::UploadId {
    database.people.uploads(&Scope::All, MINE, None, 1).await.expect("read")[0].id
}

async fn a_writer_is_let_in_before_a_batch_ends(database: &Database) {
    const LINES: i64 = 30_000;
    let people = &database.people;
    let list = list(database).await;
    // Fewer than a batch holds: without a turn for others all of it is seen at once.
    let file: String = (0..LINES).map(|row| format!("C-{row:05},2125{:06}\n", 550_000 + row)).collect();
    let order = order(&list);
    let started = people.start_upload(&Scope::All, &order, NOW).await.expect("started");
    let text = format!("client_id,mobile\n{file}");
    let uploading = people.run_upload(&started, &order, text.as_bytes(), || NOW);
    let mut partly = 0;
    let writing = async {
        for number in 0.. {
            let cell = format!("+1646555{number:04}");
            people
                .create_contact(&Scope::All, MINE, draft(&format!("W-{number}"), &cell), NOW)
                .await
                .expect("made");
            let seen = people.upload(&Scope::All, started.id).await.expect("read").expect("there");
            partly += i32::from((1..LINES).contains(&seen.counts.lines));
            if seen.state != UploadState::Running {
                break;
            }
        }
    };
    let (done, ()) = tokio::join!(uploading, writing);
    let counts = done.expect("an end").counts;
    assert!(partly > 0);
    assert_eq!((counts.lines, counts.accepted, counts.octets), (LINES, LINES, text.len() as i64));
}

async fn ids_of_an_upload_are_its_own(database: &Database) {
    let people = &database.people;
    let list = list(database).await;
    upload(database, &order(&list), "client_id,mobile\nC-1,2125550123\n".as_bytes()).await;
    let found = people.contact_by_client_id(&Scope::All, MINE, "C-1").await.expect("read").expect("there");
    let two = signalbox_people::ContactDevice { kind: DeviceKind::Cell, address: "+12125550199".into() };
    let mut more = draft("C-1", "+12125550123");
    more.devices.push(two);
    // The two ids that this takes are the next ones.
    let written = people.update_contact(&Scope::All, found.id, None, more, NOW).await.expect("written");
    assert_eq!(written.devices.len(), 2);
}

/// MQ-32: what the account has goes into the list, what is new only as far as there is room; the reason says the numbers.
async fn an_account_is_not_filled_beyond_what_it_may_hold(database: &Database) {
    let people = &database.people;
    let full = |most, held| move |error: &PeopleError| matches!(error, PeopleError::Full { most: m, held: h } if (*m, *h) == (most, held));
    let make = async |id: &str, cell: &str, most| {
        people.create_contact_within(&Scope::All, MINE, draft(id, cell), most, NOW).await
    };
    let first = make("C-1", "+12125550101", Some(2)).await.expect("room for it");
    make("C-2", "+12125550102", Some(2)).await.expect("room for it");
    assert!(make("C-3", "+12125550103", Some(2)).await.is_err_and(|error| full(2, 2)(&error)));
    assert_eq!(people.contacts_held(MINE).await.expect("read"), 2);
    let list = list(database).await;
    let bounded = UploadOrder { most: Some(4), ..order(&list) };
    let file =
        "client_id,cell\nC-2,2125550102\nD-1,2125550111\nD-1,2125550111\nD-2,2125550112\nD-3,2125550113\n";
    let upload = upload(database, &bounded, file.as_bytes()).await;
    let counts = upload.counts;
    assert_eq!(
        (upload.state, counts.lines, counts.accepted, counts.created, counts.rejected),
        (UploadState::Done, 5, 3, 2, 1)
    );
    let rejects = people.rejects(&Scope::All, upload.id, None, 10).await.expect("read");
    let told: Vec<_> = rejects.iter().map(|reject| (reject.line, reject.reason.as_str())).collect();
    assert_eq!(told, [(6, "the account may hold 4 contacts and holds 4")]);
    // Who goes makes room; what a device writes is taken whatever the bound.
    people.delete_contact(&Scope::All, first.id, None).await.expect("deleted");
    make("C-3", "+12125550103", Some(4)).await.expect("room for it");
    let asked = Asked { account: MINE, contact: None, address: "+12125550199".into(), medium: Medium::Phone };
    people.contacts_for_inbound(&[asked], NOW).await.expect("asked");
    assert_eq!(people.contacts_held(MINE).await.expect("read"), 5);
    assert!(make("C-4", "+12125550104", Some(4)).await.is_err_and(|error| full(4, 5)(&error)));
    assert_eq!(people.contacts_held(AccountId(77)).await.expect("read"), 0);
}
