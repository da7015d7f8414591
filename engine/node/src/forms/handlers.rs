//! What a browser asks for, and what it sends.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{ConnectInfo, Form, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use signalbox_config::catalog::{EntryChannel, EntryForm, Participation};
use signalbox_participation::{Channel, EntryId, RawEntry, Reply};
use signalbox_text::phone::{Address, Bare, Home, Npi, Ton};

use super::Forms;
use super::page::{self, Typed};
use crate::participation::text_for;

/// Octets of an entry at most: what ten messages hold.
const MOST_ENTRY: usize = 1_600;
/// Octets of a number and of a ticket at most.
const MOST_FIELD: usize = 64;
/// How often a verdict is looked for again before it is left at that.
const LOOKS: u8 = 5;
/// Seconds between two looks.
const PAUSE: u32 = 2;

/// What is sent.
#[derive(Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    ticket: String,
    #[serde(default)]
    number: String,
    #[serde(default)]
    entry: String,
    /// A field that nobody sees; what fills it in is no person.
    #[serde(default)]
    website: String,
}

/// How often a verdict was looked for.
#[derive(Deserialize)]
pub(super) struct Looks {
    #[serde(default)]
    n: u8,
}

fn count(result: &'static str) {
    metrics::counter!("form_requests_total", "result" => result).increment(1);
}

/// A campaign with its form, if it has one.
fn found(forms: &Forms, name: &str) -> Option<(Participation, EntryForm)> {
    let in_force = forms.control.in_force();
    let row = in_force.snapshot.rows.participation.iter().find(|row| row.name.as_str() == name)?;
    let is_public = row.entry_points.iter().any(|point| point.channel == EntryChannel::Web);
    let texts = row.form.clone().filter(|_| is_public)?;
    Some((row.clone(), texts))
}

fn no_page() -> Response {
    count("unknown");
    page::plain(StatusCode::NOT_FOUND, "There is no such page.")
}

pub(super) async fn nothing() -> Response {
    no_page()
}

pub(super) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css"), (CACHE_CONTROL, "max-age=3600")], page::STYLE).into_response()
}

pub(super) async fn show(State(forms): State<Arc<Forms>>, Path(name): Path<String>) -> Response {
    let Some((row, texts)) = found(&forms, &name) else { return no_page() };
    count("shown");
    page::answer(StatusCode::OK, page::form(&row, &texts, &ticket(), Typed::default()))
}

fn ticket() -> String {
    format!("{:032x}", rand::random::<u128>())
}

pub(super) async fn receive(
    State(forms): State<Arc<Forms>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(name): Path<String>,
    headers: HeaderMap,
    sent: Result<Form<Sent>, FormRejection>,
) -> Response {
    let Some((row, texts)) = found(&forms, &name) else { return no_page() };
    let Ok(Form(sent)) = sent else {
        count("malformed");
        return page::plain(StatusCode::BAD_REQUEST, "This is not what the form sends.");
    };
    if is_foreign(&headers) {
        count("foreign");
        return page::plain(StatusCode::FORBIDDEN, "Entries are sent from this site.");
    }
    let now = forms.clock.now();
    let again = |status, wrong: &str| {
        let typed = Typed { number: &sent.number, entry: &sent.entry, wrong: Some(wrong) };
        let ticket = if is_ticket(&sent.ticket) { sent.ticket.clone() } else { ticket() };
        page::answer(status, page::form(&row, &texts, &ticket, typed))
    };
    if !forms.gate.lock().lets(sender(&forms, peer, &headers), now.mono) {
        count("too_often");
        return again(StatusCode::TOO_MANY_REQUESTS, texts.later.as_str());
    }
    let Some(number) = number(&sent.number, &texts) else {
        count("wrong_number");
        return again(StatusCode::UNPROCESSABLE_ENTITY, texts.wrong_number.as_str());
    };
    let entry = sent.entry.trim();
    if entry.is_empty() || entry.len() > MOST_ENTRY {
        count("wrong_entry");
        return again(StatusCode::UNPROCESSABLE_ENTITY, texts.wrong_entry.as_str());
    }
    let id = id_of(&name, &sent.ticket, &number, entry);
    if !sent.website.is_empty() {
        // It is told what everybody is told, and nothing is kept.
        count("trapped");
        return see(&name, id);
    }
    let Some(point) = row.entry_points.iter().find(|point| point.channel == EntryChannel::Web) else {
        return no_page();
    };
    let raw = RawEntry {
        id,
        channel: Channel::Web,
        from: number,
        to: name.clone(),
        text: text_for(point, entry),
        carrier: None,
        received_at: Timestamp::from_microsecond(now.wall.0).unwrap_or_default(),
        smsc_at: None,
    };
    match forms.reception.take(&name, raw).await {
        Ok(()) => {
            count("received");
            see(&name, id)
        }
        Err(_) => {
            count("busy");
            again(StatusCode::SERVICE_UNAVAILABLE, texts.later.as_str())
        }
    }
}

/// Sends the browser on, so that nothing is sent twice when the page is loaded again.
fn see(name: &str, id: EntryId) -> Response {
    let mut response = page::answer(StatusCode::SEE_OTHER, String::new());
    if let Ok(place) = format!("/{name}/{id}").try_into() {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// What became of an entry. Who knows its id, which nobody guesses, is who sent it.
pub(super) async fn tell(
    State(forms): State<Arc<Forms>>,
    Path((name, entry)): Path<(String, String)>,
    looks: Result<Query<Looks>, QueryRejection>,
) -> Response {
    let Some((_, texts)) = found(&forms, &name) else { return no_page() };
    let Some(id) = u128::from_str_radix(&entry, 16).ok().filter(|_| entry.len() == 32) else {
        return no_page();
    };
    let campaigns = forms.campaigns.clone();
    let asked = name.clone();
    let verdict = tokio::task::spawn_blocking(move || campaigns.verdict(&asked, EntryId(id))).await;
    let received = texts.received.as_str();
    match verdict {
        Ok(Ok(Some(verdict))) => {
            let text = match verdict.reply {
                Reply::Text(text) => text,
                Reply::None(_) => received.to_owned(),
            };
            page::answer(StatusCode::OK, page::said(&texts, &text))
        }
        // Without a verdict, or while there is no telling, it is received all the same.
        Ok(Ok(None) | Err(_)) | Err(_) => {
            let looks = looks.map_or(LOOKS, |Query(looks)| looks.n);
            let page = page::said(&texts, received);
            if looks >= LOOKS {
                return page::answer(StatusCode::OK, page);
            }
            page::answer_again(page, PAUSE, &format!("/{name}/{entry}?n={}", looks + 1))
        }
    }
}

/// Whether a browser says that another site sent it (Fetch Metadata).
fn is_foreign(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// Who sends it.
fn sender(forms: &Forms, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let told = || {
        headers
            .get_all("x-forwarded-for")
            .iter()
            .next_back()?
            .to_str()
            .ok()?
            .rsplit(',')
            .next()?
            .trim()
            .parse()
            .ok()
    };
    if forms.behind_proxy { told().unwrap_or(peer.ip()) } else { peer.ip() }
}

fn is_ticket(ticket: &str) -> bool {
    !ticket.is_empty()
        && ticket.len() <= MOST_FIELD
        && ticket.bytes().all(|octet| octet.is_ascii_alphanumeric())
}

/// A number with its country code; `None` of what is none.
fn number(written: &str, texts: &EntryForm) -> Option<String> {
    if written.len() > MOST_FIELD {
        return None;
    }
    let region = texts.country.and_then(|country| country.as_str().parse().ok());
    let read = |bare| {
        let home = Home { region, bare, ..Home::default() };
        Address::read(written.as_bytes(), Ton::Unknown, Npi::Unknown, &home).ok()
    };
    // As it is dialled there, else with its country code.
    let national = region.and_then(|_| read(Bare::National));
    match national.or_else(|| read(Bare::International))? {
        Address::Number(number) => Some(format!("+{}", number.to_ascii().as_str())),
        Address::ShortCode(_) | Address::Alphanumeric(_) | Address::Other(_) => None,
    }
}

/// The same form sent twice is the same entry; nobody has the id of another's.
fn id_of(campaign: &str, ticket: &str, number: &str, entry: &str) -> EntryId {
    let mut hash = Sha256::new();
    for part in ["form", campaign, ticket, number, entry] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    EntryId(hash.finalize().iter().take(16).fold(0, |id, octet| id << 8 | u128::from(*octet)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(country: &str) -> EntryForm {
        let row = format!(
            r#"{{"name": "song", "account": "demo", "kind": "vote", "form": {{"title": "Song"{country}}}}}"#
        );
        let row = <Participation as signalbox_config::catalog::Row>::from_request(&row, None).unwrap();
        row.form.unwrap()
    }

    #[test]
    fn a_number_is_one_however_it_is_written() {
        let british = texts(r#", "country": "GB""#);
        for written in ["07400 123456", "447400123456", "+44 7400 123456", "0044 (7400) 123-456"] {
            assert_eq!(number(written, &british).as_deref(), Some("+447400123456"), "{written}");
        }
        assert_eq!(number("447400123456", &texts("")).as_deref(), Some("+447400123456"));
        for wrong in ["", "hello", "60777", &"4".repeat(65)] {
            assert_eq!(number(wrong, &british), None, "{wrong}");
        }
    }

    #[test]
    fn the_same_form_is_the_same_entry_and_no_other_is() {
        let id = id_of("song", "t", "+44", "7");
        assert_eq!(id, id_of("song", "t", "+44", "7"));
        for other in [
            ("songt", "", "+44", "7"),
            ("song", "u", "+44", "7"),
            ("song", "t", "+447", ""),
            ("song", "t", "+44", "8"),
        ] {
            assert_ne!(id, id_of(other.0, other.1, other.2, other.3));
        }
    }

    #[test]
    fn what_another_site_sends_is_told_by_the_browser() {
        let foreign = |site: &str| {
            is_foreign(
                &[("sec-fetch-site", site)]
                    .into_iter()
                    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                    .collect(),
            )
        };
        assert_eq!(
            ["cross-site", "same-site", "same-origin", "none"].map(foreign),
            [true, true, false, false]
        );
        assert!(!is_foreign(&HeaderMap::new()));
    }
}
