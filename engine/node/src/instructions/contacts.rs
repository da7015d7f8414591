//! The contact that instructions are given. What runs ask for while a look-up is under way is looked up together with
//! the next one; contacts of devices that nobody knows are made by the batch, in one commit.

mod recent;

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::backend::Clock;
use signalbox_core::id::AccountId;
use signalbox_core::scope::ContactFacts;
use signalbox_invocation::{Contact, Device, LineType};
use signalbox_people::{Asked, ContactId, Inbound, LineType as KnownLine, Medium, People};
use tokio::sync::{mpsc, oneshot};

use self::recent::{Key, Recent};

/// Runs that may wait for their contacts; who has one more waits.
const QUEUE: usize = 8_192;
/// Contacts that are looked up together.
const BATCH: usize = 512;
/// A run waits so long for its contact.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the account knows of a device: its contact, its line where that was looked up (CON-07), and what the send gate
/// asks.
#[derive(Clone)]
pub(super) struct Known {
    pub contact: Contact,
    pub line: Option<LineType>,
    pub facts: ContactFacts,
}

impl Known {
    /// What is known of a device alone.
    pub(super) fn of_device(named: &Contact, device: &Device) -> Self {
        let client_id = if named.client_id.is_empty() { &device.address } else { &named.client_id };
        let devices = vec![device.clone()];
        let contact = Contact { client_id: client_id.clone(), devices, ..Contact::default() };
        Self { contact, line: None, facts: ContactFacts::default() }
    }
}

/// A run that waits for its contact.
struct Waiting {
    asked: Asked,
    answer: oneshot::Sender<Option<Known>>,
}

/// Finds contacts, and makes one for a device that nobody knows (CON-09).
pub(super) struct Contacts {
    queue: mpsc::Sender<Waiting>,
}

impl Contacts {
    /// Looks up from now on, until nobody asks any more.
    pub(super) fn new(people: Arc<People>, clock: Arc<dyn Clock>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(answer(people, clock, waiting));
        Self { queue }
    }

    /// The contact of a device in an account: the one that is named, else the device's own; `None` while that cannot be
    /// read.
    pub(super) async fn of(&self, account: u32, named: &Contact, device: &Device) -> Option<Known> {
        let asked = Asked {
            account: AccountId(account),
            contact: i64::try_from(named.id).ok().filter(|id| *id != 0).map(ContactId),
            address: format!("+{}", device.address),
            medium: Medium::Phone,
        };
        let read = tokio::time::timeout(PATIENCE, self.ask(asked)).await.ok()??;
        let Some(mut known) = read else { return Some(Known::of_device(named, device)) };
        known.facts.state = state_of(&known.facts.state, device);
        Some(known)
    }

    /// `None` when nothing could be read, `Some(None)` of a device that can have no contact.
    async fn ask(&self, asked: Asked) -> Option<Option<Known>> {
        let (answer, told) = oneshot::channel();
        self.queue.send(Waiting { asked, answer }).await.ok()?;
        told.await.ok()
    }
}

/// Answers whoever waits, as many at once as there are.
async fn answer(people: Arc<People>, clock: Arc<dyn Clock>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut recent = Recent::default();
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let (now, changes) = (clock.now(), people.changes());
        recent.follow(changes, now.mono);
        let mut asked = Vec::new();
        let mut answers = Vec::new();
        for one in batch.drain(..) {
            match recent.get(&Key::of(&one.asked)) {
                // Who asked may have given up.
                Some(known) => drop(one.answer.send(Some(known))),
                None => {
                    asked.push(one.asked);
                    answers.push(one.answer);
                }
            }
        }
        if asked.is_empty() {
            continue;
        }
        let found = match people.contacts_for_inbound(&asked, now.wall).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    runs = asked.len(),
                    "contacts of devices cannot be read"
                );
                continue;
            }
        };
        for ((asked, answer), found) in asked.iter().zip(answers).zip(found) {
            let known = match found {
                Ok(found) => Some(known(found)),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a device can have no contact");
                    None
                }
            };
            if let Some(known) = &known {
                recent.keep(Key::of(asked), known);
            }
            let _ = answer.send(known);
        }
    }
}

fn known(found: Inbound) -> Known {
    let line = found.line.map(|line| match line {
        KnownLine::Wireless => LineType::Wireless,
        KnownLine::Landline => LineType::Landline,
        KnownLine::Voip => LineType::Voip,
        KnownLine::Unknown => LineType::Unknown,
    });
    let facts = facts(&found.contact, found.line);
    Known { contact: given(found.contact), line, facts }
}

/// What the send gate asks of a contact: its zone, its fields `state`, such as `FL` or `US-FL`, and `postal_code`, and
/// the line of the device.
fn facts(contact: &signalbox_people::Contact, line: Option<KnownLine>) -> ContactFacts {
    let field = |name: &str| contact.fields.get(name).map_or("", |text| text.trim());
    ContactFacts {
        zone: contact.known.zone.as_deref().unwrap_or_default().into(),
        state: field("state").to_ascii_uppercase().into(),
        postal: field("postal_code").into(),
        line: match line {
            Some(KnownLine::Wireless) => signalbox_consent::LineType::Wireless,
            Some(KnownLine::Landline) => signalbox_consent::LineType::Landline,
            Some(KnownLine::Voip) => signalbox_consent::LineType::Voip,
            Some(KnownLine::Unknown) | None => signalbox_consent::LineType::Unknown,
        },
    }
}

/// A state as it is called everywhere: the device's country says of which one it is.
fn state_of(state: &str, device: &Device) -> Box<str> {
    match &device.country {
        Some(country) if !state.is_empty() && !state.contains('-') => format!("{country}-{state}").into(),
        Some(_) | None => state.into(),
    }
}

/// A contact as instructions are given it.
pub(crate) fn given(contact: signalbox_people::Contact) -> Contact {
    let known = contact.known;
    Contact {
        id: u64::try_from(contact.id.0).unwrap_or_default(),
        client_id: contact.client_id,
        first_name: known.first_name.unwrap_or_default(),
        last_name: known.last_name.unwrap_or_default(),
        company: known.company.unwrap_or_default(),
        email: known.email.unwrap_or_default(),
        devices: contact
            .devices
            .into_iter()
            .map(|device| Device {
                // Instructions see numbers without a plus.
                address: device.address.trim_start_matches('+').to_owned(),
                kind: device.kind.to_string(),
                ..Device::default()
            })
            .collect(),
        fields: contact.fields,
    }
}

#[cfg(test)]
mod tests {
    use signalbox_backends::system::SystemClock;
    use signalbox_core::time::Micros;
    use signalbox_people::{ContactDevice, DeviceKind, Draft, Place, Scope};

    use super::*;

    fn device(address: &str) -> Device {
        Device { address: address.to_owned(), kind: "cell".to_owned(), ..Device::default() }
    }

    async fn people(folder: &tempfile::TempDir) -> Arc<People> {
        Arc::new(People::open(&Place::File(folder.path().join("people.db")), "node").await.unwrap())
    }

    fn draft(client_id: &str) -> Draft {
        let devices = vec![ContactDevice { kind: DeviceKind::Cell, address: "+447400123456".to_owned() }];
        Draft { client_id: Some(client_id.to_owned()), devices, ..Draft::default() }
    }

    #[tokio::test]
    async fn each_run_has_its_own_contact_however_many_ask_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let people = people(&folder).await;
        let contacts = Arc::new(Contacts::new(people.clone(), Arc::new(SystemClock::new())));
        let asked: Vec<_> = (0..2_000)
            .map(|number| {
                let contacts = contacts.clone();
                let device = device(&format!("4474001{:05}", number % 1_000));
                tokio::spawn(
                    async move { contacts.of(1, &Contact::default(), &device).await.unwrap().contact },
                )
            })
            .collect();
        for (number, asked) in asked.into_iter().enumerate() {
            let contact = asked.await.unwrap();
            assert_eq!(contact.client_id, format!("+4474001{:05}", number % 1_000));
            assert_ne!(contact.id, 0);
        }
        let kept = people.contacts(&Scope::All, AccountId(1), None, 2_000).await.unwrap();
        assert_eq!(kept.len(), 1_000);
    }

    /// What is kept of a contact is never what it was before a change that was answered.
    #[tokio::test]
    async fn a_change_is_seen_by_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let people = people(&folder).await;
        let contacts = Contacts::new(people.clone(), Arc::new(SystemClock::new()));
        let of = async || contacts.of(1, &Contact::default(), &device("447400123456")).await.unwrap().contact;
        let account = AccountId(1);
        let made = people.create_contact(&Scope::All, account, draft("C-1"), Micros(1)).await.unwrap();
        assert_eq!(of().await.client_id, "C-1");
        assert_eq!(of().await.client_id, "C-1");
        people.update_contact(&Scope::All, made.id, None, draft("C-2"), Micros(2)).await.unwrap();
        assert_eq!(of().await.client_id, "C-2");
        people.delete_contact(&Scope::All, made.id, None).await.unwrap();
        let new = of().await;
        assert_eq!(new.client_id, "+447400123456");
        assert_ne!(new.id, u64::try_from(made.id.0).unwrap());
    }

    /// A device that can have no contact is told so at once, and keeps nobody else from theirs.
    #[tokio::test]
    async fn what_is_no_number_has_what_is_known_of_the_device_alone() {
        let folder = tempfile::tempdir().unwrap();
        let contacts = Contacts::new(people(&folder).await, Arc::new(SystemClock::new()));
        let named = Contact { client_id: "C-7".to_owned(), ..Contact::default() };
        let (odd, good) = (device("12"), device("447400123456"));
        let (odd, good) = tokio::join!(contacts.of(1, &named, &odd), contacts.of(1, &named, &good));
        let (odd, good) = (odd.unwrap(), good.unwrap());
        assert_eq!((odd.contact.id, odd.contact.client_id.as_str()), (0, "C-7"));
        assert_eq!(good.contact.client_id, "+447400123456");
    }

    /// Whoever writes to somebody first must know where he is and what he opted out of.
    #[tokio::test]
    async fn a_contact_that_cannot_be_read_is_not_taken_for_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let people = people(&folder).await;
        let contacts = Contacts::new(people.clone(), Arc::new(SystemClock::new()));
        people.close().await;
        let named = Contact { id: 7, client_id: "C-7".to_owned(), ..Contact::default() };
        assert!(contacts.of(1, &named, &device("447400123456")).await.is_none());
    }
}
