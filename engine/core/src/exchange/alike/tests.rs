use super::*;
use crate::address::Address;
use crate::exchange::entry::{Entries, Held};
use crate::id::{MessageId, ShardId};
use crate::message::{Body, Origin, OriginClass, ReceiptRequest, TrafficClass, VisibleId};
use crate::time::Micros;

fn envelope(number: i64) -> Envelope {
    Envelope {
        id: MessageId::new(Micros(number), ShardId::of(b"1"), 0),
        direction: Direction::Mt,
        origin: Origin::Smpp(AccountId(3)),
        origin_class: OriginClass::User,
        class: TrafficClass::Bulk,
        source: Address::new(5, 0, b"BANK").unwrap(),
        destination: Address::new(1, 1, b"491761234567").unwrap(),
        not_before: None,
        expires_at: Micros(99),
        receipt: ReceiptRequest::NONE,
        visible_id: VisibleId::Long,
        part: None,
        octets: 0,
    }
}

fn put(entries: &mut Entries, number: i64, likeness: u32) -> Key {
    let entry = Entry::new(envelope(number), Held::hot(Body::Content(Content::default())), 0);
    entries.insert(Box::new(entry), NonZeroU32::new(likeness).map(Likeness))
}

fn alike(entries: &Entries, likeness: u32) -> Vec<i64> {
    let likeness = Likeness(NonZeroU32::new(likeness).unwrap());
    entries.alike(likeness).map(|(_, entry)| entry.envelope.id.accepted_at().0).collect()
}

#[test]
fn the_latest_comes_first_whoever_goes() {
    for gone in 0..4 {
        let mut entries = Entries::default();
        let keys: Vec<Key> = (0..4).map(|number| put(&mut entries, number, 7)).collect();
        put(&mut entries, 10, 8);
        put(&mut entries, 11, 0);
        assert_eq!(alike(&entries, 7), [3, 2, 1, 0]);
        entries.remove(keys[gone]).unwrap();
        let mut left = vec![3, 2, 1, 0];
        left.retain(|number| *number != gone as i64);
        assert_eq!(alike(&entries, 7), left);
        // Its slot is taken by another.
        put(&mut entries, 5, 7);
        assert_eq!(alike(&entries, 7)[0], 5);
        assert_eq!(alike(&entries, 8), [10]);
    }
}

#[test]
fn nothing_stays_of_what_has_gone() {
    let mut entries = Entries::default();
    let keys: Vec<Key> = (0..1000).map(|number| put(&mut entries, number, 1 + number as u32 % 300)).collect();
    assert_eq!(alike(&entries, 5), [904, 604, 304, 4]);
    for key in keys {
        entries.remove(key).unwrap();
    }
    assert!((1..=300).all(|likeness| alike(&entries, likeness).is_empty()));
}

#[test]
fn what_is_a_part_or_no_accounts_is_like_nothing() {
    let plain = Content::default();
    let of = |change: &dyn Fn(&mut Envelope, &mut Content)| {
        let (mut envelope, mut content) = (envelope(1), plain.clone());
        change(&mut envelope, &mut content);
        Likeness::of(&envelope, &content)
    };
    let usual = of(&|_, _| {});
    assert!(usual.is_some());
    assert_eq!(of(&|envelope, _| envelope.id = MessageId::new(Micros(2), ShardId::of(b"1"), 0)), usual);
    assert_eq!(of(&|_, content| content.esm_class = 0x40), None);
    // user_message_reference, then sar_msg_ref_num.
    assert_eq!(
        of(&|_, content| content.tlvs = (&b"\x02\x04\0\x02\0\x07\x02\x0c\0\x02\0\x01"[..]).into()),
        None
    );
    assert_eq!(of(&|envelope, _| envelope.direction = Direction::Receipt), None);
    assert_eq!(of(&|envelope, _| envelope.origin = Origin::Link(crate::id::LinkId(1))), None);
    let others = [
        of(&|envelope, _| envelope.origin = Origin::Smpp(AccountId(4))),
        of(&|envelope, _| envelope.source = envelope.destination.clone()),
        of(&|envelope, _| envelope.destination = envelope.source.clone()),
        of(&|_, content| content.service_type = (&b"WAP"[..]).into()),
    ];
    assert!(others.iter().all(|other| other.is_some() && *other != usual), "{others:?} {usual:?}");
}
