//! Parts of long messages that wait for each other, to leave as one.
//!
//! Only parts that the exchange cut are joined: they have one id, one outcome and the same times, so that they are
//! released one after the other and, when they are refused, tried again together. A part whose siblings do not come
//! goes back before its permit runs out.

use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_config::catalog::HttpParts;
use signalbox_core::gate::Released;
use signalbox_core::id::{MessageId, PermitId};
use signalbox_core::message::Body;
use signalbox_core::time::Mono;
use signalbox_text::udh::peek_concat;

use crate::links::settings::LinkSettings;

/// What is left of a permit when its message goes back.
const LEFT: Duration = Duration::from_secs(1);
/// esm_class: a user data header is there (SMPP 3.4 cl. 5.2.12).
const UDHI: u8 = 0x40;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Gathering(FxHashMap<MessageId, Waiting>);

#[derive(Debug)]
struct Waiting {
    until: Mono,
    /// By their numbers, from 1.
    parts: Vec<Option<Released>>,
}

/// The number of a part, from 1, and how many there are, if it is one to be joined on this link.
fn place(released: &Released, link: &LinkSettings) -> Option<(usize, usize)> {
    let joins = link.http.as_ref().is_some_and(|http| http.row.parts == HttpParts::Whole);
    let Body::Content(content) = released.body() else { return None };
    if !joins || released.id() == released.id().whole() || content.esm_class & UDHI == 0 {
        return None;
    }
    let concat = peek_concat(&content.payload).ok()??;
    let (number, total) = (usize::from(concat.sequence), usize::from(concat.total));
    // More would fill the window with parts that wait for those behind it.
    let fits = total >= 2 && total * 2 <= link.window as usize;
    (fits && (1..=total).contains(&number)).then_some((number, total))
}

impl Gathering {
    /// Takes a message; gives back what can leave now, a message that is no part alone.
    pub(super) fn take(&mut self, released: Released, link: &LinkSettings) -> Option<Vec<Released>> {
        let Some((number, total)) = place(&released, link) else { return Some(vec![released]) };
        let whole = released.id().whole();
        let until = Mono(released.deadline().0.saturating_sub(LEFT.as_nanos() as u64));
        let waiting = self
            .0
            .entry(whole)
            .or_insert_with(|| Waiting { until, parts: (0..total).map(|_| None).collect() });
        waiting.until = waiting.until.min(until);
        // Another one of this number would be of another message with the same id, which there is not.
        if let Some(place) = waiting.parts.get_mut(number - 1) {
            *place = Some(released);
        }
        if waiting.parts.iter().any(Option::is_none) {
            return None;
        }
        self.0.remove(&whole).map(|waiting| waiting.parts.into_iter().flatten().collect())
    }

    /// The permits of parts that have waited long enough.
    pub(super) fn overdue(&mut self, now: Mono) -> Vec<PermitId> {
        let mut overdue = Vec::new();
        self.0.retain(|_, waiting| {
            let stays = waiting.until > now;
            if !stays {
                overdue.extend(waiting.parts.iter().flatten().map(|part| part.permit()));
            }
            stays
        });
        overdue
    }

    /// The permits of all parts that wait.
    pub(super) fn drain(&mut self) -> Vec<PermitId> {
        self.0.drain().flat_map(|(_, waiting)| waiting.parts).flatten().map(|part| part.permit()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bytes::Bytes;
    use signalbox_config::Catalog;
    use signalbox_config::value::SecretPlaces;
    use signalbox_core::address::Address;
    use signalbox_core::gate::{Attempt, Case, ConsentVerdict, ContractVerdict, CounterVerdict, Gate};
    use signalbox_core::id::{LinkId, PeerId, ShardId};
    use signalbox_core::message::{Content, Direction, OriginClass, ReceiptRequest, TrafficClass};
    use signalbox_core::time::Micros;

    use super::*;

    fn link(lines: &str) -> LinkSettings {
        let text = format!(
            "[[link]]\nname = 'l'\nprotocol = 'http'\n{lines}\nhttp = {{ url = 'http://h/', parts = 'whole' }}\n"
        );
        let catalog = Catalog::parse("c", &text).unwrap();
        LinkSettings::of_row(LinkId(1), &catalog.link[0], SecretPlaces { directory: Path::new("/") }).unwrap()
    }

    /// The part `number` of `total` of message `message`, with the permit `number`.
    fn part(message: u64, number: u8, total: u8, deadline: Mono) -> Released {
        let payload = Bytes::copy_from_slice(&[5, 0, 3, 9, total, number, b'x']);
        let now = Mono(0);
        let case = Case {
            origin_class: OriginClass::User,
            direction: Direction::Mt,
            contract: ContractVerdict::NoContract,
            consent: ConsentVerdict::NotAsked,
            counters: CounterVerdict::Pass,
            rate: None,
            now,
            wall: Micros(1),
        };
        let attempt = Attempt {
            permit: PermitId(number.into()),
            deadline,
            id: MessageId::new(Micros(1), ShardId::of(b"1"), message << 8).part(number),
            attempt: 1,
            peer: PeerId::Link(LinkId(1)),
            source: Address::default(),
            destination: Address::default(),
            class: TrafficClass::Bulk,
            expires_at: Micros(2),
            receipt: ReceiptRequest::NONE,
            ingress: None,
            carrier: None,
            body: Body::Content(Content { esm_class: UDHI, payload, ..Content::default() }),
            joined: None,
        };
        Gate.release(&case, attempt).unwrap()
    }

    const LATE: Mono = Mono(60_000_000_000);

    fn permits(parts: Option<Vec<Released>>) -> Vec<u64> {
        parts.unwrap_or_default().iter().map(|part| part.permit().0).collect()
    }

    #[test]
    fn the_last_part_lets_all_of_its_message_go_in_their_order() {
        let (link, mut gathering) = (link(""), Gathering::default());
        for (message, number) in [(1, 3), (2, 1), (1, 1)] {
            assert!(gathering.take(part(message, number, 3, LATE), &link).is_none());
        }
        assert_eq!(permits(gathering.take(part(1, 2, 3, LATE), &link)), [1, 2, 3]);
        assert_eq!(gathering.drain(), [PermitId(1)]);
        assert!(gathering.drain().is_empty());
    }

    #[test]
    fn a_part_that_waits_in_vain_goes_back_before_its_permit_runs_out() {
        let (link, mut gathering) = (link(""), Gathering::default());
        gathering.take(part(1, 1, 3, LATE), &link);
        gathering.take(part(1, 2, 3, Mono(50_000_000_000)), &link);
        assert!(gathering.overdue(Mono(48_999_999_999)).is_empty());
        assert_eq!(gathering.overdue(Mono(49_000_000_000)), [PermitId(1), PermitId(2)]);
        assert!(gathering.drain().is_empty());
    }

    #[test]
    fn what_would_fill_the_window_and_what_is_no_part_of_ours_goes_alone() {
        let mut gathering = Gathering::default();
        assert_eq!(permits(gathering.take(part(1, 2, 3, LATE), &link("window = 5"))), [2]);
        // A part that its origin cut has an id of its own.
        assert_eq!(permits(gathering.take(part(1, 0, 3, LATE), &link(""))), [0]);
        let mut apart = link("");
        apart.http = None;
        assert_eq!(permits(gathering.take(part(1, 2, 3, LATE), &apart)), [2]);
    }
}
