use super::*;

fn error(change: &str) -> String {
    let document = format!(
        r#"{{"name": "c", "account": "demo", "kind": "vote",
            "extraction": [{{"field": "choice", "kind": "number"}}, {{"field": "code", "kind": "code", "batch": "b"}}]{change}}}"#
    );
    Rules::from_json(&document).map(|_| "none".to_owned()).unwrap_or_else(|error| error.to_string())
}

#[test]
fn what_is_wrong_is_named_with_its_path() {
    for (change, expected) in [
        (r#""#, "none"),
        (r#", "grace": "2x""#, "grace: `2x` is no length of time"),
        (r#", "grace": "1h30m", "retention": "0""#, "none"),
        (r#", "time_zone": "Mars/Base""#, "time_zone: there is no time zone"),
        (r#", "colour": 1"#, "unknown field `colour`"),
        (r#", "requirements": [{"kind": "max_total"}]"#, "requirements[0].limit: needs a limit"),
        (r#", "requirements": [{"kind": "max_total", "limit": "5"}]"#, "requirements[0].limit: invalid type"),
        (
            r#", "requirements": [{"kind": "window"}, {"kind": "consent", "field": "x"}]"#,
            "requirements[1].field: no rule",
        ),
        (
            r#", "requirements": [{"kind": "code_unused", "field": "choice"}]"#,
            "requirements[0].field: `choice` is no code",
        ),
        (
            r#", "requirements": [{"kind": "age", "field": "choice", "limit": 18}]"#,
            "requirements[0].field: `choice` is no date",
        ),
        (
            r#", "requirements": [{"kind": "format", "field": "choice", "pattern": "("}]"#,
            "requirements[0].pattern: unclosed group",
        ),
        (
            r#", "requirements": [{"kind": "max_total", "limit": 5, "field": "choice"}]"#,
            "requirements[0].field: limits count",
        ),
        (
            r#", "requirements": [{"kind": "window", "reject": "LATE"}]"#,
            "requirements[0].reject: unknown variant",
        ),
        (r#", "responses": {"accepted": "{color}"}"#, "responses.accepted: no rule"),
        (r#", "responses": {"rejected": {"LIMIT": "{"}}"#, "responses.rejected.LIMIT: a brace"),
        (r#", "database": "../x""#, "database: must be"),
        (r#", "open": "2026-05-01T20:00:00Z", "close": "2026-05-01T18:00:00Z""#, "close: must be after open"),
        (r#", "prizes": [{"name": "car", "count": 1, "one_in": 9}]"#, "prize_seed: must have"),
        (r#", "entry_points": [{"channel": "pigeon"}]"#, "entry_points[0].channel: unknown variant"),
    ] {
        let found = error(change);
        assert!(found.contains(expected), "{change}: {found}");
    }
}

#[test]
fn one_word_for_two_options_is_refused() {
    let found = Rules::from_json(
        r#"{"name": "c", "account": "demo", "kind": "vote", "extraction": [{"field": "choice", "kind": "enumeration",
            "options": [{"value": "1", "synonyms": ["One"]}, {"value": "2", "label": "ÖNE!"}]}]}"#,
    );
    assert_eq!(found.unwrap_err().to_string(), "extraction[0].options[1]: `ÖNE!` stands for `1` already");
}
