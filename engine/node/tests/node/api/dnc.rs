//! Do-not-call lists over the API: uploaded, with their age, asked before a first text leaves, and filtered with the
//! reason.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::json;
use signalbox_consent::{
    Channel, EnterpriseId, LineType, MatterId, Micros, Origin, Place, Question, Registration, Release,
    SourceId, Tenant, Verdict,
};
use signalbox_core::id::AccountId;
use signalbox_text::E164;

use super::rig::{ALPHA, BETA, Node, OPERATOR, Reply, reply};

async fn upload(node: &Node, token: &str, path: &str, numbers: &str) -> Reply {
    let request = node.request(token, Method::PUT, path).header("content-type", "text/csv");
    reply(request.body(numbers.to_owned())).await
}

/// What the send gate says of a first text of `alpha` to this number.
fn verdict(node: &Node, digits: &str) -> Verdict {
    let in_force = node.control.in_force();
    let policy = &in_force.policy.consent;
    let id = in_force.snapshot.ids.account("alpha").unwrap();
    let account = policy.account(AccountId(id.0));
    let mut consent = signalbox_consent::Consent::new(1, signalbox_consent::Bounds::default());
    (consent.dnc, consent.hours) = (policy.dnc.clone(), std::sync::Arc::default());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let question = Question {
        origin: Origin::Campaign,
        release: Release::First,
        channel: Channel::Text,
        marketing: true,
        tenant: Tenant {
            enterprise: EnterpriseId(0),
            account: signalbox_consent::AccountId(id.0),
            campaign: None,
        },
        number: Some(E164::from_digits(digits.as_bytes()).unwrap()),
        email: None,
        client: None,
        place: Place::default(),
        line: LineType::Wireless,
        matter: MatterId(0),
        source: SourceId(0),
        registration: Registration::NotNeeded,
        limits: &[],
        lists: &account.lists,
        caps: &[],
        hours: &[],
        not_after: None,
        settings: account.settings,
    };
    consent.judge(&question, Micros(i64::try_from(now).unwrap()))
}

fn filtered(why: signalbox_consent::Reason) -> Verdict {
    Verdict::Filter(why)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_uploaded_and_asked_and_shows_its_age() {
    use signalbox_consent::Reason::{DncListed, DncMissing, DncStale};
    let node = Node::start().await;
    assert_eq!(verdict(&node, "447400123456"), Verdict::Allow);
    let list =
        json!({ "name": "gb-tps", "kind": "national", "max_age": "31d", "source": "tpsonline.org.uk" });
    let made = node.post(OPERATOR, "dnc-lists", &list).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = "dnc-lists/gb-tps/numbers";
    let age = node.get(OPERATOR, path).await.body;
    assert_eq!((&age["loaded"], &age["numbers"]), (&json!(false), &json!(0)));
    // Without its numbers nobody knows who is on it.
    assert_eq!(verdict(&node, "447400123456"), filtered(DncMissing));

    let put =
        upload(&node, OPERATOR, path, "number\n+447400123456\n447400123457,x\n\n447400123456\nhello\n").await;
    assert_eq!(put.status, 200, "{}", put.body);
    assert_eq!((&put.body["numbers"], &put.body["bad"]), (&json!(2), &json!(2)));
    assert_eq!(put.body["bad_lines"], json!([1, 6]));
    assert_eq!((&put.body["age_days"], &put.body["stale"]), (&json!(0), &json!(false)));
    assert_eq!(verdict(&node, "447400123456"), filtered(DncListed));
    assert_eq!(verdict(&node, "447400123458"), Verdict::Allow);

    // Another change of the catalog shares the numbers, and a start reads them again.
    let numbers = |node: &Node| {
        let in_force = node.control.in_force();
        let id = in_force.snapshot.ids.of(signalbox_core::backend::Kind::DncList, "gb-tps").unwrap();
        in_force.policy.consent.dnc.get(signalbox_consent::ListId(id)).unwrap().numbers.clone()
    };
    let before = numbers(&node);
    assert_eq!(node.post(OPERATOR, "carriers", &json!({ "name": "more" })).await.status, 201);
    assert!(std::sync::Arc::ptr_eq(&before, &numbers(&node)));
    let node = node.again().await;
    assert_eq!(verdict(&node, "447400123457"), filtered(DncListed));

    // A later edition takes the place of the one before, and an old one is told to be old.
    let put = upload(&node, OPERATOR, &format!("{path}?as_of=2026-01-01"), "447400123458\n").await;
    assert_eq!(
        (&put.body["stale"], &put.body["as_of"]),
        (&json!(true), &json!("2026-01-01")),
        "{}",
        put.body
    );
    assert!(put.body["age_days"].as_i64().unwrap() > 31);
    assert_eq!(verdict(&node, "447400123458"), filtered(DncListed));
    assert_eq!(verdict(&node, "447400123456"), filtered(DncStale));
    let files = std::fs::read_dir(node.dir().join("data/dnc")).unwrap().count();
    assert_eq!(files, 1, "numbers of former editions go");
    upload(&node, OPERATOR, &format!("{path}?as_of=tomorrow"), "1\n").await.is_problem(422, "invalid");
    upload(&node, OPERATOR, &format!("{path}?as_of=2999-01-01"), "1\n").await.is_problem(422, "invalid");
    upload(&node, OPERATOR, "dnc-lists/none/numbers", "1\n").await.is_problem(404, "not_found");
    node.put(OPERATOR, path, &json!({})).await.is_problem(415, "unsupported_media_type");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_keeps_a_list_of_its_own() {
    let node = Node::start().await;
    let list = json!({ "name": "own", "account": "alpha", "kind": "internal", "source": "our desk" });
    assert_eq!(node.post(ALPHA, "dnc-lists", &list).await.status, 201);
    let path = "dnc-lists/own/numbers";
    assert_eq!(upload(&node, ALPHA, path, "447400123456\n").await.status, 200);
    assert_eq!(verdict(&node, "447400123456"), filtered(signalbox_consent::Reason::DncListed));
    upload(&node, BETA, path, "447400123457\n").await.is_problem(403, "forbidden");
    let in_force = node.control.in_force();
    let beta = in_force.snapshot.ids.account("beta").unwrap();
    assert!(in_force.policy.consent.account(beta).lists.is_empty(), "the other account does not honour it");
    node.stop().await;
}
