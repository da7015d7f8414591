//! decode(encode(x)) = x for every PDU, alone and many in one buffer.

use crate::arbitrary::{pdu, short_message};
use bytes::BytesMut;
use proptest::prelude::*;
use signalbox_smpp::{Body, Header, Pdu, Profile, ShortMessageView, Version, split_frame};
use std::collections::HashSet;

fn profile(version: Version) -> Profile {
    Profile { version, ..Profile::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_encoded_decodes_to_the_same((version, pdu) in pdu()) {
        let profile = profile(version);
        let mut out = BytesMut::new();
        pdu.encode(&mut out, &profile).unwrap();
        let frame = out.freeze();
        let header = Header::read(&frame).unwrap();
        prop_assert_eq!(header.length as usize, frame.len());
        prop_assert_eq!(header.command, pdu.command());
        prop_assert_eq!(Pdu::decode(&frame, &profile).unwrap(), pdu);
    }

    #[test]
    fn a_batch_is_cut_where_it_was_joined(pdus in prop::collection::vec(pdu(), 1..8), cut in any::<prop::sample::Index>()) {
        let mut out = BytesMut::new();
        for (version, pdu) in &pdus {
            pdu.encode(&mut out, &profile(*version)).unwrap();
        }
        // The batch arrives in two parts.
        let mut late = out.split_off(cut.index(out.len() + 1));
        let mut input = out;
        let mut decoded = Vec::new();
        for _ in 0..2 {
            while let Some(frame) = split_frame(&mut input, 100_000).unwrap() {
                let (version, _) = pdus[decoded.len()];
                decoded.push((version, Pdu::decode(&frame, &profile(version)).unwrap()));
            }
            input.unsplit(std::mem::take(&mut late));
        }
        prop_assert_eq!(decoded, pdus);
    }

    #[test]
    fn the_view_agrees_with_the_owned_message(message in short_message(Version::V3_4)) {
        let profile = profile(Version::V3_4);
        let mut out = BytesMut::new();
        Body::DeliverSm(message.clone()).encode(Default::default(), 9, &mut out, &profile).unwrap();
        let frame = out.freeze();
        let (header, view) = ShortMessageView::decode(&frame, &profile).unwrap().unwrap();
        prop_assert_eq!(header.sequence, 9);
        prop_assert_eq!(view.source_addr, &message.source.addr[..]);
        prop_assert_eq!(view.tlvs, &message.tlvs.as_bytes()[..]);
        prop_assert_eq!(view.share(&frame), message);
    }

    /// What a lenient profile takes it gives back octet for octet, as long as nothing was repaired.
    #[test]
    fn what_is_decoded_encodes_to_the_same(octets in prop::collection::vec(any::<u8>(), 0..80), command in 0_u32..0x30) {
        let mut frame = BytesMut::new();
        frame.extend_from_slice(&(16 + octets.len() as u32).to_be_bytes());
        frame.extend_from_slice(&command.to_be_bytes());
        frame.extend_from_slice(&[0; 8]);
        frame.extend_from_slice(&octets);
        let frame = frame.freeze();
        let strict = Profile { latin1_address: Default::default(), ..Profile::strict(Version::V3_4) };
        if let Ok(pdu) = Pdu::decode(&frame, &strict) {
            let mut out = BytesMut::new();
            if pdu.encode(&mut out, &strict).is_ok() {
                prop_assert_eq!(out, frame);
            }
        }
    }
}

#[test]
fn every_command_is_among_the_strategies() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = HashSet::new();
    for _ in 0..3000 {
        seen.insert(pdu().new_tree(&mut runner).unwrap().current().1.command());
    }
    for command in signalbox_smpp::CommandId::ALL {
        assert!(seen.contains(command), "{command}");
    }
}
