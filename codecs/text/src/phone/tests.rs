use super::*;

fn e164(text: &str) -> E164 {
    text.parse().unwrap()
}

fn region(text: &str) -> Region {
    text.parse().unwrap()
}

fn read(text: &str, ton: u8, home: &Home) -> Result<Address, AddressError> {
    Address::read(text.as_bytes(), ton.into(), Npi::Isdn, home)
}

fn number(text: &str) -> Result<Address, AddressError> {
    Ok(Address::Number(e164(text)))
}

fn short(text: &str) -> Result<Address, AddressError> {
    Ok(Address::ShortCode(text.into()))
}

#[test]
fn a_number_is_eight_octets() {
    assert_eq!(size_of::<Option<E164>>(), 8);
    let number = e164("+4915112345678");
    assert_eq!(number.get(), 4_915_112_345_678);
    assert_eq!(number.to_string(), "+4915112345678");
    assert_eq!(number.to_ascii().as_str(), "4915112345678");
    assert_eq!(number, e164("4915112345678"));
    assert_eq!(E164::from_value(number.get()), Some(number));
    assert_eq!((number.digits(), number.prefix(4), number.prefix(99)), (13, 4915, number.get()));
    assert!(number.starts_with(49) && number.starts_with(4915) && !number.starts_with(4916));
    assert!(!number.starts_with(0));
}

#[test]
fn bounds_of_a_number() {
    assert_eq!("123456".parse::<E164>(), Err(E164Error::Length { digits: 6 }));
    assert_eq!("1234567890123456".parse::<E164>(), Err(E164Error::Length { digits: 16 }));
    assert_eq!(e164("123456789012345").digits(), 15);
    assert_eq!("0123456789".parse::<E164>(), Err(E164Error::LeadingZero));
    assert_eq!("++4912345678".parse::<E164>(), Err(E164Error::NoDigit { octet: b'+', offset: 0 }));
    assert_eq!("49 12345678".parse::<E164>(), Err(E164Error::NoDigit { octet: b' ', offset: 2 }));
    assert_eq!("".parse::<E164>(), Err(E164Error::Length { digits: 0 }));
    assert!("1".repeat(1000).parse::<E164>().is_err());
    assert_eq!((E164::from_value(999_999), E164::from_value(1_000_000_000_000_000)), (None, None));
}

#[test]
fn country_codes_and_masks() {
    let cases = [
        ("12125550123", 1, "+1********23"),
        ("79161234567", 7, "+7********67"),
        ("4915112345678", 49, "+49*********78"),
        ("35312345678", 353, "+353******78"),
        ("6834000", 683, "+683**00"),
        ("80012340005", 800, "+800******05"),
    ];
    for (text, code, masked) in cases {
        assert_eq!(e164(text).calling_code(), code);
        assert_eq!(e164(text).masked().to_string(), masked);
        assert!(!format!("{:?}", e164(text)).contains(text));
    }
}

#[test]
fn calling_codes_are_those_of_the_library() {
    for metadata in phonenumber::metadata::DATABASE.iter() {
        let code = u64::from(metadata.country_code());
        let filled = code * 10u64.pow(12 - code.ilog10());
        let number = E164::from_value(filled).unwrap();
        assert_eq!(u64::from(number.calling_code()), code, "{}", metadata.id());
    }
}

#[test]
fn serialised_forms() {
    let number = e164("+4915112345678");
    let json = serde_json::to_string(&number).unwrap();
    assert_eq!(json, "\"+4915112345678\"");
    assert_eq!(serde_json::from_str::<E164>(&json).unwrap(), number);
    assert!(serde_json::from_str::<E164>("\"12\"").is_err());
    let home = Home { region: Some(region("DE")), ..Home::default() };
    let json = serde_json::to_string(&home).unwrap();
    assert_eq!(json, r#"{"region":"DE","bare":"international","short_code_digits":6}"#);
    assert_eq!(serde_json::from_str::<Home>(&json).unwrap(), home);
    assert!(serde_json::from_str::<Home>(r#"{"region":"XX"}"#).is_err());
    assert_eq!(serde_json::to_string(&(Ton::Alphanumeric, Npi::from(7))).unwrap(), "[5,7]");
    assert!(
        (0..=255).all(|value| u8::from(Ton::from(value)) == value && u8::from(Npi::from(value)) == value)
    );
}

#[test]
fn international_forms() {
    let home = Home::default();
    let same = number("4915112345678");
    assert_eq!(read("4915112345678", 1, &home), same);
    assert_eq!(read("+4915112345678", 1, &home), same);
    assert_eq!(read("004915112345678", 1, &home), same);
    assert_eq!(read("4915112345678", 0, &home), same);
    assert_eq!(read("004915112345678", 0, &home), same);
    assert_eq!(read("+49 (151) 123-456.78 ", 0, &home), same);
    assert_eq!(read("+4915112345678", 5, &home), same);
    assert_eq!(read("+4915112345678", 2, &home), same);
    assert_eq!(read("4915112345678", 9, &home), same);
}

#[test]
fn national_forms() {
    let germany = Home { region: Some(region("DE")), ..Home::default() };
    assert_eq!(read("015112345678", 0, &germany), number("4915112345678"));
    assert_eq!(read("15112345678", 2, &germany), number("4915112345678"));
    assert_eq!(read("030 123456", 2, &germany), number("4930123456"));
    assert_eq!(read("015112345678", 2, &Home::default()), Err(AddressError::NoRegion));
    assert_eq!(read("015112345678", 0, &Home::default()), Err(AddressError::NoRegion));
    let america = Home { region: Some(region("US")), bare: Bare::National, ..Home::default() };
    assert_eq!(read("2125550123", 0, &america), number("12125550123"));
    assert_eq!(read("12125550123", 0, &america), number("12125550123"));
    assert_eq!(read("2125550123", 4, &america), number("12125550123"));
    // Italian fixed lines keep their zero.
    let italy = Home { region: Some(region("IT")), ..Home::default() };
    assert_eq!(read("06 1234 5678", 2, &italy), number("390612345678"));
    for nonsense in ["99999999999999", "5550123", "4915112345678"] {
        let error = AddressError::National { region: region("US") };
        assert_eq!(read(nonsense, 2, &america), Err(error), "{nonsense}");
    }
}

#[test]
fn short_codes_and_senders() {
    let home = Home::default();
    assert_eq!(read("12345", 0, &home), short("12345"));
    assert_eq!(read("12345", 1, &home), short("12345"));
    assert_eq!(read("0123", 6, &home), short("0123"));
    assert_eq!(read("12345678", 3, &home), short("12345678"));
    assert_eq!(read("12345678", 3, &home).unwrap().numbering(), (Ton::Abbreviated, Npi::Isdn));
    assert_eq!(read("INFO", 5, &home), Ok(Address::Alphanumeric("INFO".into())));
    assert_eq!(read("Shop24", 0, &home), Ok(Address::Alphanumeric("Shop24".into())));
    assert_eq!(read("24", 5, &home), Ok(Address::Alphanumeric("24".into())));
    assert_eq!(
        Address::read(b"Caf\xE9", Ton::Alphanumeric, Npi::Unknown, &home),
        Ok(Address::Alphanumeric("Café".into()))
    );
    assert_eq!(read("*100#", 0, &home), Ok(Address::Other("*100#".into())));
    let internet = Address::read(b"10.0.0.1", Ton::Unknown, Npi::Internet, &home);
    assert_eq!(internet, Ok(Address::Other("10.0.0.1".into())));
    let five = Home { short_code_digits: 9, ..home };
    assert_eq!(read("123456789", 1, &five), short("123456789"));
}

#[test]
fn addresses_that_are_none() {
    let home = Home::default();
    assert_eq!(read("", 1, &home), Err(AddressError::Empty));
    assert_eq!(read("  ", 0, &home), Err(AddressError::Empty));
    assert_eq!(read("+12345", 1, &home), Err(E164Error::Length { digits: 5 }.into()));
    assert_eq!(read("1234567890123456", 1, &home), Err(E164Error::Length { digits: 16 }.into()));
    assert_eq!(read("0123456789", 1, &home), Err(E164Error::LeadingZero.into()));
    assert_eq!(read(&"1".repeat(321), 0, &home), Err(AddressError::TooLong { octets: 321 }));
    // Too many digits for any number are something else, kept as they came.
    assert_eq!(read(&"1".repeat(40), 0, &home), Ok(Address::Other("1".repeat(40).into())));
}

#[test]
fn addresses_on_the_wire_and_in_logs() {
    let home = Home::default();
    let address = read("+4915112345678", 1, &home).unwrap();
    assert_eq!(
        (address.to_wire().as_str(), address.numbering()),
        ("4915112345678", (Ton::International, Npi::Isdn))
    );
    assert_eq!(address.to_string(), "+4915112345678");
    assert_eq!(format!("{address:?}"), "Address(+49*********78)");
    assert_eq!(format!("{:?}", read("mail@example.org*", 0, &home).unwrap()), "Address(mail@example.org*)");
    assert_eq!(read("*100*1234#", 0, &home).unwrap().masked().to_string(), "(10 octets)");
    assert_eq!(address.number(), Some(e164("4915112345678")));
    assert_eq!(read("INFO", 5, &home).unwrap().number(), None);
}

#[test]
fn what_the_number_plans_say() {
    let cases = [
        ("+4915112345678", Some("DE"), NumberKind::Mobile, true),
        ("+4930123456", Some("DE"), NumberKind::FixedLine, true),
        ("+390612345678", Some("IT"), NumberKind::FixedLine, true),
        ("+393123456789", Some("IT"), NumberKind::Mobile, true),
        ("+15208782491", Some("US"), NumberKind::FixedLineOrMobile, true),
        ("+16137827274", Some("CA"), NumberKind::FixedLineOrMobile, true),
        ("+18007233456", Some("US"), NumberKind::TollFree, true),
        ("+80012340000", None, NumberKind::TollFree, true),
        ("+61900123456", Some("AU"), NumberKind::Unknown, false),
        ("+10000000000", None, NumberKind::Unknown, false),
        ("+2101234567", None, NumberKind::Unknown, false),
    ];
    for (text, region_text, kind, valid) in cases {
        let info = look_up(e164(text));
        assert_eq!((info.kind, info.valid), (kind, valid), "{text}");
        if valid {
            assert_eq!(info.region, region_text.map(region), "{text}");
        }
    }
}

#[test]
fn regions_of_sole_and_shared_codes() {
    load();
    let cases = [
        ("+4915112345678", Some("DE")),
        ("+35312345678", Some("IE")),
        ("+15208782491", Some("US")),
        ("+16137827274", Some("CA")),
        ("+18765550123", Some("JM")),
        ("+77012345678", Some("KZ")),
        ("+390612345678", Some("IT")),
        ("+80012340000", None),
        ("+2101234567", None),
    ];
    for (text, expected) in cases {
        assert_eq!(region_of(e164(text)), expected.map(region), "{text}");
    }
}

/// What the library itself says; slower, and by the same data.
fn by_the_library(number: E164) -> Option<(Option<Region>, bool, phonenumber::Type)> {
    let parsed = phonenumber::parse(None, number.to_string()).ok()?;
    // It leaves leading zeros out when it asks for the kind; and what begins with a prefix of the country's own calls is
    // read without it, which is no number of ITU-T E.164.
    let national = parsed.national().to_string();
    if format!("+{}{national}", parsed.code().value()) != number.to_string() || parsed.national().zeros() > 0
    {
        return None;
    }
    let kind = parsed.number_type(&phonenumber::metadata::DATABASE);
    let region = parsed.country().id().and_then(|id| id.as_ref().parse().ok());
    Some((region, phonenumber::is_valid(&parsed), kind))
}

#[test]
fn look_ups_say_what_the_library_says() {
    use phonenumber::Type::{
        FixedLine, Mobile, Pager, PremiumRate, SharedCost, TollFree, Uan, Unknown, Voip,
    };
    let mut compared = 0;
    for plan in phonenumber::metadata::DATABASE.iter() {
        for kind in [Unknown, FixedLine, Mobile, TollFree, PremiumRate, SharedCost, Voip, Pager, Uan] {
            let Some(example) = plan.descriptors().get(kind).and_then(|numbers| numbers.example()) else {
                continue;
            };
            // The example, one with another end, and ones that are too long or of another beginning.
            let others = [
                example.to_owned(),
                format!("{}7", &example[..example.len() - 1]),
                format!("{example}9"),
                format!("1{}", &example[1..]),
            ];
            for national in others {
                let Ok(number) = format!("+{}{national}", plan.country_code()).parse::<E164>() else {
                    continue;
                };
                let Some((region, valid, kind)) = by_the_library(number) else { continue };
                let found = look_up(number);
                assert_eq!(found.valid, valid, "{number}");
                assert_eq!(found.kind == NumberKind::Unknown, kind == Unknown, "{number}: {kind:?}");
                assert_eq!(found.kind == NumberKind::Mobile, kind == Mobile, "{number}: {kind:?}");
                if valid {
                    assert_eq!(found.region, region, "{number}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 2_000, "{compared}");
}
