use signalbox_config::value::CONTACT_FIELDS;
use signalbox_invocation::{
    Account, CallPass, Contact, Conversation, Device, InvocationId, SubCampaign, SubCampaignKind, Version,
};

use super::*;

fn invocation(entry: Entry) -> Invocation {
    Invocation {
        id: InvocationId(1),
        version: Version { account: 1, script: 0, version: 0 },
        entry,
        now: 1_790_000_000_000_000,
        seed: 1,
        test: false,
        account: Account { name: "demo".into(), channels: Vec::new() },
        contact: Contact {
            client_id: "c-1".into(),
            first_name: "Ann".into(),
            last_name: "Lee".into(),
            company: "Example".into(),
            email: "ann@example.com".into(),
            ..Contact::default()
        },
        device: Device::default(),
        conversation: Conversation { source_address: "60777".into(), ..Conversation::default() },
        sub_campaign: SubCampaign {
            id: 1,
            name: "notice".into(),
            campaign: "service".into(),
            kind: SubCampaignKind::Outbound,
        },
        call_pass: Some(CallPass { id: 1, name: "first".into(), started_at: 0 }),
        attempt: None,
        stored: [].into(),
        answer: None,
        timed_out: false,
    }
}

#[test]
fn a_first_message_to_who_lacks_a_field_is_filtered_and_an_answer_is_not() {
    let text = "Dear {first_name} of {city}, {{ok}}";
    let first = filled(text, "alerts".into(), &invocation(Entry::Begin));
    assert_eq!(first.status, Status::BadData("missing: city".into()));
    assert_eq!(first.sends, []);
    let answer = filled(text, "alerts".into(), &invocation(Entry::MoHandler));
    assert_eq!((answer.status, answer.sends[0].text.as_str()), (Status::Ok, "Dear Ann of , {ok}"));
    assert_eq!(answer.log, ["`city` is missing"]);
    let mut known = invocation(Entry::Begin);
    known.contact.fields.insert("City".into(), "Bonn".into());
    let first = filled(text, "alerts".into(), &known);
    assert_eq!((first.status, first.sends[0].text.as_str()), (Status::Ok, "Dear Ann of Bonn, {ok}"));
}

/// What the catalog takes for a field of each contact is one.
#[test]
fn fields_that_the_catalog_knows_are_filled() {
    for field in CONTACT_FIELDS {
        let first = filled(&format!("{{{field}}}"), "alerts".into(), &invocation(Entry::Begin));
        assert_eq!(first.status, Status::Ok, "{field}");
    }
}
