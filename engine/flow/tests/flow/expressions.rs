use signalbox_flow::run;
use signalbox_invocation::{CallPass, Failure, Limits, Value};

use crate::given::{attempt, document, invocation};
use signalbox_flow::Flow;

/// What a template becomes, or why not.
fn written(template: &str) -> Result<String, String> {
    let text = serde_json::to_string(template).unwrap();
    let document = document(&format!(r#""a": {{"kind": "send", "program": "p", "text": {text}}}"#));
    let flow = Flow::read(&document).map_err(|problems| problems.0[0].message.clone())?;
    let mut given = invocation();
    given.attempt = Some(attempt("Well, YES: I'd say 7,5 (Ana.Lopez@example.com, +1 206-555-0101)"));
    given.conversation.variables.insert("score".into(), Value::Number(8.0));
    given.conversation.variables.insert("born".into(), Value::Date(1_795_341_600_000_000));
    given.stored.insert("best".into(), Value::Number(1_234_567.891));
    given.call_pass = Some(CallPass { id: 7, name: "second".into(), started_at: 1_795_341_600_000_000 });
    match run(&flow, &given, &Limits::default()) {
        Ok(outcome) => Ok(outcome.sends[0].text.clone()),
        Err(Failure::Threw { message, .. }) => Err(message),
        Err(failure) => Err(failure.to_string()),
    }
}

#[test]
fn templates_and_expressions_are_written_so() {
    for (template, text) in [
        ("Hi @contact.first_name.", "Hi Ana."),
        ("mail info@example.com or @@ana", "mail info@example.com or @ana"),
        ("@contact.fields.due", "2026-12-01"),
        ("@(contact.fields['Amount Due'])", "1200.5"),
        ("@contact.company!", "!"),
        ("@score, @variables.score, @stored.best", "8, 8, 1234567.891"),
        ("@(upper(contact.first_name) & '-' & len('añb'))", "ANA-3"),
        ("@pass.id @pass.name @(format_date(pass.started_at, '%F'))", "7 second 2026-11-22"),
        ("@(1 + 2 * 3 - -4 / 2)", "9"),
        ("@((1 + 2) * 3 % 4)", "1"),
        ("@(0.1 + 0.2)", "0.3"),
        ("@(score >= 8 and not (score = 9))", "yes"),
        ("@('Yes' = ' yés! ')", "yes"),
        ("@('10' > 9)", "yes"),
        ("@('abc' < 'abd' or 1 / 0)", "yes"),
        ("@(if(score > 5, 'good', 1 / 0))", "good"),
        ("@(nothing + 1)", "1"),
        ("@(default(nothing, 'none'))", "none"),
        ("@(title('o\\'neil SMITH'))", "O'neil Smith"),
        ("@(left('Ünder', 2) & right('Ünder', 2) & mid('Ünder', 2, 2))", "Ünernd"),
        ("@(replace('a-b-c', '-', '+'))", "a+b+c"),
        ("@(word('one, two three', 1) & word('one two three', -1) & word_count('a b'))", "onethree2"),
        ("@(plural(1, 'point', 'points')) @(plural(2, 'point', 'points'))", "point points"),
        ("@(round(2.345, 2)) @(round(-2.5)) @(floor(-1.2)) @(ceil(1.2)) @(abs(-3))", "2.35 -3 -2 2 3"),
        ("@(min(3, 1, 2)) @(max(3, '10'))", "1 10"),
        ("@(format_number(stored.best, 2)) @(format_number(1234.5, 2, '.', ','))", "1,234,567.89 1.234,50"),
        (
            "@(number(answer)) @(email(answer)) @(phone('call +1 206-555-0101 now'))",
            "7.5 Ana.Lopez@example.com 12065550101",
        ),
        ("@(has_any_word(answer, 'no yes')) @(has_all_words(answer, 'no yes'))", "yes no"),
        ("@(has_phrase(answer, \"i'd SAY\")) @(has_only_phrase('Oui!', 'OUI'))", "yes yes"),
        ("@(has_beginning('Stopping', 'stop')) @(starts_with('Stopping', 'stop'))", "no yes"),
        ("@(has_number_between(answer, 7, 8)) @(has_number('seven'))", "yes no"),
        ("@(is_choice('Yes please', 'y|yes|sure')) @(contains('Grüße', 'gruss'))", "yes yes"),
        ("@(has_pattern('AB-12', '^[a-z]{2}-\\d+$')) @(match('id 42!', '(\\d+)', 1))", "yes 42"),
        ("@(json('{\"a\": [{\"b\": true}, 2]}', 'a.0.b')) @(json('[1.5]', '0'))", "yes 1.5"),
        ("@now @(today())", "2026-11-22 10:00 2026-11-22"),
        ("@(format_date(contact.fields.due, '%A, %-d %B')) @(weekday(now))", "Tuesday, 1 December 7"),
        ("@(add_days('2026-01-31', 1)) @(add_months('2026-01-31', 1))", "2026-02-01 2026-02-28"),
        ("@(days_between(now, contact.fields.due)) @(minutes_between(now, add_hours(now, 2)))", "9 120"),
        ("@(date('5th of Nov 2026 at 2:30 pm')) @(date('11/5/26'))", "2026-11-05 14:30 2026-11-05"),
        ("@(date('tomorrow')) @(date('feb 29'))", "2026-11-23 2028-02-29"),
        ("@(date('2026-11-22T18:30'))", "2026-11-22 18:30"),
        ("@(year(born) + month(born) + day(born) + hour(born))", "2069"),
        ("@(has_date('never')) @(has_email('a@b')) @(has_phone('no'))", "no no no"),
        ("@(fold('  É ! ')) @(digits('a1b2')) @(trim(' x ')) @(lower('ÀB'))", "e ! 12 x àb"),
    ] {
        assert_eq!(written(template), Ok(text.to_owned()), "{template}");
    }
}

#[test]
fn what_cannot_be_done_says_where() {
    for (template, wrong) in [
        ("@(1 +)", "`)` stands where a value was expected (column 6)"),
        ("@(1 2)", "an operator or `)` was expected (column 5)"),
        ("@(upper())", "`upper` takes 1 argument, not 0 (column 3)"),
        ("@(uper(1))", "there is no function `uper` (column 3)"),
        ("@('abc)", "the text in ' has no end (column 3)"),
        ("ü @(1 ? 2)", "`?` means nothing here (column 7)"),
        (
            "@contact.firstname",
            "`contact` has no `firstname`; it has first_name, last_name, name, company, email, client_id and fields.NAME (column 2)",
        ),
        ("@contact", "`contact` needs a name behind it, as in `contact.first_name` (column 2)"),
        ("@(has_pattern(answer, '('))", "the regular expression cannot be read: unclosed group (column 3)"),
        (
            "@(has_pattern(answer, answer))",
            "the pattern of `has_pattern` is a text in quotes, not computed (column 3)",
        ),
        ("@(1 / 0)", "division by nought (column 5)"),
        ("@('x' + 1)", "`x` is no number (column 7)"),
        ("@(round('x'))", "round: `x` is no number (column 3)"),
        ("@(date('never'))", "date: `never` is no date (column 3)"),
        ("@(add_days(now, 1000000000000))", "add_days: the date is out of range (column 3)"),
    ] {
        assert_eq!(written(template), Err(wrong.to_owned()), "{template}");
    }
}

#[test]
fn chance_comes_from_the_seed() {
    let template = "@(random(1, 1000000)) @(random(1, 1000000)) @(pick('a', 'b'))";
    let drawn = written(template).unwrap();
    assert_eq!(written(template).unwrap(), drawn);
    let mut words = drawn.split(' ');
    assert_ne!(words.next(), words.next(), "each draw is another");
}

/// The table of functions in docs/interfaces/flows.md is this one.
#[test]
fn every_function_is_described() {
    let path = crate::schema::root().join("docs/interfaces/flows.md");
    let described = std::fs::read_to_string(path).unwrap();
    for function in signalbox_flow::FUNCTIONS {
        let (arguments, gives) = function.about.split_once(": ").unwrap();
        let row = format!("| `{}{arguments}` | {gives} |", function.name);
        assert!(described.contains(&row), "docs/interfaces/flows.md has no row {row}");
    }
}
