use signalbox_flow::{Flow, run};
use signalbox_invocation::*;

/// 22 November 2026, 10:00 UTC, a Sunday.
pub const NOW: i64 = 1_795_341_600_000_000;

/// A contact with some fields, at the beginning of a conversation.
pub fn invocation() -> Invocation {
    Invocation {
        id: InvocationId(1),
        version: Version { account: 1, script: 1, version: 1 },
        entry: Entry::Begin,
        now: NOW,
        seed: 7,
        test: true,
        account: Account { name: "Bank".into(), channels: vec![Channel::Text] },
        contact: Contact {
            id: 1,
            client_id: "c-1".into(),
            first_name: "Ana".into(),
            last_name: "López".into(),
            fields: [
                ("due".to_owned(), "2026-12-01".to_owned()),
                ("Amount Due".to_owned(), "1200.5".to_owned()),
            ]
            .into(),
            ..Contact::default()
        },
        device: Device { address: "12065550100".into(), country: Some("US".into()), ..Device::default() },
        conversation: Conversation { source_address: "12345".into(), ..Conversation::default() },
        sub_campaign: SubCampaign {
            id: 1,
            name: "Autumn".into(),
            campaign: "Service".into(),
            kind: SubCampaignKind::Outbound,
        },
        call_pass: None,
        attempt: None,
        stored: Default::default(),
        answer: None,
        timed_out: false,
    }
}

/// A conversation that keeps what each outcome leaves, as the dialog server does.
pub struct Walk {
    pub flow: Flow,
    pub given: Invocation,
    pub wait: Option<Wait>,
}

impl Walk {
    pub fn of(flow: Flow) -> Self {
        Self { flow, given: invocation(), wait: None }
    }

    pub fn enter(&mut self, entry: Entry) -> Outcome {
        self.given.entry = entry;
        let outcome = run(&self.flow, &self.given, &Limits::default()).unwrap();
        for (kept, changes) in [
            (&mut self.given.conversation.variables, &outcome.variables),
            (&mut self.given.stored, &outcome.stored),
        ] {
            for (name, value) in changes {
                match value {
                    Some(value) => kept.insert(name.clone(), value.clone()),
                    None => kept.remove(name),
                };
            }
        }
        self.given.conversation.position.clone_from(&outcome.position);
        self.wait.clone_from(&outcome.wait);
        (self.given.attempt, self.given.answer, self.given.timed_out) = (None, None, false);
        outcome
    }

    pub fn begin(&mut self) -> Outcome {
        self.enter(Entry::Begin)
    }

    pub fn answer(&mut self, text: &str) -> Outcome {
        self.given.attempt = Some(attempt(text));
        self.enter(Entry::MoHandler)
    }

    pub fn time_out(&mut self) -> Outcome {
        let then = self.wait.take().unwrap().then;
        self.given.timed_out = true;
        self.enter(Entry::method(&then).unwrap())
    }

    pub fn web_answer(&mut self, then: &str, status: u16, body: &str) -> Outcome {
        let error = if status == 0 { "no connection".to_owned() } else { String::new() };
        self.given.answer = Some(WebAnswer { service: "crm".into(), status, body: body.into(), error });
        self.enter(Entry::method(then).unwrap())
    }
}

pub fn attempt(text: &str) -> ContactAttempt {
    ContactAttempt {
        id: "m".into(),
        side: Side::Mo,
        at: NOW,
        device: "12065550100".into(),
        source_address: "12345".into(),
        text: text.into(),
        status: String::new(),
        sub_campaign: "Autumn".into(),
        keyword: None,
    }
}

pub fn texts(outcome: &Outcome) -> Vec<&str> {
    outcome.sends.iter().map(|send| send.text.as_str()).collect()
}

/// A flow of these steps, the first of them being `a`.
pub fn document(steps: &str) -> String {
    format!(
        r#"{{"version": 1, "name": "test", "start": "a",
            "help": {{"program": "p", "text": "Help for @contact.first_name"}},
            "optOut": {{"program": "p", "text": "Bye @contact.first_name", "level": "enterprise"}},
            "optIn": {{"program": "p", "text": "Welcome back"}},
            "steps": {{{steps}}}}}"#
    )
}

pub fn flow(steps: &str) -> Flow {
    Flow::read(&document(steps)).unwrap_or_else(|problems| panic!("{problems}"))
}
