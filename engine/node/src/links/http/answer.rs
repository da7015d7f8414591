//! What an aggregator's answer means.
//!
//! | status | class |
//! |---|---|
//! | 429; 503 with Retry-After | throttling |
//! | 408, 425, other 5xx | temporary |
//! | 3xx (redirects are not followed), 401, 402, 403, 404, 405, 407 | fatal: the link is not what we think, or not paid |
//! | all others | permanent: they name what is wrong with the message |
//!
//! The codes of the link's `answer` go before its own table of statuses, and that goes before this one. A status of
//! `answer.doubtful`, and a good one whose body says nothing of what it should, leave the message in doubt.

use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use bytes::Bytes;
use signalbox_config::catalog::{self as rows, HttpAnswer};
use signalbox_config::value::Place;
use signalbox_core::exchange::Answer;
use signalbox_core::outcome::ErrorClass;
use signalbox_core::time::Micros;
use signalbox_smpp::CommandStatus;

use super::found::Document;
use crate::links::settings::{LinkRules, error_class};

/// Longest id that is kept.
const ID: usize = 255;

/// An answer, and the pause that it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub answer: Answer,
    pub pause: Option<Duration>,
}

/// Judges an answer with this status.
pub(super) fn judge(
    wants: &HttpAnswer,
    rules: &LinkRules,
    status: u16,
    answer: &Document<'_>,
    now: Micros,
) -> Verdict {
    let asked = retry_after(answer, now);
    let pause = asked.map(|pause| pause.min(wants.max_pause.duration()));
    let refused = |class| {
        let status = rules.status_in.apply(CommandStatus(status.into())).0;
        Verdict { answer: Answer::Refused { class, status }, pause }
    };
    let silent = Verdict { answer: Answer::Silent, pause };
    let code = answer.at(&wants.code_at);
    let is_good = |code: &String| wants.good_codes.iter().any(|good| good.as_str() == code);
    let listed = |code: &String| {
        wants.codes.iter().find(|(listed, _)| listed.as_str() == code).map(|(_, class)| error_class(*class))
    };
    if !wants.success.iter().any(|success| success.contains(status)) {
        if let Some(class) = code.as_ref().and_then(listed) {
            return refused(class);
        }
        if wants.doubtful.iter().any(|doubtful| doubtful.contains(status)) {
            return silent;
        }
        let own = rules.errors.own(CommandStatus(status.into()));
        return refused(own.unwrap_or_else(|| class_of(status, asked.is_some())));
    }
    match &code {
        Some(code) if is_good(code) => {}
        Some(code) => return refused(listed(code).unwrap_or(error_class(wants.other_codes))),
        // It promised a code: this may be anybody's page.
        None if !wants.good_codes.is_empty() && wants.code_at != Place::None => return silent,
        None => {}
    }
    match (&wants.id_at, answer.at(&wants.id_at)) {
        (Place::None, _) => taken(Bytes::new()),
        (_, Some(id)) if !id.is_empty() && id.len() <= ID => taken(id.into()),
        (_, Some(_) | None) => silent,
    }
}

fn taken(remote_id: Bytes) -> Verdict {
    Verdict { answer: Answer::Taken { remote_id }, pause: None }
}

fn class_of(status: u16, asks_for_pause: bool) -> ErrorClass {
    match status {
        429 => ErrorClass::Throttling,
        503 if asks_for_pause => ErrorClass::Throttling,
        408 | 425 | 500.. => ErrorClass::Temporary,
        401..=405 | 407 | ..=399 => ErrorClass::Fatal,
        _ => ErrorClass::Permanent,
    }
}

/// Retry-After in seconds or as a date (RFC 9110 cl. 10.2.3).
fn retry_after(answer: &Document<'_>, now: Micros) -> Option<Duration> {
    let text = answer.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Micros(at.as_microsecond()).since(now))
}

/// A word of a row in the domain's form.
pub(super) fn state_of(word: rows::ReceiptWord) -> signalbox_core::message::ReceiptState {
    use rows::ReceiptWord;
    use signalbox_core::message::ReceiptState;
    match word {
        ReceiptWord::Enroute => ReceiptState::Enroute,
        ReceiptWord::Delivered => ReceiptState::Delivered,
        ReceiptWord::Expired => ReceiptState::Expired,
        ReceiptWord::Deleted => ReceiptState::Deleted,
        ReceiptWord::Undeliverable => ReceiptState::Undeliverable,
        ReceiptWord::Accepted => ReceiptState::Accepted,
        ReceiptWord::Unknown => ReceiptState::Unknown,
        ReceiptWord::Rejected => ReceiptState::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use signalbox_config::Catalog;

    use super::*;
    use crate::links::map::{ErrorTable, StatusMap};

    fn wants(lines: &str) -> HttpAnswer {
        let text = format!(
            "[[link]]\nname = 'l'\nprotocol = 'http'\nhttp = {{ url = 'http://h/' }}\n[link.http.answer]\n{lines}"
        )
        .replace("http = { url = 'http://h/' }\n", "[link.http]\nurl = 'http://h/'\n");
        let catalog = Catalog::parse("c", &text).unwrap_or_else(|errors| panic!("{errors}"));
        catalog.link[0].http.clone().unwrap().answer
    }

    fn verdict(lines: &str, rules: &LinkRules, status: u16, header: Option<&str>, body: &str) -> Verdict {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert("retry-after", value.parse().unwrap());
        }
        let document = Document::new(&headers, body.as_bytes(), Vec::new());
        judge(&wants(lines), rules, status, &document, Micros(784_111_777_000_000))
    }

    fn answer(lines: &str, status: u16, body: &str) -> Answer {
        verdict(lines, &LinkRules::default(), status, None, body).answer
    }

    fn class(answer: Answer) -> Option<ErrorClass> {
        match answer {
            Answer::Refused { class, .. } => Some(class),
            Answer::Taken { .. } | Answer::Joined { .. } | Answer::Silent => None,
        }
    }

    #[test]
    fn the_documented_table_holds() {
        for (status, meant) in [
            (429, ErrorClass::Throttling),
            (503, ErrorClass::Temporary),
            (408, ErrorClass::Temporary),
            (500, ErrorClass::Temporary),
            (502, ErrorClass::Temporary),
            (301, ErrorClass::Fatal),
            (401, ErrorClass::Fatal),
            (402, ErrorClass::Fatal),
            (403, ErrorClass::Fatal),
            (404, ErrorClass::Fatal),
            (400, ErrorClass::Permanent),
            (406, ErrorClass::Permanent),
            (422, ErrorClass::Permanent),
        ] {
            let Answer::Refused { class, status: told } = answer("", status, "") else { panic!("{status}") };
            assert_eq!((class, told), (meant, u32::from(status)));
        }
        assert_eq!(answer("", 504, ""), Answer::Silent);
        assert_eq!(answer("", 202, r#"{"id": "A1"}"#), Answer::Taken { remote_id: "A1".into() });
        assert_eq!(answer("id_at = 'none'", 204, ""), Answer::Taken { remote_id: Bytes::new() });
    }

    #[test]
    fn a_good_status_that_says_nothing_of_the_message_is_doubt() {
        for body in ["", "<html>log in here</html>", r#"{"id": null}"#, r#"{"id": ""}"#] {
            assert_eq!(answer("", 200, body), Answer::Silent, "{body}");
        }
        let long = format!(r#"{{"id": "{}"}}"#, "x".repeat(256));
        assert_eq!(answer("", 200, &long), Answer::Silent);
    }

    #[test]
    fn codes_say_more_than_the_status() {
        let lines = "code_at = '/error'\ngood_codes = ['0']\nother_codes = 'temporary'\n\
                     codes = { rate = 'throttling', 12 = 'permanent' }";
        let good = r#"{"error": 0, "id": 7}"#;
        assert_eq!(answer(lines, 200, good), Answer::Taken { remote_id: "7".into() });
        assert_eq!(class(answer(lines, 200, r#"{"error": "rate"}"#)), Some(ErrorClass::Throttling));
        assert_eq!(class(answer(lines, 200, r#"{"error": 12}"#)), Some(ErrorClass::Permanent));
        assert_eq!(class(answer(lines, 200, r#"{"error": 13}"#)), Some(ErrorClass::Temporary));
        assert_eq!(class(answer(lines, 500, r#"{"error": 12}"#)), Some(ErrorClass::Permanent));
        assert_eq!(answer(lines, 200, r#"{"id": 7}"#), Answer::Silent);
        // Where no code is good, its absence is.
        let lines = "code_at = '/error'\ngood_codes = []";
        assert_eq!(answer(lines, 200, r#"{"id": 7}"#), Answer::Taken { remote_id: "7".into() });
        assert_eq!(class(answer(lines, 200, r#"{"id": 7, "error": "x"}"#)), Some(ErrorClass::Permanent));
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_by_a_date() {
        let rules = LinkRules::default();
        let with = |status, value| verdict("", &rules, status, Some(value), "");
        assert_eq!(with(429, "30").pause, Some(Duration::from_secs(30)));
        assert_eq!(with(429, "86400").pause, Some(Duration::from_secs(300)));
        assert_eq!(with(503, "Sun, 06 Nov 1994 08:50:37 GMT").pause, Some(Duration::from_secs(60)));
        assert_eq!(with(503, "Sun, 06 Nov 1994 08:00:00 GMT").pause, Some(Duration::ZERO));
        assert_eq!(with(503, "soon").pause, None);
        assert_eq!(class(with(503, "1").answer), Some(ErrorClass::Throttling));
        assert_eq!(class(with(503, "soon").answer), Some(ErrorClass::Temporary));
    }

    #[test]
    fn a_links_own_tables_go_first() {
        let rules = LinkRules {
            errors: ErrorTable::new([(404, ErrorClass::Permanent)]),
            status_in: StatusMap::new([(404, 0x0b)]),
            ..LinkRules::default()
        };
        let refused = Answer::Refused { class: ErrorClass::Permanent, status: 0x0b };
        assert_eq!(verdict("", &rules, 404, None, "").answer, refused);
    }
}
