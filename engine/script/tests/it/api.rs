//! What scripts read and what they want (API, TXS).

use signalbox_invocation::{
    Channel, Cut, Failure, Level, OptChange, OptSubject, Send, Status, Value, Wait, WebCall,
};

use crate::given::{begin, invocation, logged, run, script};

#[test]
fn a_text_is_built_from_a_contact_field_and_sent_with_its_program() {
    let source = script(
        r#"const who = getContact();
           sendTextMessage("welcome", `Hello ${who.firstName} from ${who.field("city")}{}[]`);
           sendTextMessage("welcome", "and more");
           sendLongTextMessage("story", "x".repeat(400));"#,
    );
    let outcome = run(&source, &invocation(1, "begin")).unwrap();
    let send = |program: &str, text: &str, cut| Send { program: program.into(), text: text.into(), cut };
    assert_eq!(
        outcome.sends,
        [
            send("welcome", "Hello Ann from Köln{}[]", Cut::Whole),
            send("welcome", "and more", Cut::Whole),
            send("story", &"x".repeat(400), Cut::Separate),
        ]
    );
    assert_eq!(outcome.cost.calls, 4);
}

#[test]
fn entities_are_readable() {
    let lines = logged(
        r#"const c = getContact(), d = getDevice(), v = getConversation(), a = getContactAttempt();
           log(c.id, c.clientId, c.lastName, c.company, c.email, c.devices.length, c.devices[0].kind);
           log(c.field("nothing") === "", c.field("toString") === "", c.fields.city, c.field("__proto__"));
           log(d.address, d.line, d.carrier, d.country, d.isWireless, isWireless(), isWireless(c.devices[0]));
           log(v.id, v.sourceAddress, v.attempts.map((m) => `${m.side}:${m.text}`).join(), v.elsewhere[0].text);
           log(a.side, a.text, a.at.toISOString(), a.keyword, a.status, a.subCampaign, a.sourceAddress);
           const s = getSubCampaign(), p = getCallPass(), k = getAccount(), x = getScriptContext();
           log(s.name, s.campaign, s.kind, p.id, p.name, p.startedAt.toISOString(), k.name, k.can("text"), k.can("email"));
           log(x.entry, x.version, x.test, x.timedOut, x.softMilliseconds, x.ticks, x.now.toISOString());
           const w = getWebAnswer();
           log(w.service, w.status, w.json().level, getStoredValue("verified").toISOString());"#,
    );
    assert_eq!(
        lines,
        [
            "9 c-9 Müller ACME ann@example.org 1 cell",
            "true true Köln odd",
            "15550001111 wireless Carrier US true true true",
            "v-1 78887 mt:how old are you?,mo:41 other",
            "mo hello 2026-03-01T12:29:45.678Z null delivered spring 78887",
            "spring survey outbound 5 pass one 2026-02-25T06:13:20.000Z acme true false",
            "begin 1 false false 200 1000 2026-03-01T12:30:45.678Z",
            "crm 200 gold 2026-03-01T11:30:45.678Z",
        ]
    );
}

#[test]
fn what_is_not_there_is_null() {
    let mut given = invocation(1, "begin");
    (given.call_pass, given.attempt, given.answer) = (None, None, None);
    let source = script("log(getCallPass(), getContactAttempt(), getWebAnswer());");
    assert_eq!(run(&source, &given).unwrap().log, ["null null null"]);
}

#[test]
fn session_variables_are_numbers_strings_and_dates() {
    let outcome = begin(
        r#"const v = getConversation();
           log(v.get("age") + 1, v.get("name"), v.get("since").getTime(), v.get("none"), v.names().join());
           v.set("age", 42); v.set("born", new Date(0)); v.set("word", "yes"); v.remove("name"); v.remove("none");
           log(v.get("age"), v.get("name"));
           setStoredValue("verified", new Date()); removeStoredValue("nothing");"#,
    )
    .unwrap();
    assert_eq!(outcome.log, ["42 Ann 1772368245678 undefined age,name,since", "42 undefined"]);
    assert_eq!(
        outcome.variables,
        [
            ("age".to_owned(), Some(Value::Number(42.0))),
            ("born".to_owned(), Some(Value::Date(0))),
            ("word".to_owned(), Some(Value::from("yes"))),
            ("name".to_owned(), None),
        ]
    );
    assert_eq!(outcome.stored, [("verified".to_owned(), Some(Value::Date(crate::given::NOW)))]);
    for wrong in ["true", "{}", "NaN", "new Date(NaN)", "undefined", "null", "() => 1"] {
        let failure = begin(&format!("getConversation().set('x', {wrong})")).unwrap_err();
        assert!(matches!(failure, Failure::Threw { .. }), "{wrong}: {failure}");
    }
}

#[test]
fn the_next_action_is_a_method_of_the_script() {
    let source = format!(
        "{}\nfunction askAge() {{ log('asked'); }}",
        script("getConversation().set('nextAction', 'askAge')")
    );
    let outcome = run(&source, &invocation(1, "begin")).unwrap();
    assert_eq!(outcome.variables, [("nextAction".to_owned(), Some(Value::from("askAge")))]);
    assert_eq!(run(&source, &invocation(1, "askAge")).unwrap().log, ["asked"]);
    let failure = run(&source, &invocation(1, "askName")).unwrap_err();
    assert_eq!(failure, Failure::NoMethod("askName".to_owned()));
    let failure = begin("getConversation().set('nextAction', 'nowhere')").unwrap_err();
    assert!(matches!(&failure, Failure::Threw { message, .. } if message.contains("`nowhere`")), "{failure}");
}

#[test]
fn everything_that_can_be_wanted() {
    let outcome = begin(
        r#"flagForAgent("angry"); optOut(); optOut("enterprise", { subject: "clientId", channels: ["text", "voice"] });
           callWebService("crm", { path: "/who", body: "{}" }, "helpHandler"); callWebService("ping");
           waitForReply(3600, "moHandler"); endConversation();
           getScriptContext().setStatus("badData", "no zip code");"#,
    )
    .unwrap();
    assert_eq!(outcome.flag.as_deref(), Some("angry"));
    let opt =
        |level, subject, channels: &[Channel]| OptChange { level, subject, channels: channels.to_vec() };
    assert_eq!(
        outcome.opt_outs,
        [
            opt(None, OptSubject::Device, &[Channel::Text]),
            opt(Some(Level::Enterprise), OptSubject::ClientId, &[Channel::Text, Channel::Voice]),
        ]
    );
    let call = |service: &str, path: &str, body: &str, then: &str| WebCall {
        service: service.into(),
        path: path.into(),
        body: body.into(),
        then: then.into(),
    };
    assert_eq!(outcome.calls, [call("crm", "/who", "{}", "helpHandler"), call("ping", "", "", "")]);
    assert_eq!(outcome.wait, Some(Wait { seconds: 3600, then: "moHandler".into() }));
    assert!(outcome.ended);
    assert_eq!(outcome.status, Status::BadData("no zip code".into()));
    let other = begin("getScriptContext().setStatus('refused', 'too young')").unwrap();
    assert_eq!(other.status, Status::Other("refused: too young".into()));
}

#[test]
fn calls_that_make_no_sense_throw_and_say_where() {
    for (call, told) in [
        ("sendTextMessage('', 'x')", "the program of a text is empty"),
        ("sendTextMessage('welcome', '')", "a text is empty"),
        ("sendLongTextMessage('welcome', '')", "a text is empty"),
        ("sendTextMessage('p')", "a text must be a string"),
        ("sendTextMessage('p', {})", "a text must be a string"),
        ("optOut('world')", "the level of an opt-out is"),
        ("optOut('account', { channels: ['fax'] })", "a channel is"),
        ("waitForReply(0)", "whole number of seconds"),
        ("waitForReply(60, 'nowhere')", "no method `nowhere`"),
        ("callWebService('crm', {}, 'nowhere')", "no method `nowhere`"),
        ("getContact().firstName = 'Bob'", "read-only"),
    ] {
        let failure = begin(&format!("\n  {call};")).unwrap_err();
        let Failure::Threw { message, at } = &failure else { panic!("{call}: {failure}") };
        assert!(message.contains(told), "{call}: {message}");
        assert!(at.contains("script:2:"), "{call}: {at}");
    }
}

#[test]
fn bounds_of_the_api_are_told_even_when_the_script_catches_them() {
    let excess = |body: &str| match begin(body) {
        Err(Failure::Excess(excess)) => excess.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(excess("try { for (;;) sendTextMessage('p', 't'); } catch {}"), "texts: 21, the limit is 20");
    assert_eq!(
        excess("for (let i = 0; i < 1000; i++) getConversation().set(`v${i}`, i)"),
        "session variables: 201, the limit is 200"
    );
    assert_eq!(
        excess("for (let i = 0; i < 5; i++) callWebService('s')"),
        "calls of web services: 5, the limit is 4"
    );
    assert_eq!(excess("waitForReply(1e8)"), "seconds of a wait: 100000000, the limit is 2592000");
    assert_eq!(excess("sendTextMessage('p', 'x'.repeat(4001))"), "octets of a text: 4001, the limit is 4000");
    assert_eq!(begin("for (let i = 0; i < 500; i++) log(i)").unwrap().log.len(), 100);
}

#[test]
fn helpers_of_the_host() {
    let lines = logged(
        r#"const s = segments("a".repeat(161));
           log(s.encoding, s.units, s.segments, s.perSegment, segments("☎").encoding);
           log(foldText("  Ça  VA, Straße? Łódź "));
           log(formatNumber(1234567.891, 2, ",", "."), formatNumber(-0.4), formatNumber(-1234.5, 1));
           log(formatDate(new Date(0), "yyyy-MM-dd HH:mm:ss"), formatDate(new Date(0), "dd.MM. HH:mm", 90));"#,
    );
    assert_eq!(
        lines,
        [
            "gsm7 161 2 153 ucs2",
            "ca va, strasse? lodz",
            "1.234.567,89 0 -1234.5",
            "1970-01-01 00:00:00 01.01. 01:30",
        ]
    );
}

#[test]
fn a_test_run_leaves_a_trace() {
    let mut given = invocation(1, "begin");
    given.test = true;
    let outcome = run(&script("sendTextMessage('p', 'hi'); getContact();"), &given).unwrap();
    let steps: Vec<String> = outcome.trace.iter().map(|step| format!("{}: {}", step.at, step.did)).collect();
    assert_eq!(steps, [r#"begin: sendTextMessage("p", "hi")"#, "begin: getContact()"]);
    assert!(begin("getContact()").unwrap().trace.is_empty());
}

#[test]
fn promises_are_done_before_the_outcome() {
    let source = "async function begin() { await null; log('after'); sendTextMessage('p', 'late'); }";
    let outcome = run(source, &invocation(1, "begin")).unwrap();
    assert_eq!((outcome.log.as_slice(), outcome.sends.len()), (["after".to_owned()].as_slice(), 1));
    let failure =
        run("async function begin() { await null; throw new Error('late'); }", &invocation(1, "begin"));
    assert!(matches!(failure, Err(Failure::Threw { message, .. }) if message == "late"));
}

#[test]
fn text_that_is_no_unicode_is_made_so() {
    let outcome =
        begin(r#"sendTextMessage("p", "a\uD800b"); log("\uDC00"); flagForAgent("\uD83D");"#).unwrap();
    assert_eq!(outcome.sends[0].text, "a\u{FFFD}b");
}
