//! Contacts of devices that write: looked up, and made where there are none, many at once.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use signalbox_text::phone::Home;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::write::{CONTACT_DEVICES, DEVICE_IDS, DEVICES, MADE};
use super::{Contact, Inbound, Known, read};
use crate::bulk::{Among, Values};
use crate::device::{ContactDevice, DeviceKind, LineType, Medium};
use crate::error::{Invalid, PeopleError};
use crate::id::ContactId;
use crate::normal::{self, Normal, NotNormal};
use crate::quota;
use crate::store::People;

/// Devices of one call at most.
const MOST: usize = 4096;

/// What an account knows of devices, and the oldest contact that has each.
const DEVICES_SEEN: Among = Among {
    head: "SELECT d.address, d.line_type, (SELECT MIN(cd.contact) FROM contact_device cd WHERE cd.device = d.id) \
           FROM device d WHERE d.account = ? AND d.address IN ",
};
const BY_CLIENT_ID: Among =
    Among { head: "SELECT client_id, id FROM contact WHERE account = ? AND client_id IN " };
const CONTACTS: Among = Among {
    head: "SELECT id, account, client_id, first_name, last_name, company, email, zone, language, consent_at, \
           version, created_at, updated_at FROM contact WHERE id IN ",
};
const DEVICES_OF: Among = Among {
    head: "SELECT cd.contact, cd.place, cd.kind, d.address FROM contact_device cd JOIN device d ON d.id = cd.device \
           WHERE cd.contact IN ",
};
const FIELDS_OF: Among = Among { head: "SELECT contact, name, value FROM field WHERE contact IN " };

/// A device that writes, and the contact that its conversation is with, where that is known.
#[derive(Clone, PartialEq, Eq)]
pub struct Asked {
    /// The account that it writes to.
    pub account: AccountId,
    /// The contact; that of the device where it is none of the account's.
    pub contact: Option<ContactId>,
    /// The device: a number with its country code, or an e-mail address.
    pub address: String,
    /// How it is reached.
    pub medium: Medium,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asked({:?}, {:?}, {})", self.account, self.contact, self.medium)
    }
}

/// A device of an account, by its address in normal form.
type Place = (AccountId, String);

/// What is there.
#[derive(Default)]
struct Seen {
    /// Of each device: its contact, and its line.
    places: FxHashMap<Place, (Option<i64>, Option<LineType>)>,
    contacts: FxHashMap<i64, Contact>,
}

impl Seen {
    fn named(&self, asked: &Asked) -> Option<&Contact> {
        let found = self.contacts.get(&asked.contact?.0)?;
        (found.account == asked.account).then_some(found)
    }

    fn of_place(&self, place: &Place) -> Option<&Contact> {
        self.contacts.get(&self.places.get(place)?.0?)
    }
}

/// A contact that is to be made of a device.
struct New<'a> {
    place: &'a Place,
    kind: DeviceKind,
    contact: i64,
    device: i64,
}

impl People {
    /// The contacts of devices that write, in the order asked: the one that is named, else the oldest that has the
    /// device, else the one with the device's address as client id, else a new one of that client id (requirement
    /// CON-09). All that are made are made in one transaction; whoever asks twice for one device gets one contact.
    ///
    /// # Errors
    /// When they are more than 4,096, another writer was faster twice, or the database fails. An address that is none
    /// fails alone.
    pub async fn contacts_for_inbound(
        &self,
        asked: &[Asked],
        now: Micros,
    ) -> Result<Vec<Result<Inbound, Invalid>>, PeopleError> {
        if asked.len() > MOST {
            return Err(Invalid::new("devices", format!("are more than {MOST}")).into());
        }
        let normal = Normal::new(Home::default());
        let places: Vec<Result<Place, Invalid>> =
            asked.iter().map(|one| Ok((one.account, address_of(&normal, one)?))).collect();
        let mut made: FxHashSet<Place> = FxHashSet::default();
        // A second look finds what another writer made between the first one and the insert.
        for _ in 0..2 {
            let mut seen = self.look(asked, &places).await?;
            // In one order, so that two writers do not wait for each other crosswise.
            let mut missing: BTreeMap<&Place, DeviceKind> = BTreeMap::new();
            for (one, place) in asked.iter().zip(&places) {
                let Ok(place) = place else { continue };
                if seen.named(one).is_none() && seen.of_place(place).is_none() {
                    missing.insert(place, kind_of(one.medium));
                }
            }
            if !missing.is_empty() {
                for (place, contact) in self.make_of_devices(&missing, now).await? {
                    let line = seen.places.get(&place).and_then(|(_, line)| *line);
                    made.insert(place.clone());
                    seen.places.insert(place, (Some(contact.id.0), line));
                    seen.contacts.insert(contact.id.0, contact);
                }
            }
            if let Some(answers) = answers(asked, &places, &seen, &made) {
                return Ok(answers);
            }
        }
        Err(PeopleError::Busy)
    }

    /// What there is of devices and of contacts that are named.
    async fn look(&self, asked: &[Asked], places: &[Result<Place, Invalid>]) -> Result<Seen, PeopleError> {
        let mut addresses: BTreeMap<AccountId, Vec<&str>> = BTreeMap::new();
        for (account, address) in places.iter().flatten() {
            addresses.entry(*account).or_default().push(address);
        }
        let mut seen = Seen::default();
        let mut transaction = self.reader().begin().await?;
        for (account, addresses) in &mut addresses {
            addresses.sort_unstable();
            addresses.dedup();
            self.look_at_devices(&mut transaction, *account, addresses, &mut seen).await?;
            let without = |address: &&str| {
                let place = (*account, (*address).to_owned());
                seen.places.get(&place).is_none_or(|(contact, _)| contact.is_none())
            };
            let others: Vec<&str> = addresses.iter().copied().filter(without).collect();
            for (client_id, id) in self.by_client_ids(&mut transaction, *account, &others).await? {
                seen.places.entry((*account, client_id)).or_default().0 = Some(id);
            }
        }
        let named = asked.iter().filter_map(|one| Some(one.contact?.0));
        let mut ids: Vec<i64> =
            seen.places.values().filter_map(|(contact, _)| *contact).chain(named).collect();
        ids.sort_unstable();
        ids.dedup();
        seen.contacts = self.wholes(&mut transaction, &ids).await?;
        transaction.commit().await?;
        Ok(seen)
    }

    async fn look_at_devices(
        &self,
        transaction: &mut Transaction<'static, Any>,
        account: AccountId,
        addresses: &[&str],
        seen: &mut Seen,
    ) -> Result<(), PeopleError> {
        let mut odd = false;
        let take = |row: &AnyRow| {
            let line: Option<String> = row.try_get(1)?;
            let line = line.map(|word| word.parse());
            odd |= matches!(line, Some(Err(_)));
            let line = line.and_then(Result::ok);
            seen.places.insert((account, row.try_get(0)?), (row.try_get(2)?, line));
            Ok(())
        };
        let first = |values: &mut Values| {
            values.push(i64::from(account.0));
        };
        DEVICES_SEEN.run(transaction, self.dialect, addresses, first, bind_text, take).await?;
        if odd {
            return Err(PeopleError::Damaged { table: "device", column: "line_type" });
        }
        Ok(())
    }

    async fn by_client_ids(
        &self,
        transaction: &mut Transaction<'static, Any>,
        account: AccountId,
        client_ids: &[&str],
    ) -> Result<FxHashMap<String, i64>, PeopleError> {
        let mut found = FxHashMap::default();
        let first = |values: &mut Values| {
            values.push(i64::from(account.0));
        };
        let take = |row: &AnyRow| {
            found.insert(row.try_get(0)?, row.try_get(1)?);
            Ok(())
        };
        BY_CLIENT_ID.run(transaction, self.dialect, client_ids, first, bind_text, take).await?;
        Ok(found)
    }

    /// Contacts with their devices and fields.
    async fn wholes(
        &self,
        transaction: &mut Transaction<'static, Any>,
        ids: &[i64],
    ) -> Result<FxHashMap<i64, Contact>, PeopleError> {
        let mut rows = Vec::with_capacity(ids.len());
        let bind = |id: &i64, values: &mut Values| {
            values.push(*id);
        };
        let take = |row: &AnyRow| {
            rows.push(read(row));
            Ok(())
        };
        CONTACTS.run(transaction, self.dialect, ids, |_| {}, bind, take).await?;
        let rows = rows.into_iter().map(|contact| contact.map(|contact| (contact.id.0, contact)));
        let mut contacts: FxHashMap<i64, Contact> = rows.collect::<Result<_, _>>()?;
        let mut devices: Vec<(i64, i64, String, String)> = Vec::new();
        let take = |row: &AnyRow| {
            devices.push((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?));
            Ok(())
        };
        DEVICES_OF.run(transaction, self.dialect, ids, |_| {}, bind, take).await?;
        devices.sort_unstable_by_key(|(contact, place, ..)| (*contact, *place));
        for (contact, _, kind, address) in devices {
            let damaged = |_| PeopleError::Damaged { table: "contact_device", column: "kind" };
            let kind = kind.parse().map_err(damaged)?;
            if let Some(contact) = contacts.get_mut(&contact) {
                contact.devices.push(ContactDevice { kind, address });
            }
        }
        let take = |row: &AnyRow| {
            if let Some(contact) = contacts.get_mut(&row.try_get(0)?) {
                contact.fields.insert(row.try_get(1)?, row.try_get(2)?);
            }
            Ok(())
        };
        FIELDS_OF.run(transaction, self.dialect, ids, |_| {}, bind, take).await?;
        Ok(contacts)
    }

    /// Makes a contact of each device, but of those for which another writer makes one meanwhile.
    async fn make_of_devices(
        &self,
        missing: &BTreeMap<&Place, DeviceKind>,
        now: Micros,
    ) -> Result<Vec<(Place, Contact)>, PeopleError> {
        let first = self.take_ids(2 * missing.len()).await?;
        let numbered = missing.iter().zip((first..).step_by(2));
        let rows: Vec<New<'_>> = numbered
            .map(|((place, kind), contact)| New { place, kind: *kind, contact, device: contact + 1 })
            .collect();
        let mut transaction = self.begin().await?;
        let mut made: Vec<&New<'_>> = Vec::with_capacity(rows.len());
        let mut unsure: Vec<&New<'_>> = Vec::new();
        let bind = |new: &New<'_>, values: &mut Values| {
            values.push(new.contact).push(i64::from(new.place.0.0)).push(new.place.1.as_str());
            let email = (new.kind.medium() == Medium::Email).then_some(new.place.1.as_str());
            values.push(None::<&str>).push(None::<&str>).push(None::<&str>).push(email);
            values.push(None::<&str>).push(None::<&str>).push(None::<i64>);
            values.push(1_i64).push(now.0).push(now.0);
        };
        MADE.run_by_steps(&mut transaction, self.dialect, &rows, bind, |step, taken| {
            let which = if taken == step.len() as u64 { &mut made } else { &mut unsure };
            which.extend(step);
        })
        .await?;
        for (account, of_account) in by_account(&unsure) {
            let client_ids: Vec<&str> = of_account.iter().map(|new| new.place.1.as_str()).collect();
            let found = self.by_client_ids(&mut transaction, account, &client_ids).await?;
            made.extend(of_account.into_iter().filter(|new| found.get(&new.place.1) == Some(&new.contact)));
        }
        for (account, of_account) in by_account(&made) {
            // A bound does not hold here: what a device writes is taken, and its contact with it (CON-09).
            quota::count(&mut transaction, account, i64::try_from(of_account.len()).unwrap_or(i64::MAX))
                .await?;
        }
        self.give_devices(&mut transaction, &made).await?;
        transaction.commit().await?;
        Ok(made.into_iter().map(|new| (new.place.clone(), new.contact(now))).collect())
    }

    /// Gives new contacts their devices, which may be there without a contact.
    async fn give_devices(
        &self,
        transaction: &mut Transaction<'static, Any>,
        made: &[&New<'_>],
    ) -> Result<(), PeopleError> {
        let mut devices: FxHashMap<&Place, i64> = FxHashMap::default();
        let mut unsure: Vec<&New<'_>> = Vec::new();
        let bind = |new: &&New<'_>, values: &mut Values| {
            let (account, address) = new.place;
            values.push(new.device).push(i64::from(account.0)).push(address.as_str());
            values.push(new.kind.medium().as_str()).push(1_i64);
        };
        DEVICES
            .run_by_steps(transaction, self.dialect, made, bind, |step, taken| {
                if taken == step.len() as u64 {
                    devices.extend(step.iter().map(|new| (new.place, new.device)));
                } else {
                    unsure.extend(step);
                }
            })
            .await?;
        for (account, of_account) in by_account(&unsure) {
            let mut found: FxHashMap<String, i64> = FxHashMap::default();
            let addresses: Vec<&str> = of_account.iter().map(|new| new.place.1.as_str()).collect();
            let first = |values: &mut Values| {
                values.push(i64::from(account.0));
            };
            let take = |row: &AnyRow| {
                found.insert(row.try_get(1)?, row.try_get(0)?);
                Ok(())
            };
            DEVICE_IDS.run(transaction, self.dialect, &addresses, first, bind_text, take).await?;
            for new in of_account {
                devices.insert(new.place, found.get(&new.place.1).copied().ok_or(PeopleError::Busy)?);
            }
        }
        let held = |new: &&New<'_>| Some((new.contact, *devices.get(new.place)?, new.kind));
        let rows: Vec<(i64, i64, DeviceKind)> = made.iter().filter_map(held).collect();
        CONTACT_DEVICES
            .run(transaction, self.dialect, &rows, |(contact, device, kind), values| {
                values.push(*contact).push(0_i64).push(*device).push(kind.as_str());
            })
            .await?;
        Ok(())
    }
}

impl New<'_> {
    fn contact(&self, now: Micros) -> Contact {
        let (account, address) = self.place.clone();
        let email = (self.kind.medium() == Medium::Email).then(|| address.clone());
        Contact {
            id: ContactId(self.contact),
            account,
            client_id: address.clone(),
            known: Known { email, ..Known::default() },
            devices: vec![ContactDevice { kind: self.kind, address }],
            fields: BTreeMap::new(),
            version: 1,
            created: now,
            updated: now,
        }
    }
}

/// The answers, where there is one to each that can have one.
fn answers(
    asked: &[Asked],
    places: &[Result<Place, Invalid>],
    seen: &Seen,
    made: &FxHashSet<Place>,
) -> Option<Vec<Result<Inbound, Invalid>>> {
    let mut told: FxHashSet<&Place> = FxHashSet::default();
    let mut answers = Vec::with_capacity(asked.len());
    for (one, place) in asked.iter().zip(places) {
        let place = match place {
            Ok(place) => place,
            Err(invalid) => {
                answers.push(Err(invalid.clone()));
                continue;
            }
        };
        let line = seen.places.get(place).and_then(|(_, line)| *line);
        let named = seen.named(one);
        let contact = named.or_else(|| seen.of_place(place))?.clone();
        // New to the first who asks.
        let new = named.is_none() && made.contains(place) && told.insert(place);
        answers.push(Ok(Inbound { contact, new, line }));
    }
    Some(answers)
}

fn by_account<'n, 'p>(rows: &[&'n New<'p>]) -> BTreeMap<AccountId, Vec<&'n New<'p>>> {
    let mut accounts: BTreeMap<AccountId, Vec<&New<'_>>> = BTreeMap::new();
    for new in rows {
        accounts.entry(new.place.0).or_default().push(*new);
    }
    accounts
}

fn bind_text(text: &&str, values: &mut Values) {
    values.push(*text);
}

fn kind_of(medium: Medium) -> DeviceKind {
    match medium {
        Medium::Phone => DeviceKind::Cell,
        Medium::Email => DeviceKind::Email,
    }
}

fn address_of(normal: &Normal, asked: &Asked) -> Result<String, Invalid> {
    let invalid = |problem: NotNormal| Invalid::new("address", problem.to_string());
    match asked.medium {
        Medium::Phone => Ok(normal.number(&asked.address).map_err(invalid)?.to_string()),
        Medium::Email => normal::email(&asked.address).map_err(invalid),
    }
}
