use std::convert::Infallible;

use super::*;
use crate::entry::Channel;
use crate::extract::extract;

/// A campaign's database in memory.
#[derive(Default)]
struct Memory {
    accepted: Vec<Submission>,
    codes: Vec<(String, Option<EntryId>)>,
}

impl Ledger for Memory {
    type Error = Infallible;

    fn of_participant(
        &mut self,
        who: &Participant,
        since: Option<Timestamp>,
        _: u64,
    ) -> Result<u64, Infallible> {
        let counts = |submission: &&Submission| {
            submission.participant == *who && since.is_none_or(|since| submission.received_at >= since)
        };
        Ok(self.accepted.iter().filter(counts).count() as u64)
    }

    fn total(&mut self) -> Result<u64, Infallible> {
        Ok(self.accepted.len() as u64)
    }

    fn code(&mut self, _: &str, code: &str) -> Result<CodeState, Infallible> {
        Ok(match self.codes.iter().find(|(known, _)| known == code) {
            None => CodeState::Unknown,
            Some((_, None)) => CodeState::Unused,
            Some((_, Some(entry))) => CodeState::Used(*entry),
        })
    }

    fn votes_left(&mut self, who: &Participant) -> Result<i64, Infallible> {
        Ok(-(self.accepted.iter().filter(|submission| submission.participant == *who).count() as i64))
    }

    fn winners(&mut self, prize: &str) -> Result<u64, Infallible> {
        Ok(self.accepted.iter().filter(|submission| submission.prize.as_deref() == Some(prize)).count()
            as u64)
    }

    fn accept(&mut self, submission: &Submission) -> Result<(), Infallible> {
        for (code, entry) in &mut self.codes {
            if submission.codes.iter().any(|(_, used)| used == code) {
                *entry = Some(submission.entry);
            }
        }
        self.accepted.push(submission.clone());
        Ok(())
    }
}

fn rules(more: &str) -> Rules {
    Rules::from_json(&format!(
        r#"{{"name": "c", "account": "demo", "kind": "vote", "state": "open", "time_zone": "Europe/Berlin",
            "open": "2026-05-01T18:00:00Z", "close": "2026-05-03T20:00:00Z",
            "extraction": [{{"field": "choice", "kind": "token"}}, {{"field": "code", "kind": "code", "batch": "b",
                "required": false, "length": 11}}, {{"field": "born", "kind": "date", "required": false}}] {more}}}"#
    ))
    .unwrap()
}

fn entry(text: &str, received_at: &str) -> RawEntry {
    RawEntry {
        id: EntryId(text.len() as u128),
        channel: Channel::Sms,
        from: "+4917612345678".into(),
        to: "70650".into(),
        text: text.into(),
        carrier: Some("d1".into()),
        received_at: received_at.parse().unwrap(),
        smsc_at: None,
    }
}

fn ask(rules: &Rules, ledger: &mut Memory, entry: &RawEntry, facts: &Facts) -> String {
    if let Some(code) = rules.refusal(entry) {
        return code.to_string();
    }
    let extracted = extract(rules, entry).unwrap();
    let Ok(judged) = rules.judge(entry, &extracted[0], 0, facts, ledger);
    judged.map_or_else(
        |code| code.to_string(),
        |submission| format!("ok{}", submission.prize.unwrap_or_default()),
    )
}

#[test]
fn the_window_is_judged_by_the_time_of_the_smsc_with_grace_behind_it() {
    let rules = rules("");
    let at = |received_at: &str, smsc_at: Option<&str>| {
        let mut entry = entry("a", received_at);
        entry.smsc_at = smsc_at.map(|at| at.parse().unwrap());
        ask(&rules, &mut Memory::default(), &entry, &Facts::default())
    };
    assert_eq!(at("2026-05-01T17:59:59Z", None), "NOT_OPEN");
    assert_eq!(at("2026-05-01T18:00:00Z", None), "ok");
    assert_eq!(at("2026-05-01T18:00:01Z", Some("2026-05-01T17:59:59Z")), "NOT_OPEN");
    assert_eq!(at("2026-05-03T20:00:00Z", None), "CLOSED");
    assert_eq!(at("2026-05-03T20:01:59Z", Some("2026-05-03T19:59:59Z")), "ok");
    assert_eq!(at("2026-05-03T20:02:00Z", Some("2026-05-03T19:59:59Z")), "CLOSED");
    // A clock that is ahead opens nothing early.
    assert_eq!(at("2026-05-01T17:00:00Z", Some("2026-05-01T19:00:00Z")), "NOT_OPEN");
}

#[test]
fn only_an_open_campaign_takes_entries() {
    for (state, expected) in [
        (State::Draft, "NOT_OPEN"),
        (State::Ready, "NOT_OPEN"),
        (State::Suspended, "NOT_OPEN"),
        (State::Open, "ok"),
        (State::Closed, "CLOSED"),
        (State::Tallied, "CLOSED"),
        (State::Archived, "CLOSED"),
    ] {
        let rules = Rules { state, ..rules("") };
        let entry = entry("a", "2026-05-02T00:00:00Z");
        assert_eq!(ask(&rules, &mut Memory::default(), &entry, &Facts::default()), expected);
    }
}

#[test]
fn each_requirement_rejects_with_its_code() {
    let barred = Facts { barred: true, ..Facts::default() };
    let welcomed = Facts { opted_in: true, ..Facts::default() };
    let regretted = Facts { opted_in: true, barred: true, ..Facts::default() };
    let stepped = Facts { steps: vec!["first".into()], ..Facts::default() };
    let nothing = Facts::default();
    for (requirement, text, facts, expected) in [
        (r#""kind": "one_of", "field": "choice", "values": ["Ä"]"#, "A", &nothing, "ok"),
        (r#""kind": "one_of", "field": "choice", "values": ["b"]"#, "a", &nothing, "BAD_OPTION"),
        (r#""kind": "format", "field": "choice", "pattern": "^[a-c]$""#, "b", &nothing, "ok"),
        (r#""kind": "format", "field": "choice", "pattern": "^[a-c]$""#, "d", &nothing, "BAD_FORMAT"),
        (r#""kind": "checksum", "field": "code""#, "a 79927398713", &nothing, "ok"),
        (r#""kind": "checksum", "field": "code""#, "a 79927398714", &nothing, "BAD_FORMAT"),
        (r#""kind": "checksum", "field": "code""#, "a", &nothing, "ok"),
        (r#""kind": "code_unused", "field": "code""#, "a", &nothing, "BAD_FORMAT"),
        (r#""kind": "code_unused", "field": "code""#, "a 79927398713", &nothing, "CODE_UNKNOWN"),
        (r#""kind": "code_unused", "field": "code""#, "a usedusedone", &nothing, "CODE_USED"),
        (
            r#""kind": "code_unused", "field": "code", "reject": "DUPLICATE""#,
            "a usedusedone",
            &nothing,
            "DUPLICATE",
        ),
        (r#""kind": "code_unused", "field": "code""#, "a newnewnew12", &nothing, "ok"),
        (r#""kind": "range", "field": "choice", "min": 3"#, "3", &nothing, "ok"),
        (r#""kind": "range", "field": "choice", "max": 3"#, "4", &nothing, "BAD_FORMAT"),
        (r#""kind": "carrier", "carriers": ["d1"]"#, "a", &nothing, "ok"),
        (r#""kind": "carrier", "carriers": ["d2"]"#, "a", &nothing, "INELIGIBLE"),
        (r#""kind": "country", "countries": ["DE"]"#, "a", &nothing, "ok"),
        (r#""kind": "country", "countries": ["US"]"#, "a", &nothing, "INELIGIBLE"),
        (r#""kind": "consent", "field": "choice""#, "Sí", &nothing, "ok"),
        (r#""kind": "consent", "field": "choice""#, "no", &nothing, "INELIGIBLE"),
        (r#""kind": "age", "field": "born", "limit": 18"#, "a 2.5.2008", &nothing, "ok"),
        (r#""kind": "age", "field": "born", "limit": 18"#, "a 3.5.2008", &nothing, "INELIGIBLE"),
        (r#""kind": "age", "field": "born", "limit": 18"#, "a", &nothing, "INELIGIBLE"),
        (r#""kind": "not_barred""#, "a", &nothing, "ok"),
        (r#""kind": "not_barred""#, "a", &barred, "BARRED"),
        (r#""kind": "opted_in""#, "a", &welcomed, "ok"),
        (r#""kind": "opted_in""#, "a", &nothing, "INELIGIBLE"),
        (r#""kind": "opted_in""#, "a", &regretted, "INELIGIBLE"),
        (r#""kind": "step_done", "step": "first""#, "a", &stepped, "ok"),
        (r#""kind": "step_done", "step": "first""#, "a", &nothing, "INELIGIBLE"),
        (r#""kind": "confidence", "field": "choice", "limit": 95"#, "a", &nothing, "ok"),
        (r#""kind": "confidence", "field": "choice", "limit": 95"#, "a b", &nothing, "BAD_FORMAT"),
        (r#""kind": "max_total", "limit": 0"#, "a", &nothing, "LIMIT"),
        (r#""kind": "max_total", "limit": 0, "reject": "CLOSED""#, "a", &nothing, "CLOSED"),
        (r#""kind": "not_barred"}, {"kind": "max_total", "limit": 0"#, "a", &barred, "BARRED"),
        (r#""kind": "max_total", "limit": 0}, {"kind": "not_barred""#, "a", &barred, "LIMIT"),
    ] {
        let codes = vec![("USEDUSEDONE".to_owned(), Some(EntryId(99))), ("NEWNEWNEW12".to_owned(), None)];
        let mut ledger = Memory { codes, ..Memory::default() };
        let rules = rules(&format!(r#", "requirements": [{{{requirement}}}]"#));
        let found = ask(&rules, &mut ledger, &entry(text, "2026-05-02T00:00:00Z"), facts);
        assert_eq!(found, expected, "{requirement} {text}");
        assert_eq!(ledger.accepted.len(), usize::from(expected == "ok"));
    }
}

#[test]
fn limits_are_counted_over_their_spans() {
    let limited = |per: &str| {
        rules(&format!(
            r#", "requirements": [{{"kind": "max_per_participant", "limit": 2, "per": "{per}"}}]"#
        ))
    };
    let times = [
        "2026-05-01T20:30:00Z",
        "2026-05-01T21:00:00Z",
        "2026-05-01T21:29:59Z",
        "2026-05-01T21:30:00Z",
        // The day of Berlin ends at 22:00.
        "2026-05-01T22:00:00Z",
        "2026-05-02T21:59:59Z",
        "2026-05-02T22:00:00Z",
    ];
    for (per, expected) in [
        ("hour", ["ok", "ok", "LIMIT", "ok", "ok", "ok", "ok"]),
        ("day", ["ok", "ok", "LIMIT", "LIMIT", "ok", "ok", "ok"]),
        ("campaign", ["ok", "ok", "LIMIT", "LIMIT", "LIMIT", "LIMIT", "LIMIT"]),
    ] {
        let (rules, mut ledger) = (limited(per), Memory::default());
        let found = times.map(|at| ask(&rules, &mut ledger, &entry("a", at), &Facts::default()));
        assert_eq!(found, expected, "{per}");
    }
}

#[test]
fn prepaid_votes_run_out() {
    let (rules, mut ledger) = (rules(r#", "prepaid": 2"#), Memory::default());
    let found =
        [1, 2, 3].map(|_| ask(&rules, &mut ledger, &entry("a", "2026-05-02T00:00:00Z"), &Facts::default()));
    assert_eq!(found, ["ok", "ok", "LIMIT"]);
}

#[test]
fn prizes_are_won_by_one_in_so_many_while_there_are_some() {
    let prizes =
        r#", "prize_seed": "0123456789abcdef", "prizes": [{"name": "car", "count": 3, "one_in": 10}]"#;
    let won = |seed: &str| {
        let (rules, mut ledger) = (rules(&prizes.replace("0123456789abcdef", seed)), Memory::default());
        (0..200u32)
            .filter(|number| {
                let mut entry = entry("a", "2026-05-02T00:00:00Z");
                entry.id = EntryId((*number).into());
                ask(&rules, &mut ledger, &entry, &Facts::default()) == "okcar"
            })
            .collect::<Vec<u32>>()
    };
    let first = won("0123456789abcdef");
    assert_eq!(first.len(), 3);
    assert_eq!(first, won("0123456789abcdef"));
    assert_ne!(first, won("fedcba9876543210"));
}

#[test]
fn answers_are_filled_limited_and_never_sent_to_barred_numbers() {
    let rules = rules(
        r#", "responses": {"accepted": "Thanks for {choice}", "won": "A {prize} for you",
            "rejected": {"LIMIT": "Enough of {choice}", "BARRED": "never"}, "rejected_per_hour": 2}"#,
    );
    let found = extract(&rules, &entry("a", "2026-05-02T00:00:00Z")).unwrap();
    let (known, barred) = (Facts::default(), Facts { barred: true, ..Facts::default() });
    let text = |text: &str| Reply::Text(text.to_owned());
    assert_eq!(rules.thanks(found.first(), None, &known), text("Thanks for a"));
    assert_eq!(rules.thanks(found.first(), Some("car"), &known), text("A car for you"));
    assert_eq!(rules.thanks(found.first(), None, &barred), Reply::None(NoReply::Barred));
    assert_eq!(rules.regret(RejectCode::Limit, found.first(), 1, &known), text("Enough of a"));
    assert_eq!(rules.regret(RejectCode::Limit, None, 0, &known), text("Enough of "));
    assert_eq!(rules.regret(RejectCode::Limit, None, 2, &known), Reply::None(NoReply::TooMany));
    assert_eq!(rules.regret(RejectCode::Closed, None, 0, &known), Reply::None(NoReply::NoText));
    assert_eq!(rules.regret(RejectCode::Barred, None, 0, &known), Reply::None(NoReply::Barred));
    assert_eq!(rules.regret(RejectCode::Limit, None, 0, &barred), Reply::None(NoReply::Barred));
}

/// CM-15: not open, over, or what must come first is not done.
#[test]
fn a_campaign_that_is_not_enabled_says_so() {
    let rules = rules(
        r#", "responses": {"not_enabled": "Not now.", "rejected": {"CLOSED": "It is over."}, "rejected_per_hour": 3}"#,
    );
    let told = |code| rules.regret(code, None, 0, &Facts::default());
    let text = |text: &str| Reply::Text(text.to_owned());
    assert_eq!(told(RejectCode::NotOpen), text("Not now."));
    assert_eq!(told(RejectCode::Ineligible), text("Not now."));
    assert_eq!(told(RejectCode::Closed), text("It is over."));
    assert_eq!(told(RejectCode::BadFormat), Reply::None(NoReply::NoText));
    assert_eq!(rules.regret(RejectCode::NotOpen, None, 3, &Facts::default()), Reply::None(NoReply::TooMany));
}
