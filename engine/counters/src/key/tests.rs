use super::*;

#[test]
fn text_form_round_trips() {
    let keys = [
        Key::e164("+447900900123").unwrap(),
        Key::e164_number(999_999_999_999_999).unwrap(),
        Key::digits("00777").unwrap(),
        Key::digits("000000000000000").unwrap(),
        Key::name("ACME"),
        Key::name("two wrds"),
        Key::name("A longer name"),
        Key::missing(None),
        Key::missing(Some(0)),
        Key::missing(Some(u32::MAX)),
        Key::vendor(3),
        Key::carrier(u32::MAX),
        Key::text("someone@example.net"),
        Key::group(12),
    ];
    for key in keys {
        assert_eq!(key.to_string().parse::<Key>(), Ok(key), "{key}");
        assert_eq!(Key::from_raw(key.raw()), Some(key));
    }
    let distinct: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}

#[test]
fn same_digits_in_another_class_are_another_key() {
    assert_ne!(Key::e164("60777").unwrap(), Key::digits("60777").unwrap());
    assert_ne!(Key::digits("0777").unwrap(), Key::digits("777").unwrap());
    assert_ne!(Key::vendor(7), Key::carrier(7));
    assert_ne!(Key::missing(None), Key::missing(Some(0)));
}

#[test]
fn case_does_not_make_another_sender() {
    assert_eq!(Key::name("Acme"), Key::name("aCME"));
    assert_eq!(Key::name("Grüße AG und Co"), Key::name("GRÜSSE AG und Co".replace("SS", "ß").as_str()));
    assert_eq!(Key::text("A@Example.net"), Key::text("a@example.net"));
}

#[test]
fn refusals_say_what_is_wrong() {
    assert_eq!(Key::e164("+44x"), Err(KeyError::NotADigit { found: 'x', position: 2 }));
    assert_eq!(Key::e164(""), Err(KeyError::Empty));
    assert_eq!(Key::e164("+0123"), Err(KeyError::LeadingZero));
    assert_eq!(Key::e164("1234567890123456"), Err(KeyError::TooLong { digits: 16 }));
    assert_eq!("what:3".parse::<Key>(), Err(KeyError::UnknownClass("what".into())));
    assert!("vendor:x".parse::<Key>().is_err());
    assert_eq!(Key::from_raw(0), None);
    assert_eq!(Key::from_raw(15 << 60), None);
    assert_eq!(Key::e164_number(0), None);
    assert_eq!(Key::e164_number(1_000_000_000_000_000), None);
}

#[test]
fn debug_masks_the_subscriber() {
    assert_eq!(format!("{:?}", Key::e164("+447900900123").unwrap()), "+447900900xxx");
    assert_eq!(format!("{:?}", Key::digits("60777").unwrap()), "code:60777");
    assert_eq!(format!("{:?}", Key::digits("07900900123").unwrap()), "code:xxx");
    assert!(!format!("{:?}", Key::text("a@b")).contains('@'));
}
