use signalbox_flow::{fill, fill_noting};
use signalbox_invocation::Value;

use crate::given::{NOW, invocation};

/// OPT-05.
#[test]
fn fixed_texts_are_filled_with_fields_and_variables() {
    let mut given = invocation();
    given.conversation.variables.insert("score".into(), Value::Number(8.0));
    given.stored.insert("last_visit".into(), Value::Date(NOW));
    for (text, filled) in [
        ("Hi {first_name} {Last Name}", "Hi Ana López"),
        (
            "{name}, due {due}: {amount_due} ({contact.fields.Amount Due})",
            "Ana López, due 2026-12-01: 1200.5 (1200.5)",
        ),
        ("{score} on {last_visit} from {source_address}", "8 on 2026-11-22 10:00 from 12345"),
        ("{account}: {campaign}", "Bank: Service"),
        ("{variable.score} {stored.last_visit} [{stored.score}]", "8 2026-11-22 10:00 []"),
        ("{{first_name}} {} { } {a:b} } {", "{first_name} {} { } {a:b} } {"),
        ("[{company}{nothing}]", "[]"),
    ] {
        assert_eq!(fill(text, &given), filled, "{text}");
    }
    assert_eq!(fill_noting("{company} {nothing}", &given).missing, ["company", "nothing"]);
}

#[test]
fn what_is_filled_in_is_not_filled_again_and_is_bounded() {
    let mut given = invocation();
    given.contact.first_name = "{last_name}".into();
    assert_eq!(fill("{first_name}", &given), "{last_name}");
    given.contact.first_name = "x".repeat(10_000);
    let filled = fill_noting("{first_name}{first_name}", &given);
    assert_eq!((filled.text.len(), filled.missing.len()), (10_000, 1));
}
