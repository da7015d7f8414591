//! Peers by their names.

use serde::Serialize;
use signalbox_core::backend::Kind;
use signalbox_core::id::{AccountId, LinkId, PeerId, WebhookId};
use utoipa::ToSchema;

use crate::catalog::Ids;

/// Who takes messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct PeerName {
    /// `link`, `account`, `webhook` or `dialog`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// A peer's name; its number when it is gone from the catalog.
pub(super) fn name(ids: &Ids, peer: PeerId) -> PeerName {
    let (kind, of, number) = match peer {
        PeerId::Link(id) => ("link", Kind::Link, id.0),
        PeerId::Account(id) => ("account", Kind::Account, id.0),
        PeerId::Webhook(id) => ("webhook", Kind::Webhook, id.0),
        PeerId::Dialog => return PeerName { kind: "dialog", name: "dialog".to_owned() },
    };
    PeerName { kind, name: named(ids, of, number) }
}

/// A peer's name, by the text that CDRs have for it: `link:3`, `account:7`, `webhook:1`. A text of another kind is
/// itself the name.
pub(super) fn by_text(ids: &Ids, text: &str) -> PeerName {
    let parts = text.split_once(':').and_then(|(kind, number)| Some((kind, number.parse().ok()?)));
    match parts {
        Some(("link", number)) => name(ids, PeerId::Link(LinkId(number))),
        Some(("account", number)) => name(ids, PeerId::Account(AccountId(number))),
        Some(("webhook", number)) => name(ids, PeerId::Webhook(WebhookId(number))),
        Some(_) | None if text == "dialog" => name(ids, PeerId::Dialog),
        Some(_) | None => PeerName { kind: "", name: text.to_owned() },
    }
}

/// An account's name; its number when it is gone.
pub(super) fn account(ids: &Ids, id: AccountId) -> String {
    named(ids, Kind::Account, id.0)
}

/// A row's name by its number; the number when it is gone.
pub(super) fn named(ids: &Ids, kind: Kind, number: u32) -> String {
    ids.name(kind, number).map_or_else(|| format!("#{number}"), str::to_owned)
}
