use super::*;

fn any(id: &str, place: IdPlace) -> IdCandidates {
    IdCandidates::of(id.as_bytes(), place, MessageIdForm::Any)
}

#[test]
fn ids_meet_without_configuration() {
    use IdMatch::{Number, Text};
    // (in the response, in the receipt, how well they match)
    let cases = [
        ("1A2B", "1A2B", Some(Text)),
        ("1a2b", "1A2B", Some(Text)),
        ("1a2b", "00001A2B", Some(Text)),
        ("0x1a2b", "1A2B", Some(Text)),
        ("1A2B", "6699", Some(Number)),
        ("6699", "1a2b", Some(Number)),
        ("0000006699", "6699", Some(Text)),
        ("12", "18", Some(Number)),
        ("12", "13", None),
        ("msg-77/x", "MSG-77/X", Some(Text)),
        ("msg-77", "msg-78", None),
        ("1A2B", "1A2C", None),
        ("ffffffffffffffff", "18446744073709551615", Some(Number)),
        // Too long for a number: still a text.
        (
            "123456789012345678901234567890123456789012345678901234567890",
            "0123456789012345678901234567890123456789012345678901234567890",
            Some(Text),
        ),
        ("0000", "0", Some(Text)),
        (" 77 ", "77", Some(Text)),
        ("", "", None),
    ];
    for (response, receipt, expected) in cases {
        let found = any(response, IdPlace::Response).matches(&any(receipt, IdPlace::Receipt));
        assert_eq!(found, expected, "{response} and {receipt}");
    }
    assert!(Text > Number);
}

#[test]
fn a_configured_form_leaves_one_reading() {
    let cases = [
        (MessageIdForm::Text, IdPlace::Receipt, "0010", IdKey::Text("10".into())),
        (MessageIdForm::Decimal, IdPlace::Receipt, "0010", IdKey::Number(10)),
        (MessageIdForm::Hex, IdPlace::Response, "0010", IdKey::Number(16)),
        (MessageIdForm::HexThenDecimal, IdPlace::Response, "10", IdKey::Number(16)),
        (MessageIdForm::HexThenDecimal, IdPlace::Receipt, "16", IdKey::Number(16)),
        (MessageIdForm::DecimalThenHex, IdPlace::Response, "16", IdKey::Number(16)),
        (MessageIdForm::DecimalThenHex, IdPlace::Receipt, "10", IdKey::Number(16)),
        // What is no number in the form stays a text.
        (MessageIdForm::Decimal, IdPlace::Receipt, "x-9", IdKey::Text("X-9".into())),
    ];
    for (form, place, id, key) in cases {
        assert_eq!(IdCandidates::of(id.as_bytes(), place, form).keys(), [key], "{form:?} {id}");
    }
}

#[test]
fn keys_have_a_text() {
    let keys: Vec<String> = any("0x1a2b", IdPlace::Response).keys().iter().map(ToString::to_string).collect();
    assert_eq!(keys, ["t:1A2B", "n:6699"]);
    assert!(any("+5", IdPlace::Response).keys().iter().all(|key| matches!(key, IdKey::Text(_))));
}
