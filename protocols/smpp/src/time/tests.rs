use super::*;
use proptest::prelude::*;

/// 2024-05-10 15:43:07.3 UTC.
const AT: i64 = 1_715_355_787_300_000;
const DAY_US: i64 = 86_400 * SECOND_US;

fn absolute(text: &str) -> i64 {
    SmppTime::parse(text.as_bytes()).unwrap().unwrap().resolve(0)
}

fn relative(text: &str, now_us: i64) -> i64 {
    SmppTime::parse(text.as_bytes()).unwrap().unwrap().resolve(now_us)
}

#[test]
fn absolute_times_and_their_offsets() {
    assert_eq!(absolute("240510154307300+"), AT);
    // One hour east: the same point is an hour later on the clock there.
    assert_eq!(absolute("240510164307304+"), AT);
    assert_eq!(absolute("240510134307308-"), AT);
    assert_eq!(absolute("000101000000000+"), 946_684_800 * SECOND_US);
    assert_eq!(absolute("240229000000000+"), 1_709_164_800 * SECOND_US);
    assert_eq!(SmppTime::format_absolute(AT, 0), "240510154307300+");
    assert_eq!(SmppTime::format_absolute(AT, 4), "240510164307304+");
    assert_eq!(SmppTime::format_absolute(AT, -8), "240510134307308-");
}

#[test]
fn relative_times_follow_the_calendar() {
    assert_eq!(relative("000001000000000R", AT), AT + DAY_US);
    assert_eq!(relative("000000233015000R", AT), AT + (23 * 3600 + 30 * 60 + 15) * SECOND_US);
    // One month from the 31st of January is the last of February.
    let january = absolute("240131120000000+");
    assert_eq!(relative("000100000000000R", january), absolute("240229120000000+"));
    assert_eq!(relative("010000000000000R", absolute("240229120000000+")), absolute("250228120000000+"));
    assert_eq!(relative("001300000000000R", january), absolute("250228120000000+"));
    // Tenths that a peer writes all the same.
    assert_eq!(relative("000001000000700R", AT), AT + DAY_US);
    assert_eq!(SmppTime::format_relative(DAY_US + 61 * SECOND_US).unwrap(), "000001000101000R");
    assert_eq!(SmppTime::format_relative(32 * DAY_US), None);
    assert_eq!(SmppTime::format_relative(-1), None);
}

#[test]
fn empty_is_none() {
    assert_eq!(SmppTime::parse(b""), Ok(None));
}

#[test]
fn faults_are_named() {
    let cases: [(&[u8], TimeError); 8] = [
        (b"240510154307", TimeError::Length { length: 12 }),
        (b"2405101543073000+", TimeError::Length { length: 17 }),
        (b"24051015x307300+", TimeError::Octet { offset: 8, octet: b'x' }),
        (b"240510154307300Z", TimeError::Octet { offset: 15, octet: b'Z' }),
        (b"241310154307300+", TimeError::Range { part: "month", value: 13 }),
        (b"230229154307300+", TimeError::Range { part: "day", value: 29 }),
        (b"240510244307300+", TimeError::Range { part: "hour", value: 24 }),
        (b"240510154307349+", TimeError::Range { part: "offset", value: 49 }),
    ];
    for (text, error) in cases {
        assert_eq!(SmppTime::parse(text), Err(error), "{}", text.escape_ascii());
    }
}

proptest! {
    #[test]
    fn dates_and_days_are_inverse(days in -1_000_000_i64..1_000_000) {
        prop_assert_eq!(days_from_date(date_from_days(days)), days);
    }

    #[test]
    fn a_written_time_reads_the_same(seconds in 946_684_800_i64..4_102_444_800, tenths in 0_i64..10, quarters in -48_i8..=48) {
        let unix_us = seconds * SECOND_US + tenths * 100_000;
        let text = SmppTime::format_absolute(unix_us, quarters);
        // The first and last hours of the century may fall out of it by the offset.
        prop_assume!((946_728_000..4_102_401_600).contains(&seconds));
        let quarters = if quarters == 0 { 0 } else { quarters };
        prop_assert_eq!(SmppTime::parse(&text), Ok(Some(SmppTime::Absolute { unix_us, quarters })));
    }

    #[test]
    fn a_written_span_reads_the_same(seconds in 0_i64..32 * 86_400) {
        let text = SmppTime::format_relative(seconds * SECOND_US).unwrap();
        prop_assert_eq!(SmppTime::parse(&text).unwrap().unwrap().resolve(AT), AT + seconds * SECOND_US);
    }
}
