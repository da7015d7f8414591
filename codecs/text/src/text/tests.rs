use super::*;
use bytes::Bytes;

use crate::octets::OctetSet;

fn text(text: &str) -> Content {
    Content::Text { text: text.to_owned(), defects: 0 }
}

fn part(sequence: u8, data_coding: u8, header: Option<Udh>, body: &[u8]) -> Part {
    Part { token: 0, sequence, data_coding, header, body: Bytes::copy_from_slice(body) }
}

fn parts_of(outgoing: &Outgoing) -> Vec<Part> {
    (1..)
        .zip(&outgoing.segments)
        .map(|(sequence, segment)| {
            part(sequence, outgoing.data_coding, segment.header.clone(), &segment.body)
        })
        .collect()
}

#[test]
fn a_peer_that_keeps_to_the_standard() {
    let peer = Profile::default();
    assert_eq!(peer.decode(0, None, b"\x00 5 \x1B\x65"), text("@ 5 €"));
    assert_eq!(peer.decode(3, None, b"Gr\xFC\xDFe"), text("Grüße"));
    assert_eq!(peer.decode(1, None, b"plain"), text("plain"));
    assert_eq!(peer.decode(8, None, b"\x04\x1F\xD8\x3D\xDE\x00"), text("П😀"));
    assert_eq!(peer.decode(6, None, b"\xBF\xE0\xD8"), text("При"));
    assert_eq!(peer.decode(7, None, b"\xF9\xEC\xE5\xED"), text("שלום"));
    assert_eq!(peer.decode(4, None, b"\x01"), Content::Binary { charset: Charset::Binary });
    assert_eq!(peer.decode(5, None, b"\x30"), Content::Binary { charset: Charset::Jis });
    assert_eq!(peer.decode(0x20, None, b"\x30"), Content::Binary { charset: Charset::Gsm7 });
    assert_eq!(peer.decode(0xF0, None, b"flash"), text("flash"));
}

#[test]
fn defects_are_counted() {
    let peer = Profile::default();
    let read = |data_coding, body: &[u8]| match peer.decode(data_coding, None, body) {
        Content::Text { text, defects } => (text, defects),
        Content::Binary { charset } => panic!("{charset:?}"),
    };
    assert_eq!(read(0, b"caf\xE9"), ("caf\u{FFFD}".to_owned(), 1));
    assert_eq!(read(1, b"caf\xE9"), ("caf\u{FFFD}".to_owned(), 1));
    assert_eq!(read(8, b"\x00a\xD8\x3D\x00b\x00"), ("a\u{FFFD}b\u{FFFD}".to_owned(), 2));
}

#[test]
fn peers_with_habits() {
    let latin = Profile { default: Encoding::Octets(OctetSet::Latin1), ..Profile::default() };
    assert_eq!(latin.decode(0, None, b"@ caf\xE9"), text("@ café"));
    let packed = Profile { packed: Some(PackedFill::Zero), ..Profile::default() };
    assert_eq!(packed.decode(0, None, b"\xE8\x32\x9B\xFD\x46\x97\xD9\xEC\x37"), text("hellohello"));
    let little = Profile { byte_order: ByteOrder::MarkOrLittle, ..Profile::default() };
    assert_eq!(little.decode(8, None, b"a\0b\0"), text("ab"));
    assert_eq!(little.decode(8, None, b"\xFE\xFF\0a"), text("a"));
    assert_eq!(Profile::default().decode(8, None, b"\xFF\xFEa\0"), text("a"));
    let gsm = Profile { scheme: Scheme::Gsm, ..Profile::default() };
    assert_eq!(gsm.decode(1, None, b"\x00"), text("@"));
    let mixed = Profile { high_octets: HighOctets::Latin1, ..Profile::default() };
    let read = mixed.decode(0, None, b"caf\xE9");
    assert_eq!(read, Content::Text { text: "café".to_owned(), defects: 1 });
}

#[test]
fn headers_select_the_tables() {
    let peer = Profile::default();
    let (header, body) = Udh::split(&Bytes::from_static(b"\x03\x25\x01\x06\x2F\x42\x4C")).unwrap();
    assert_eq!(peer.decode(0, Some(&header), &body), text("नमस"));
}

#[test]
fn what_a_sender_cut_is_whole_again() {
    let peer = Profile::default();
    let cut = [part(1, 0, None, b"5 \x1B"), part(2, 0, None, b"\x65!")];
    assert_eq!(peer.decode_parts(&cut), text("5 €!"));
    let cut = [part(1, 8, None, b"\0a\xD8\x3D"), part(2, 8, None, b"\xDE\x00")];
    assert_eq!(peer.decode_parts(&cut), text("a😀"));
    // An odd octet spoils its own part only.
    let odd = [part(1, 8, None, b"\0a\0"), part(2, 8, None, b"\0b")];
    assert_eq!(peer.decode_parts(&odd), Content::Text { text: "a\u{FFFD}b".to_owned(), defects: 1 });
    let mixed = [part(1, 0, None, b"ab"), part(2, 8, None, b"\x04\x1F")];
    assert_eq!(peer.decode_parts(&mixed), text("abП"));
    let binary = [part(1, 0, None, b"ab"), part(2, 4, None, b"\x04\x1F")];
    assert_eq!(peer.decode_parts(&binary), Content::Binary { charset: Charset::Binary });
}

#[test]
fn encoded_and_read_again() {
    let long = "Ağaç €{} ".repeat(40);
    let wide = "Привет 😀 ".repeat(40);
    let defaults = [Encoding::GSM7, Encoding::Octets(OctetSet::Latin1), Encoding::Ucs2];
    for default in defaults {
        for packed in [None, Some(PackedFill::Zero), Some(PackedFill::CarriageReturn)] {
            for concatenation in [Concatenation::Udh8, Concatenation::Udh16, Concatenation::Sar] {
                let languages = vec![Language::Turkish];
                let peer = Profile { default, packed, concatenation, languages, ..Profile::default() };
                for sent in ["", "hello", "Grüße", long.as_str(), wide.as_str()] {
                    let outgoing = peer.encode(sent, None, 7).unwrap();
                    assert_eq!(outgoing.count.segments, outgoing.segments.len());
                    let read = peer.decode_parts(&parts_of(&outgoing));
                    assert_eq!(read, text(sent), "{default:?} {packed:?} {concatenation:?}");
                }
            }
        }
    }
}

#[test]
fn data_coding_of_what_is_sent() {
    let peer = Profile::default();
    let sent = |peer: &Profile, text, class| peer.encode(text, class, 0).map(|sent| sent.data_coding);
    assert_eq!(sent(&peer, "hello", None), Ok(0x00));
    assert_eq!(sent(&peer, "hello", Some(MessageClass::Flash)), Ok(0xF0));
    assert_eq!(sent(&peer, "Привет", None), Ok(0x08));
    assert_eq!(sent(&peer, "Привет", Some(MessageClass::Flash)), Ok(0x18));
    let latin = Profile { default: Encoding::Octets(OctetSet::Latin1), ..Profile::default() };
    assert_eq!(sent(&latin, "ça", None), Ok(0x00));
    // A class can be said of GSM 7-bit and UCS-2 only.
    assert_eq!(sent(&latin, "ä", Some(MessageClass::Flash)), Ok(0xF0));
    assert_eq!(latin.decode(0xF0, None, b"\x7B"), text("ä"));
    assert_eq!(sent(&latin, "ça", Some(MessageClass::Flash)), Ok(0x18));
    let ucs2 = Profile { default: Encoding::Ucs2, ..Profile::default() };
    assert_eq!(sent(&ucs2, "a", None), Ok(0x00));
    assert_eq!(sent(&ucs2, "a", Some(MessageClass::Sim)), Ok(0x1A));
    let gsm = Profile { scheme: Scheme::Gsm, default: Encoding::Octets(OctetSet::Latin1), ..latin };
    assert_eq!(sent(&gsm, "ça", None), Ok(0x00));
}

#[test]
fn text_that_does_not_fit() {
    let narrow = Profile { ucs2: false, ..Profile::default() };
    let error = narrow.encode("a😀", None, 0).unwrap_err();
    assert_eq!(error, TextError::Unrepresentable(Unrepresentable { character: '😀', offset: 1 }));
    let loose = Profile { unknown: Unknown::Transliterate, ..narrow };
    let sent = loose.encode("“Łódź” 😀", None, 0).unwrap();
    assert_eq!((sent.changed, &sent.segments[0].body[..]), (6, &b"\"Lodz\" ?"[..]));
    let short = Profile { concatenation: Concatenation::Refuse, ..Profile::default() };
    let error = short.encode(&"x".repeat(161), None, 0).unwrap_err();
    assert_eq!(error, TextError::Segments(SegmentError::TooManyParts { needed: 2, allowed: 1 }));
}

#[test]
fn profiles_are_read_from_data() {
    let json = r#"{"default":{"octets":"latin1"},"packed":"zero","languages":["turkish"]}"#;
    let peer: Profile = serde_json::from_str(json).unwrap();
    assert_eq!(peer.default, Encoding::Octets(OctetSet::Latin1));
    assert_eq!((peer.packed, peer.languages), (Some(PackedFill::Zero), vec![Language::Turkish]));
    assert!(serde_json::from_str::<Profile>(r#"{"langauges":[]}"#).is_err());
}
