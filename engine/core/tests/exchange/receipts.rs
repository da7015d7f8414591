use std::time::Duration;

use signalbox_core::backend::Table;
use signalbox_core::cdr::CdrKind;
use signalbox_core::exchange::{Note, Stray, Submit};
use signalbox_core::id::PeerId;
use signalbox_core::message::{Body, ReceiptContent, ReceiptRequest, ReceiptState};
use signalbox_core::outcome::FinalState;

use crate::world::{ACCOUNT, World};

const DEVICE: &str = "447700900001";
/// Of messages whose origin says nothing.
const VALIDITY: Duration = Duration::from_secs(3600);
/// Of links.
const RECEIPT_WAIT: Duration = Duration::from_secs(86_400);

fn receipt_of(world: &World) -> &ReceiptContent {
    let released = world.last_sent();
    assert_eq!(released.peer(), PeerId::Account(ACCOUNT));
    match released.body() {
        Body::Receipt(receipt) => receipt,
        Body::Content(content) => panic!("{content:?}"),
    }
}

fn strays(world: &World, wanted: Stray) -> usize {
    world.notes.iter().filter(|note| matches!(note, Note::ReceiptStray { why, .. } if *why == wanted)).count()
}

#[test]
fn a_receipt_comes_back_under_the_id_that_the_origin_knows() {
    let mut world = World::new();
    let taken = world.taken(DEVICE, "1A2B");
    world.receipt("1A2B", DEVICE, ReceiptState::Delivered);
    let receipt = receipt_of(&world);
    assert_eq!(receipt.message_id, taken.visible_id);
    assert_eq!(receipt.state, ReceiptState::Delivered);
    assert_eq!(world.cdrs[0].outcome, FinalState::Delivered);
    let permit = world.last_sent().permit();
    world.answer(permit, "");
    assert!(world.rows.is_empty(), "{:?}", world.rows.keys());
    assert_eq!(world.cdrs.len(), 1, "a receipt has no cdr of its own");
}

#[test]
fn ids_match_in_every_form() {
    for (response, receipt) in [
        ("1a2b3c", "1A2B3C"),
        ("1A2B3C", "1715004"),
        ("1715004", "1A2B3C"),
        ("00042", "42"),
        ("42", "0000000042"),
    ] {
        let mut world = World::new();
        world.taken(DEVICE, response);
        world.receipt(receipt, DEVICE, ReceiptState::Delivered);
        assert_eq!(world.cdrs.len(), 1, "{response} {receipt}");
    }
}

#[test]
fn an_id_alone_never_matches() {
    let mut world = World::new();
    world.taken(DEVICE, "77");
    world.receipt("77", "15550001111", ReceiptState::Delivered);
    assert!(world.cdrs.is_empty());
}

#[test]
fn a_receipt_before_the_response_is_kept_even_through_a_restart() {
    let mut world = World::new();
    let message = Submit { receipt: ReceiptRequest::FINAL, ..world.message(DEVICE) };
    world.submit(message).unwrap();
    let permit = world.last_sent().permit();
    world.receipt("55", DEVICE, ReceiptState::Delivered);
    assert_eq!(world.rows_of(Table::EarlyReceipt), 1);
    world.answer(permit, "55");
    assert_eq!(world.cdrs[0].outcome, FinalState::Delivered);
    assert_eq!(world.rows_of(Table::EarlyReceipt), 0);
}

#[test]
fn a_receipt_that_no_message_claims_is_dropped_with_a_reason() {
    let mut world = World::new();
    world.receipt("55", DEVICE, ReceiptState::Delivered);
    world.pass(Duration::from_secs(61));
    assert_eq!(strays(&world, Stray::Unmatched), 1);
    assert!(world.rows.is_empty());
}

#[test]
fn the_same_receipt_twice_is_one_outcome() {
    let mut world = World::new();
    world.taken(DEVICE, "9");
    world.receipt("9", DEVICE, ReceiptState::Delivered);
    world.receipt("9", DEVICE, ReceiptState::Delivered);
    assert_eq!(world.cdrs.len(), 1);
    assert_eq!(strays(&world, Stray::Repeated), 1);
}

/// Acceptance (d) of messaging.md: what bills a message is its one final record, and receipts again add none.
#[test]
fn the_same_receipt_three_times_is_one_bill() {
    let mut world = World::new();
    world.taken(DEVICE, "9");
    for _ in 0..3 {
        world.receipt("9", DEVICE, ReceiptState::Delivered);
        world.pass(Duration::from_secs(1));
    }
    let billed: Vec<_> = world.cdrs.iter().map(|cdr| (cdr.kind, cdr.outcome)).collect();
    assert_eq!(billed, [(CdrKind::Final, FinalState::Delivered)]);
    assert_eq!(strays(&world, Stray::Repeated), 2);
}

#[test]
fn a_receipt_after_the_outcome_amends_once() {
    let mut world = World::new();
    world.taken(DEVICE, "9");
    world.pass(VALIDITY + RECEIPT_WAIT + Duration::from_secs(1));
    assert_eq!(world.cdrs[0].outcome, FinalState::Unknown);
    assert_eq!(receipt_of(&world).state, ReceiptState::Unknown);
    world.receipt("9", DEVICE, ReceiptState::Delivered);
    world.receipt("9", DEVICE, ReceiptState::Expired);
    let kinds: Vec<_> = world.cdrs.iter().map(|cdr| (cdr.kind, cdr.outcome)).collect();
    assert_eq!(kinds, [(CdrKind::Final, FinalState::Unknown), (CdrKind::Amendment, FinalState::Delivered)]);
}

#[test]
fn only_the_receipts_asked_for_come_back() {
    let ask = |octet| {
        move |world: &mut World| {
            let message = Submit { receipt: ReceiptRequest(octet), ..world.message(DEVICE) };
            world.submit(message).unwrap();
            let permit = world.last_sent().permit();
            world.answer(permit, "3");
            world.sent.clear();
        }
    };
    for (octet, state, comes) in [
        (1, ReceiptState::Delivered, true),
        (1, ReceiptState::Undeliverable, true),
        (2, ReceiptState::Delivered, false),
        (2, ReceiptState::Undeliverable, true),
        (3, ReceiptState::Delivered, true),
        (3, ReceiptState::Undeliverable, false),
        (0x11, ReceiptState::Enroute, true),
        (1, ReceiptState::Enroute, false),
        (0x10, ReceiptState::Enroute, true),
        (0x10, ReceiptState::Delivered, false),
        (0x10, ReceiptState::Undeliverable, false),
    ] {
        let mut world = World::new();
        ask(octet)(&mut world);
        world.receipt("3", DEVICE, state);
        assert_eq!(world.sent.len(), usize::from(comes), "{octet} {state:?}");
    }
}

#[test]
fn a_receipt_is_waited_for_past_validity() {
    let mut world = World::new();
    world.taken(DEVICE, "9");
    world.pass(VALIDITY + RECEIPT_WAIT - Duration::from_secs(1));
    assert!(world.cdrs.is_empty());
    world.receipt("9", DEVICE, ReceiptState::Expired);
    assert_eq!(world.cdrs[0].outcome, FinalState::Expired);
    assert_eq!(receipt_of(&world).state, ReceiptState::Expired);
}

#[test]
fn a_link_is_asked_for_final_receipts_where_any_is_wanted_and_for_acknowledgements() {
    for (wanted, asked) in [
        (0, 0),
        (1, 1),
        (2, 1),
        (3, 1),
        (0x10, 0x11),
        (0x12, 0x11),
        (0x04, 0x04),
        (0x08, 0x08),
        (0x0C, 0x0C),
        (0x1D, 0x1D),
    ] {
        let mut world = World::new();
        let message = Submit { receipt: ReceiptRequest(wanted), ..world.message(DEVICE) };
        world.submit(message).unwrap();
        assert_eq!(world.last_sent().receipt(), ReceiptRequest(asked), "{wanted:#x}");
        let permit = world.last_sent().permit();
        world.answer(permit, "3");
        assert_eq!(world.cdrs.is_empty(), asked & 1 != 0, "{wanted:#x}: open while a receipt is awaited");
    }
}
