use super::*;

#[test]
fn duplicates_vendor_tags_and_order_are_kept() {
    let mut tlvs = Tlvs::new();
    tlvs.push(Tag(0x1401), b"first").unwrap();
    tlvs.push(Tag(0x1401), b"").unwrap();
    tlvs.push_u16(Tag::SOURCE_PORT, 0x1f90);
    assert_eq!(&tlvs.as_bytes()[..], b"\x14\x01\0\x05first\x14\x01\0\0\x02\x0a\0\x02\x1f\x90");
    let again = Tlvs::from_bytes(tlvs.as_bytes().clone()).unwrap();
    assert_eq!(again.get_all(Tag(0x1401)).collect::<Vec<_>>(), [&b"first"[..], b""]);
    assert_eq!(again.u16(Tag::SOURCE_PORT), Some(8080));
    assert_eq!(again.u8(Tag::SOURCE_PORT), None);
    assert!(Tag(0x1401).is_vendor());
}

#[test]
fn cut_areas_are_refused_with_the_place() {
    for cut in 1..6 {
        let area = Bytes::copy_from_slice(&b"\x02\x0a\0\x02\x1f\x90\x04\x24\0\x02ab"[..6 + cut]);
        assert_eq!(Tlvs::from_bytes(area), Err(TlvError::PastEnd { offset: 6 }), "cut {cut}");
    }
}

#[test]
fn push_leaves_other_owners_alone() {
    let mut one = Tlvs::new();
    one.push_u8(Tag::MESSAGE_STATE, 2);
    let before = one.clone();
    one.push_u8(Tag::MESSAGE_STATE, 5);
    assert_eq!(before.iter().count(), 1);
    assert_eq!(one.iter().count(), 2);
    assert_eq!(one.message_state(), Some(MessageState::DELIVERED));
}

#[test]
fn typed_readers() {
    let mut tlvs = Tlvs::new();
    tlvs.push_sar(Sar { reference: 0x1234, total: 3, segment: 2 });
    tlvs.push_c_octets(Tag::RECEIPTED_MESSAGE_ID, b"00AB").unwrap();
    tlvs.push_network_error_code(NetworkErrorCode { network: 3, code: 69 });
    tlvs.push_u8(Tag::CONGESTION_STATE, 80);
    assert_eq!(tlvs.sar(), Some(Sar { reference: 0x1234, total: 3, segment: 2 }));
    assert_eq!(tlvs.receipted_message_id(), Some(&b"00AB"[..]));
    assert_eq!(tlvs.network_error_code(), Some(NetworkErrorCode { network: 3, code: 69 }));
    assert_eq!(tlvs.congestion_state(), Some(80));
    assert_eq!(tlvs.check_lengths(), Ok(()));
    let without = tlvs.filtered(|tlv| tlv.tag != Tag::CONGESTION_STATE);
    assert_eq!(without.iter().count(), 5);
    assert_eq!(without.congestion_state(), None);
}

#[test]
fn lengths_outside_the_specification_are_named() {
    let tlvs = Tlvs::new().with(Tag::SAR_TOTAL_SEGMENTS, &[0, 3]).unwrap();
    assert_eq!(tlvs.check_lengths(), Err(TlvError::Length { tag: Tag::SAR_TOTAL_SEGMENTS, length: 2 }));
}

#[test]
fn every_tag_with_a_name_has_a_length() {
    for tag in Tag::ALL {
        assert!(tag.value_len().is_some(), "{tag}");
    }
}
