//! The program's hidden command runs scripts, confined as it is, with the program's own allocator.

use signalbox_invocation::{
    Account, Channel, Contact, Conversation, Device, Entry, Failure, Invocation, InvocationId, SubCampaign,
    SubCampaignKind, Version,
};
use signalbox_script::{Pool, Settings, WorkerCommand};

fn invocation(script: u32) -> Invocation {
    Invocation {
        id: InvocationId(1),
        version: Version { account: 1, script, version: 1 },
        entry: Entry::Begin,
        now: 0,
        seed: 1,
        test: false,
        account: Account { name: "acme".into(), channels: vec![Channel::Text] },
        contact: Contact { first_name: "Ann".into(), ..Contact::default() },
        device: Device::default(),
        conversation: Conversation::default(),
        sub_campaign: SubCampaign {
            id: 1,
            name: "s".into(),
            campaign: "c".into(),
            kind: SubCampaignKind::Outbound,
        },
        call_pass: None,
        attempt: None,
        stored: [].into(),
        answer: None,
        timed_out: false,
    }
}

#[test]
fn the_program_is_its_own_script_worker() {
    let worker = WorkerCommand {
        program: env!("CARGO_BIN_EXE_signalbox").into(),
        arguments: vec!["script-worker".into()],
    };
    let mut settings = Settings::new(worker);
    settings.limits.soft_ms = 500;
    settings.limits.hard_ms = 5_000;
    let pool = Pool::start(settings, |_| {}).unwrap();
    let script = |number, begin: &str| {
        let source = format!("function begin() {{ {begin} }}");
        pool.load(invocation(number).version, source).unwrap();
        pool.run(invocation(number)).wait()
    };
    assert_eq!(script(1, "log(`hello ${getContact().firstName}`)").unwrap().log, ["hello Ann"]);
    assert!(matches!(script(2, "const a = []; for (;;) a.push({});"), Err(Failure::TooLarge { .. })));
    assert!(matches!(script(3, "for (;;) {}"), Err(Failure::TooLong { .. } | Failure::TooMuch { .. })));
    for number in 4..60 {
        let body = "const a = []; for (let i = 0; i < 2e4; i++) a.push(i); log(a.length)";
        assert_eq!(script(number, body).unwrap().log, ["20000"]);
    }
}
