use super::*;
use crate::gsm7::Alphabet;
use crate::octets::OctetSet;
use crate::udh::Ports;

fn counted(text: &str, encoding: Encoding) -> (usize, usize, usize) {
    let Count { segments, units, spare } = count(text, &Plan::new(encoding)).unwrap();
    (segments, units, spare)
}

fn bodies(text: &str, plan: &Plan<'_>) -> Vec<usize> {
    split(text, plan).unwrap().iter().map(|segment| segment.body.len()).collect()
}

#[test]
fn the_known_limits() {
    let x = |count: usize| "x".repeat(count);
    assert_eq!(counted("", Encoding::GSM7), (1, 0, 160));
    assert_eq!(counted(&x(160), Encoding::GSM7), (1, 160, 0));
    assert_eq!(counted(&x(161), Encoding::GSM7), (2, 161, 145));
    assert_eq!(counted(&x(306), Encoding::GSM7), (2, 306, 0));
    assert_eq!(counted(&x(307), Encoding::GSM7), (3, 307, 152));
    assert_eq!(counted(&x(70), Encoding::Ucs2), (1, 140, 0));
    assert_eq!(counted(&x(71), Encoding::Ucs2), (2, 142, 126));
    assert_eq!(counted(&x(134), Encoding::Ucs2), (2, 268, 0));
    assert_eq!(counted(&x(135), Encoding::Ucs2), (3, 270, 132));
    let latin = Encoding::Octets(OctetSet::Latin1);
    assert_eq!(counted(&x(140), latin), (1, 140, 0));
    assert_eq!(counted(&x(268), latin), (2, 268, 0));
    assert_eq!(counted(&x(269), latin), (3, 269, 133));
}

#[test]
fn capacities() {
    let plan = Plan::new(Encoding::GSM7);
    let capacity = |plan: Plan<'_>| (plan.capacity().single, plan.capacity().part);
    assert_eq!(capacity(plan), (160, 153));
    assert_eq!(capacity(Plan { concatenation: Concatenation::Udh16, ..plan }), (160, 152));
    let ucs2 = Plan { concatenation: Concatenation::Udh16, ..Plan::new(Encoding::Ucs2) };
    assert_eq!(capacity(ucs2), (140, 132));
    // One or two national language elements of three octets each.
    let single = Encoding::Gsm7(Alphabet::single(Language::Turkish));
    assert_eq!(capacity(Plan::new(single)), (155, 149));
    let both = Encoding::Gsm7(Alphabet::national(Language::Turkish));
    assert_eq!(capacity(Plan::new(both)), (152, 146));
    // Spanish has no locking table to name.
    let spanish = Encoding::Gsm7(Alphabet::national(Language::Spanish));
    assert_eq!(capacity(Plan::new(spanish)), (155, 149));
    let ports = [Element::Ports(Ports { destination: 2948, source: 9200, wide: true })];
    let push = Plan { elements: &ports, ..Plan::new(Encoding::Octets(OctetSet::Latin1)) };
    assert_eq!(capacity(push), (133, 128));
}

#[test]
fn every_mark() {
    let text = "y".repeat(200);
    let plan = Plan { reference: 0x1234, ..Plan::new(Encoding::GSM7) };
    let parts = split(&text, &plan).unwrap();
    assert_eq!(parts[0].user_data()[..7], *b"\x05\x00\x03\x34\x02\x01y");
    assert_eq!(parts[1].user_data()[..7], *b"\x05\x00\x03\x34\x02\x02y");
    assert_eq!(parts[0].body.len() + parts[1].body.len(), 200);

    let wide = Plan { concatenation: Concatenation::Udh16, ..plan };
    let parts = split(&text, &wide).unwrap();
    assert_eq!(parts[1].user_data()[..8], *b"\x06\x08\x04\x12\x34\x02\x02y");
    assert_eq!(parts[0].body.len(), 152);

    let sar = split(&text, &Plan { concatenation: Concatenation::Sar, ..plan }).unwrap();
    assert!(sar.iter().all(|part| part.header.is_none() && part.field == Field::ShortMessage));
    assert_eq!(sar[1].sar, Some(Sar { reference: 0x1234, total: 2, sequence: 2 }));
    assert_eq!(sar[0].body.len(), 153);

    let payload = split(&text, &Plan { concatenation: Concatenation::Payload, ..plan }).unwrap();
    assert_eq!((payload.len(), payload[0].field), (1, Field::MessagePayload));
    assert_eq!(payload[0].body, text);

    let refused = split(&text, &Plan { concatenation: Concatenation::Refuse, ..plan });
    assert_eq!(refused, Err(SegmentError::TooManyParts { needed: 2, allowed: 1 }));
    let one = split("y", &Plan { concatenation: Concatenation::Refuse, ..plan }).unwrap();
    assert_eq!((one[0].header.clone(), one[0].sar, one[0].field), (None, None, Field::ShortMessage));
}

#[test]
fn packed_parts_fill_the_message() {
    let plan = Plan { packed: Some(Padding::Zero), ..Plan::new(Encoding::GSM7) };
    let parts = split(&"z".repeat(306), &plan).unwrap();
    assert!(parts.iter().all(|part| part.user_data().len() == 140));
    assert_eq!(split(&"z".repeat(160), &plan).unwrap()[0].user_data().len(), 140);
}

#[test]
fn escapes_and_surrogates_are_not_cut() {
    let gsm = Plan::new(Encoding::GSM7);
    let text = format!("{}€{}", "a".repeat(152), "b".repeat(20));
    assert_eq!(bodies(&text, &gsm), [152, 22]);
    // 76 euro signs fill 152 septets, the 77th starts the next part.
    assert_eq!(bodies(&"€".repeat(81), &gsm), [152, 10]);
    let ucs2 = Plan::new(Encoding::Ucs2);
    let text = format!("{}😀{}", "a".repeat(66), "b".repeat(20));
    assert_eq!(bodies(&text, &ucs2), [132, 44]);
    assert_eq!(counted(&text, Encoding::Ucs2).0, 2);
}

#[test]
fn combined_characters_stay_whole_where_they_fit() {
    let plan = Plan::new(Encoding::Ucs2);
    let fits = |cluster: &str| {
        // One unit short of where the cluster would still fit.
        let room = 67 - cluster.encode_utf16().count() + 1;
        let text = format!("{}{cluster}{}", "a".repeat(room), "b".repeat(30));
        let parts = split(&text, &plan).unwrap();
        parts[0].body.len() == 2 * room
    };
    for cluster in
        ["e\u{301}\u{323}", "👍🏽", "👩\u{200D}👩\u{200D}👧", "🇩🇪", "क्षि", "กำ\u{0E48}", "❤\u{FE0F}", "\r\n"]
    {
        assert!(fits(cluster), "{cluster:?}");
    }
    // Flags pair up from the start of the row.
    let flags = format!("{}🇩🇪🇫🇷{}", "a".repeat(61), "b".repeat(10));
    assert_eq!(bodies(&flags, &plan), [2 * 65, 2 * 14]);
    // What fills a part alone is cut, but still never inside a character.
    let heap = format!("a{}", "\u{301}".repeat(100));
    assert_eq!(bodies(&heap, &plan), [134, 68]);
}

#[test]
fn too_many_parts() {
    let text = "x".repeat(153 * 255);
    assert_eq!(split(&text, &Plan::new(Encoding::GSM7)).unwrap().len(), 255);
    let text = text + "x";
    let error = split(&text, &Plan::new(Encoding::GSM7)).unwrap_err();
    assert_eq!(error, SegmentError::TooManyParts { needed: 256, allowed: 255 });
    let three = Plan { max_parts: 2, concatenation: Concatenation::Payload, ..Plan::new(Encoding::GSM7) };
    let error = split(&"x".repeat(307), &three).unwrap_err();
    assert_eq!(error, SegmentError::TooManyParts { needed: 3, allowed: 2 });
}

#[test]
fn octets_are_cut_by_count() {
    let octets = Bytes::from(vec![7u8; 300]);
    let plan = Plan { reference: 9, ..Plan::new(Encoding::GSM7) };
    let parts = split_octets(&octets, &plan).unwrap();
    assert_eq!(parts.iter().map(|part| part.body.len()).collect::<Vec<_>>(), [134, 134, 32]);
    assert_eq!(parts[2].header.as_ref().unwrap().concat().unwrap().sequence, 3);
    assert_eq!(split_octets(&octets.slice(..140), &plan).unwrap().len(), 1);
    assert_eq!(split_octets(&Bytes::new(), &plan).unwrap().len(), 1);
}

#[test]
fn elements_are_on_every_part() {
    let elements = [Element::Ports(Ports { destination: 2948, source: 9200, wide: true })];
    let plan = Plan { elements: &elements, ..Plan::new(Encoding::GSM7) };
    for parts in [
        split_octets(&Bytes::from(vec![1u8; 133]), &plan).unwrap(),
        split_octets(&Bytes::from(vec![1u8; 300]), &plan).unwrap(),
    ] {
        for part in parts {
            let header = part.header.clone().unwrap();
            assert_eq!(header.ports().unwrap().destination, 2948);
            assert!(part.user_data().len() <= 140);
        }
    }
    let filler = [0; 130];
    let full = [Element::Other { identifier: 0x70, data: &filler }];
    let plan = Plan { elements: &full, ..Plan::new(Encoding::Ucs2) };
    assert_eq!(split("x", &plan), Err(SegmentError::Header(UdhError::TooLong { length: 132 })));
}
