use super::*;
use crate::gsm7::Language;

fn split(octets: &'static [u8]) -> Result<(Udh, Bytes), UdhError> {
    Udh::split(&Bytes::from_static(octets))
}

#[test]
fn concatenation_and_ports() {
    let (header, body) = split(b"\x05\x00\x03\xCC\x02\x01text").unwrap();
    assert_eq!(body, "text");
    assert_eq!(header.concat(), Some(Concat { reference: 0xCC, total: 2, sequence: 1, wide: false }));
    let (header, body) = split(b"\x0C\x08\x04\x12\x34\x03\x02\x05\x04\x0B\x84\x23\xF0\xDC").unwrap();
    assert_eq!(body, b"\xDC"[..]);
    assert_eq!(header.concat(), Some(Concat { reference: 0x1234, total: 3, sequence: 2, wide: true }));
    assert_eq!(header.ports(), Some(Ports { destination: 2948, source: 9200, wide: true }));
    let (header, _) = split(b"\x04\x04\x02\xF5\x02").unwrap();
    assert_eq!(header.ports(), Some(Ports { destination: 0xF5, source: 2, wide: false }));
}

#[test]
fn languages_select_an_alphabet() {
    let (header, _) = split(b"\x06\x24\x01\x01\x25\x01\x03").unwrap();
    assert_eq!(header.alphabet(), Alphabet { locking: Language::Portuguese, single: Language::Turkish });
    // A reserved language is to be ignored, but kept.
    let (header, _) = split(b"\x03\x24\x01\x0E").unwrap();
    assert_eq!(header.alphabet(), Alphabet::DEFAULT);
    let kept: Vec<_> = header.elements().collect();
    assert_eq!(kept, [Element::Other { identifier: 0x24, data: b"\x0E" }]);
}

#[test]
fn elements_with_values_to_be_ignored_make_no_part() {
    for octets in [&b"\x05\x00\x03\x01\x00\x01"[..], b"\x05\x00\x03\x01\x02\x00", b"\x05\x00\x03\x01\x02\x03"]
    {
        let (header, _) = Udh::split(&Bytes::from_static(octets)).unwrap();
        assert_eq!(header.concat(), None, "{octets:x?}");
        assert_eq!(peek_concat(octets), Ok(None));
        assert_eq!(header.as_bytes(), octets);
    }
}

#[test]
fn the_last_of_two_counts() {
    let octets = b"\x0A\x00\x03\x01\x02\x01\x00\x03\x02\x03\x02";
    let expected = Some(Concat { reference: 2, total: 3, sequence: 2, wide: false });
    assert_eq!(split(octets).unwrap().0.concat(), expected);
    assert_eq!(peek_concat(octets), Ok(expected));
}

#[test]
fn errors_say_where() {
    let cases: [(&[u8], UdhError); 6] = [
        (b"", UdhError::Empty),
        (b"\x05\x00\x03", UdhError::Overrun { length: 5, available: 2 }),
        (b"\x04\x70\x01\x00\x71", UdhError::Truncated { identifier: 0x71, offset: 4 }),
        (
            b"\x05\x70\x00\x71\x02\x00",
            UdhError::ElementOverrun { identifier: 0x71, length: 2, available: 1, offset: 3 },
        ),
        (
            b"\x04\x00\x02\x01\x02",
            UdhError::ElementLength { identifier: 0, expected: 3, found: 2, offset: 1 },
        ),
        (
            b"\x07\x70\x00\x05\x03\x00\x00\x00",
            UdhError::ElementLength { identifier: 5, expected: 4, found: 3, offset: 3 },
        ),
    ];
    for (octets, error) in cases {
        assert_eq!(Udh::split(&Bytes::copy_from_slice(octets)).unwrap_err(), error, "{octets:x?}");
        assert_eq!(peek_concat(octets), Err(error), "{octets:x?}");
    }
    assert_eq!(
        UdhError::ElementOverrun { identifier: 0x71, length: 2, available: 1, offset: 3 }.to_string(),
        "element 0x71 at offset 3 of the user data header has 2 octets, 1 are left"
    );
}

#[test]
fn what_is_built_reads_the_same() {
    let elements = [
        Element::Concat(Concat { reference: 0xAB, total: 9, sequence: 9, wide: false }),
        Element::Ports(Ports { destination: 2948, source: 1, wide: true }),
        Element::Other { identifier: 0x70, data: b"\x01\x02" },
        Element::SingleShift(Language::Urdu),
        Element::LockingShift(Language::Hindi),
    ];
    let header = Udh::build(&elements).unwrap();
    let (again, rest) = Udh::split(&header.clone().into_bytes()).unwrap();
    assert_eq!(again, header);
    assert!(rest.is_empty());
    assert_eq!(again.elements().collect::<Vec<_>>(), elements);
}

#[test]
fn a_header_leaves_room() {
    let data = [0; 137];
    let too_long = Udh::build(&[Element::Other { identifier: 0x70, data: &data }]);
    assert_eq!(too_long, Err(UdhError::TooLong { length: 139 }));
    let fits = Udh::build(&[Element::Other { identifier: 0x70, data: &data[..136] }]).unwrap();
    assert_eq!(fits.as_bytes().len(), 139);
    let huge = [0; 300];
    assert!(Udh::build(&[Element::Other { identifier: 0x70, data: &huge }]).is_err());
}
