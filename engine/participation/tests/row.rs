//! The catalog's row and the rules are one shape.

use signalbox_config::catalog::{Participation, Row};
use signalbox_participation::Rules;

/// Every key that a row has, with another value than its default, as the catalog's store keeps it.
#[test]
fn what_the_catalog_keeps_is_what_the_rules_read() {
    let row = r#"{"name": "song-2026", "account": "demo", "kind": "vote", "description": "d", "state": "open",
        "entry_points": [{"channel": "sms", "source_address": "us-70650", "keyword": "song final"}],
        "open": "2026-05-01T18:00:00Z", "close": "2026-05-01T20:00:00Z", "time_zone": "Europe/Berlin", "grace": "1m30s",
        "extraction": [
            {"field": "choice", "kind": "enumeration", "options": [
                {"value": "7", "label": "Blue Skies", "synonyms": ["seven"], "weight": 2}]},
            {"field": "size", "kind": "number", "min": 1, "max": 12, "position": 2, "required": false},
            {"field": "born", "kind": "date", "order": "mdy"},
            {"field": "code", "kind": "code", "batch": "caps", "length": 10},
            {"field": "mail", "kind": "regex", "pattern": "(.+@.+)"},
            {"field": "why", "kind": "remainder"}],
        "several": "all",
        "requirements": [{"kind": "max_per_participant", "limit": 5, "per": "day", "reject": "DUPLICATE"},
            {"kind": "country", "countries": ["US"]}, {"kind": "carrier", "carriers": ["example-mobile"]},
            {"kind": "code_unused", "field": "code"}, {"kind": "step_done", "step": "song-2025"},
            {"kind": "confidence", "field": "choice", "limit": 90}, {"kind": "not_barred"}, {"kind": "window"},
            {"kind": "opted_in"}, {"kind": "age", "field": "born", "limit": 18}],
        "responses": {"accepted": "Thanks for {choice}", "rejected": {"BAD_OPTION": "1 to 12"}, "rejected_per_hour": 2,
            "not_enabled": "Not now"},
        "words": [{"word": "price", "reply": "Nothing"}, {"word": "stop", "does": "opt_out"}],
        "form": {"title": "Song", "country": "GB"},
        "program": "song", "database": "song", "keep_raw": true, "retention": "30d", "prepaid": 3}"#;
    let document = Participation::from_request(row, None).unwrap().to_document();
    let rules = Rules::from_json(&document).unwrap_or_else(|error| panic!("{error}: {document}"));
    assert_eq!((rules.name.as_str(), rules.database.as_str(), rules.prepaid), ("song-2026", "song", Some(3)));
    assert_eq!((rules.extraction.len(), rules.requirements.len()), (6, 10));
    assert_eq!((rules.grace.as_secs(), rules.retention.as_hours()), (90, 720));
    assert_eq!(rules.entry_points[0].keyword, ["song", "final"]);
}
