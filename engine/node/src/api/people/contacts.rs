//! Contacts with their devices and fields.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use signalbox_config::catalog::Right;
use signalbox_core::address::{Address, ton};
use signalbox_core::id::AccountId;
use signalbox_people::{Contact, ContactDevice, ContactId, Device, DeviceKind, Draft, Fact, Known};
use utoipa::ToSchema;

use super::{AccountPage, id_of, tagged, version};
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::extract::{Condition, JsonBody, PathName, QueryOf, micros, timestamp};
use crate::api::operations::{Operation, RequestHeader, operation};
use crate::api::page::Page;
use crate::api::problem::{Problem, ProblemKind};

/// Contacts that share a device, of which an answer tells.
const SHARED: usize = 100;

/// Which contacts.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ContactQuery {
    /// The account; that of the token where it has one.
    account: Option<String>,
    /// The one with this client id.
    client_id: Option<String>,
    /// Those that have this number or e-mail address; `+` is written `%2B`.
    device: Option<String>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
    /// Items in the page at most; bounded by `api.max_page`.
    limit: Option<usize>,
}

/// A device of a contact.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeviceOfContact {
    /// `cell`, `home`, `work`, `email` or `other`.
    kind: String,
    /// An international number with `+`, or an e-mail address.
    address: String,
}

/// A contact as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ContactBody {
    /// The account; that of the token where it has one. It is not changed later.
    account: Option<String>,
    /// The account's own name for the contact; the address of its first device where there is none.
    client_id: Option<String>,
    /// First name.
    first_name: Option<String>,
    /// Last name.
    last_name: Option<String>,
    /// Company.
    company: Option<String>,
    /// E-mail address; it is a device too.
    email: Option<String>,
    /// Zone of the tz database.
    zone: Option<String>,
    /// Language tag.
    language: Option<String>,
    /// When consent was given.
    #[schema(value_type = Option<String>, format = DateTime)]
    consent: Option<jiff::Timestamp>,
    /// Devices in the order in which they are attempted.
    #[serde(default)]
    devices: Vec<DeviceOfContact>,
    /// Named fields.
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

/// A contact.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ContactInfo {
    /// Its id.
    id: String,
    /// The account.
    account: String,
    /// The account's own name for it.
    client_id: String,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    /// Company.
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Zone of the tz database.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    /// Language tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// When consent was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    consent: Option<jiff::Timestamp>,
    /// Devices in the order in which they are attempted; left out in pages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<DeviceOfContact>,
    /// Named fields; left out in pages.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, String>,
    /// When it was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    created: Option<jiff::Timestamp>,
    /// When it was changed last.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated: Option<jiff::Timestamp>,
}

/// What an erasure took away.
#[derive(Debug, Serialize, ToSchema)]
struct ErasureInfo {
    /// Devices; those that another contact has stay.
    devices: u64,
    /// Lines of history whose words were erased.
    history: u64,
    /// Entries of the consent ledger that have a pseudonym now.
    consents: u64,
    /// Suppressions that hold for a pseudonym now.
    suppressions: u64,
}

/// Something that was looked up.
#[derive(Debug, Serialize, ToSchema)]
struct FactInfo {
    /// What.
    value: String,
    /// As of when.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<jiff::Timestamp>,
    /// Which look-up said so.
    source: String,
}

/// A device of an account.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceInfo {
    /// An international number with `+`, or an e-mail address.
    address: String,
    /// `phone` or `email`.
    medium: &'static str,
    /// Wireless or landline, where it was looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    line_type: Option<FactInfo>,
    /// The carrier, where it was looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<FactInfo>,
}

pub(super) fn operations() -> Vec<Operation> {
    let changes = [ProblemKind::NotFound, ProblemKind::VersionMismatch];
    vec![
        operation(
            Method::GET,
            "/v1/contacts",
            "contact.list",
            "Contacts of an account by client id; of one client id or device, whole",
            list,
        )
        .right(Right::ContactsRead)
        .query::<ContactQuery>()
        .page::<ContactInfo>("contacts")
        .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
        operation(Method::POST, "/v1/contacts", "contact.create", "Adds a contact", create)
            .right(Right::ContactsWrite)
            .once()
            .body::<ContactBody>()
            .answer::<ContactInfo>(201, "the contact")
            .with("ETag")
            .with("Location")
            .problems(&[ProblemKind::AlreadyExists, ProblemKind::NotFound]),
        operation(Method::GET, "/v1/contacts/{id}", "contact.get", "A contact with devices and fields", get)
            .right(Right::ContactsRead)
            .answer::<ContactInfo>(200, "the contact")
            .with("ETag")
            .problems(&[ProblemKind::NotFound]),
        operation(Method::PUT, "/v1/contacts/{id}", "contact.put", "Writes a contact anew", put)
            .right(Right::ContactsWrite)
            .header(RequestHeader::IfMatch)
            .body::<ContactBody>()
            .answer::<ContactInfo>(200, "the contact as it is now")
            .with("ETag")
            .problems(&changes)
            .problems(&[ProblemKind::AlreadyExists]),
        operation(
            Method::DELETE,
            "/v1/contacts/{id}",
            "contact.delete",
            "Removes a contact; what is known of its consent stays",
            delete,
        )
        .right(Right::ContactsWrite)
        .header(RequestHeader::IfMatch)
        .nothing("it is removed")
        .problems(&changes),
        operation(
            Method::POST,
            "/v1/contacts/{id}/erasure",
            "contact.erase",
            "Erases a person for good: what identifies them and what they said; their opt-outs hold under a pseudonym",
            erase,
        )
        .right(Right::ContactsErase)
        .header(RequestHeader::IfMatch)
        .answer::<ErasureInfo>(200, "what was erased")
        .problems(&changes),
        operation(Method::GET, "/v1/devices", "device.list", "Devices of an account by address", devices)
            .right(Right::ContactsRead)
            .query::<AccountPage>()
            .page::<DeviceInfo>("devices")
            .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
    ]
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<ContactQuery>,
) -> Result<Json<Page<ContactInfo>>, Problem> {
    let account = api.account_asked(&caller, query.account.as_deref())?;
    let limit = api.page_limit(query.limit)?;
    let (scope, people) = (api.scope(&caller), api.people());
    let shown = |contacts: Vec<Contact>| contacts.into_iter().map(|one| show(&api, one)).collect();
    match (&query.client_id, &query.device) {
        (None, None) => {
            let found = people.contacts(&scope, account, query.cursor.as_deref(), limit + 1).await?;
            Ok(Json(Page::cut(shown(found), limit, |last| last.client_id.clone())))
        }
        (Some(client_id), None) => {
            let found = people.contact_by_client_id(&scope, account, client_id).await?;
            Ok(Json(Page::whole(shown(found.into_iter().collect()))))
        }
        (None, Some(device)) => {
            let found = people.contacts_of_device(&scope, account, device, SHARED).await?;
            Ok(Json(Page::whole(shown(found))))
        }
        (Some(_), Some(_)) => Err(Problem::field("device", "is asked for together with client_id")),
    }
}

async fn create(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<ContactBody>,
) -> Result<Response, Problem> {
    let account = api.account_asked(&caller, body.account.as_deref())?;
    let draft = draft(body)?;
    let most = api.contacts_of(account);
    let made =
        api.people().create_contact_within(&api.scope(&caller), account, draft, most, api.now().wall).await?;
    // Which id it is, is known only now.
    api.record_contact(&caller, "contact.create", account, made.id).await?;
    let place = format!("/v1/contacts/{}", made.id);
    Ok(tagged(StatusCode::CREATED, made.version, Some(place), show(&api, made)))
}

async fn get(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
) -> Result<Response, Problem> {
    let id: ContactId = id_of("contact", &written)?;
    let found = api.people().contact(&api.scope(&caller), id).await?;
    let contact = found.ok_or_else(|| Problem::no("contact", &written))?;
    Ok(tagged(StatusCode::OK, contact.version, None, show(&api, contact)))
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    condition: Condition,
    JsonBody(body): JsonBody<ContactBody>,
) -> Result<Response, Problem> {
    let id: ContactId = id_of("contact", &written)?;
    let (scope, version) = (api.scope(&caller), version(condition)?);
    if let Some(name) = &body.account {
        let held = api.people().contact(&scope, id).await?.map(|contact| contact.account);
        let held = held.ok_or_else(|| Problem::no("contact", &written))?;
        if api.account_called(held) != *name {
            return Err(Problem::field("account", "is another one: a contact stays with its account"));
        }
    }
    let draft = draft(body)?;
    api.record_change(&caller, "contact.put", id).await?;
    let contact = api.people().update_contact(&scope, id, version, draft, api.now().wall).await?;
    Ok(tagged(StatusCode::OK, contact.version, None, show(&api, contact)))
}

async fn delete(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    condition: Condition,
) -> Result<Response, Problem> {
    let id: ContactId = id_of("contact", &written)?;
    api.record_change(&caller, "contact.delete", id).await?;
    api.people().delete_contact(&api.scope(&caller), id, version(condition)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn erase(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    condition: Condition,
) -> Result<Json<ErasureInfo>, Problem> {
    let id: ContactId = id_of("contact", &written)?;
    api.record_change(&caller, "contact.erase", id).await?;
    let (scope, version) = (api.scope(&caller), version(condition)?);
    let held = api.people().contact(&scope, id).await?.ok_or_else(|| Problem::no("contact", &written))?;
    if version.is_none_or(|version| version == held.version) {
        // First what the dialog server knows: when the contact is gone nobody can ask for that any more.
        api.forget_devices(held.account, &api.people().own_devices(&scope, id).await?).await?;
    }
    let erased = api.people().erase_contact(&scope, id, version).await?;
    Ok(Json(ErasureInfo {
        devices: erased.devices,
        history: erased.history,
        consents: erased.consents,
        suppressions: erased.suppressions,
    }))
}

impl Api {
    /// Has the dialog server forget devices as far as an account knows them; waits until that is durable.
    async fn forget_devices(&self, account: AccountId, devices: &[String]) -> Result<(), Problem> {
        // Who writes e-mail is in no conversation.
        for device in devices.iter().filter_map(|device| device.strip_prefix('+')) {
            let Ok(address) = Address::new(ton::INTERNATIONAL, 1, device.as_bytes()) else { continue };
            self.starts().erase(self.gateway().spine(), account.0, address).await?;
        }
        Ok(())
    }

    /// Puts a change of a contact into the trail: its account and its id, nothing of the person.
    async fn record_change(
        &self,
        caller: &Caller,
        action: &'static str,
        id: ContactId,
    ) -> Result<(), Problem> {
        let held = self.people().contact(&self.scope(caller), id).await?;
        let account = held.ok_or_else(|| Problem::no("contact", &id.to_string()))?.account;
        self.record_contact(caller, action, account, id).await
    }

    async fn record_contact(
        &self,
        caller: &Caller,
        action: &'static str,
        account: AccountId,
        id: ContactId,
    ) -> Result<(), Problem> {
        let detail = json!({ "account": self.account_called(account), "contact": id.to_string() });
        self.record(caller, action, detail).await
    }
}

async fn devices(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<AccountPage>,
) -> Result<Json<Page<DeviceInfo>>, Problem> {
    let account = api.account_asked(&caller, query.account.as_deref())?;
    let limit = api.page_limit(query.limit)?;
    let found =
        api.people().devices(&api.scope(&caller), account, query.cursor.as_deref(), limit + 1).await?;
    let shown = found.into_iter().map(show_device).collect();
    Ok(Json(Page::cut(shown, limit, |last: &DeviceInfo| last.address.clone())))
}

fn draft(body: ContactBody) -> Result<Draft, Problem> {
    let mut devices = Vec::with_capacity(body.devices.len());
    for (index, device) in body.devices.into_iter().enumerate() {
        let odd =
            |_| Problem::field(format!("devices[{index}].kind"), "is none of cell, home, work, email, other");
        let kind: DeviceKind = device.kind.parse().map_err(odd)?;
        devices.push(ContactDevice { kind, address: device.address });
    }
    Ok(Draft {
        client_id: body.client_id,
        known: Known {
            first_name: body.first_name,
            last_name: body.last_name,
            company: body.company,
            email: body.email,
            zone: body.zone,
            language: body.language,
            consent: body.consent.map(micros),
        },
        devices,
        fields: body.fields,
    })
}

/// A contact as an answer tells of it.
pub(super) fn show(api: &Api, contact: Contact) -> ContactInfo {
    let known = contact.known;
    let device = |device: ContactDevice| DeviceOfContact {
        kind: device.kind.as_str().to_owned(),
        address: device.address,
    };
    ContactInfo {
        id: contact.id.to_string(),
        account: api.account_called(contact.account),
        client_id: contact.client_id,
        first_name: known.first_name,
        last_name: known.last_name,
        company: known.company,
        email: known.email,
        zone: known.zone,
        language: known.language,
        consent: known.consent.and_then(timestamp),
        devices: contact.devices.into_iter().map(device).collect(),
        fields: contact.fields,
        created: timestamp(contact.created),
        updated: timestamp(contact.updated),
    }
}

impl ContactInfo {
    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

fn show_device(device: Device) -> DeviceInfo {
    fn fact<T: std::fmt::Display>(fact: Fact<T>) -> FactInfo {
        FactInfo { value: fact.value.to_string(), at: timestamp(fact.at), source: fact.source }
    }
    DeviceInfo {
        address: device.address,
        medium: device.medium.as_str(),
        line_type: device.line_type.map(fact),
        carrier: device.carrier.map(fact),
    }
}
