//! Programs, approvals, source addresses and keywords over the API: what an operator and an enterprise make, change and
//! remove (PRG-01, PRG-02, PRG-07, KEY-01, KEY-04, SRC-15, SRC-17), and what is refused, with its place.

use serde_json::{Value, json};

use super::rig::{Node, OPERATOR, Wishes};

const BANK: &str = "token-of-the-bank-01234";

const ROWS: &str = r#"
[[enterprise]]
name = "corp"
[[account]]
name = "bank"
enterprise = "corp"
system_id = "bank"
password = "p"
[[account]]
name = "shop"
system_id = "shop"
password = "p"
[[account]]
name = "club"
system_id = "club"
password = "p"
[[sub_campaign]]
name = "bank-in"
account = "bank"
kind = "inbound"
[[sub_campaign]]
name = "shop-in"
account = "shop"
kind = "inbound"
[[sub_campaign]]
name = "club-in"
account = "club"
kind = "inbound"
[[token]]
name = "bank"
secret = "token-of-the-bank-01234"
enterprise = "corp"
rights = ["catalog:read", "catalog:write"]
"#;

async fn start() -> Node {
    Node::with(Wishes { rows: ROWS.into(), ..Wishes::default() }).await
}

async fn made(node: &Node, token: &str, path: &str, row: &Value) -> Value {
    let made = node.post(token, path, row).await;
    assert_eq!(made.status, 201, "{path}: {}", made.body);
    made.body
}

async fn refused(node: &Node, token: &str, path: &str, row: &Value, kind: &str, place: &str) {
    let refused = node.put(token, path, row).await;
    assert_eq!(refused.body["type"].as_str().unwrap().rsplit(':').next(), Some(kind), "{}", refused.body);
    let told = refused.body.to_string();
    assert!(told.contains(place), "{place} in {told}");
}

fn program(name: &str) -> Value {
    json!({ "name": name, "kind": "interactive", "class": "standard", "description": "Balances by text" })
}

fn code(name: &str, programs: &[&str]) -> Value {
    json!({ "name": name, "address": "70650", "sharing": "shared", "country": "US", "links": ["up"],
        "carriers": ["example-mobile"], "programs": programs })
}

fn approval(name: &str, status: &str) -> Value {
    json!({ "name": name, "program": "balance", "source_address": "code", "carrier": "example-mobile",
        "status": status })
}

fn keyword(name: &str, text: &str, account: &str) -> Value {
    json!({ "name": name, "text": text, "source_address": "code", "program": "balance", "account": account,
        "sub_campaign": format!("{account}-in") })
}

/// PRG-01.
#[tokio::test]
async fn a_program_has_name_description_class_and_type() {
    let node = start().await;
    let mut row = made(&node, OPERATOR, "programs", &program("balance")).await;
    assert_eq!((&row["class"], &row["kind"]), (&json!("standard"), &json!("interactive")));
    assert_eq!(row["description"], "Balances by text");
    row["class"] = json!("fteu");
    row["kind"] = json!("alert");
    row["description"] = json!("Free balances");
    let changed = node.put(OPERATOR, "programs/balance", &row).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(node.get(OPERATOR, "programs/balance").await.body, row);
    row["class"] = json!("premium");
    refused(&node, OPERATOR, "programs/balance", &row, "invalid", "\"field\":\"class\"").await;
    row["class"] = json!("fteu");
    row["kind"] = json!("chat");
    refused(&node, OPERATOR, "programs/balance", &row, "invalid", "\"field\":\"kind\"").await;
    assert_eq!(node.delete(OPERATOR, "programs/balance").await.status, 204);
    node.get(OPERATOR, "programs/balance").await.is_problem(404, "not_found");
    node.stop().await;
}

/// PRG-02: an approval links program, short code and carrier, and goes from status to status as carriers decide.
#[tokio::test]
async fn an_approval_follows_the_carrier_s_word() {
    let node = start().await;
    made(&node, OPERATOR, "programs", &program("balance")).await;
    made(&node, OPERATOR, "source-addresses", &code("code", &["balance"])).await;
    made(&node, OPERATOR, "approvals", &approval("word", "submitted")).await;
    let path = "approvals/word";
    for status in ["approved", "suspended", "approved", "expired", "submitted", "rejected", "submitted"] {
        let put = node.put(OPERATOR, path, &approval("word", status)).await;
        assert_eq!(put.status, 200, "{status}: {}", put.body);
    }
    // What was submitted is not suspended, and what was rejected is not approved without being submitted anew.
    let place = "status: what is submitted cannot become suspended";
    refused(&node, OPERATOR, path, &approval("word", "suspended"), "frozen", place).await;
    assert_eq!(node.put(OPERATOR, path, &approval("word", "rejected")).await.status, 200);
    let place = "approval `word`: status: what is rejected cannot become approved";
    refused(&node, OPERATOR, path, &approval("word", "approved"), "frozen", place).await;
    for status in ["submitted", "approved"] {
        assert_eq!(node.put(OPERATOR, path, &approval("word", status)).await.status, 200);
    }
    // What a carrier approved is not turned into something else.
    made(&node, OPERATOR, "programs", &program("offers")).await;
    let mut other = approval("word", "approved");
    other["program"] = json!("offers");
    refused(&node, OPERATOR, path, &other, "frozen", "program, source address and carrier").await;
    // References say where they lead to nothing, and hold what they name.
    for (field, place) in [
        ("program", "approval[1].program: there is no program `none`"),
        ("source_address", "approval[1].source_address: there is no source_address `none`"),
        ("carrier", "approval[1].carrier: there is no carrier `none`"),
    ] {
        let mut broken = approval("more", "submitted");
        broken[field] = json!("none");
        refused(&node, OPERATOR, "approvals/more", &broken, "reference_broken", place).await;
    }
    let twice = "approval[1].carrier: the approval `word` has this already";
    refused(&node, OPERATOR, "approvals/more", &approval("more", "submitted"), "reference_broken", twice)
        .await;
    let held = node.delete(OPERATOR, "programs/balance").await;
    held.is_problem(409, "reference_broken");
    assert!(held.body["detail"].as_str().unwrap().contains("approval[0].program"), "{}", held.body);
    assert_eq!(node.delete(OPERATOR, path).await.status, 204);
    node.stop().await;
}

/// A file that is applied is no way around it.
#[tokio::test]
async fn a_file_follows_the_carrier_s_word_too() {
    let node = start().await;
    made(&node, OPERATOR, "programs", &program("balance")).await;
    made(&node, OPERATOR, "source-addresses", &code("code", &["balance"])).await;
    made(&node, OPERATOR, "approvals", &approval("word", "rejected")).await;
    let file = "[[approval]]\nname = 'word'\nprogram = 'balance'\nsource_address = 'code'\n\
                carrier = 'example-mobile'\nstatus = 'approved'\n";
    let request = node.request(OPERATOR, reqwest::Method::POST, "catalog/apply");
    let applied = super::rig::reply(request.header("content-type", "application/toml").body(file)).await;
    applied.is_problem(409, "frozen");
    node.stop().await;
}

/// PRG-07, KEY-01: keywords of a program's family, each one account's.
#[tokio::test]
async fn the_keywords_of_a_family_are_made_and_edited() {
    let node = start().await;
    made(&node, OPERATOR, "programs", &program("balance")).await;
    made(&node, OPERATOR, "programs", &program("offers")).await;
    made(&node, OPERATOR, "source-addresses", &code("code", &["balance"])).await;
    made(&node, OPERATOR, "approvals", &approval("word", "approved")).await;
    made(&node, OPERATOR, "keywords", &keyword("bal", "bank bal", "bank")).await;
    made(&node, OPERATOR, "keywords", &keyword("sale", "sale", "shop")).await;
    let family = |body: &Value| (body["items"][0]["id"].clone(), body["items"][0]["keywords"].clone());
    let families = node.get(OPERATOR, "program-families").await.body;
    assert_eq!(family(&families), (json!("balance/code"), json!(["bank bal", "sale"])));
    assert_eq!(node.put(OPERATOR, "keywords/bal", &keyword("bal", "balance", "bank")).await.status, 200);
    let families = node.get(OPERATOR, "program-families").await.body;
    assert_eq!(family(&families).1, json!(["balance", "sale"]));
    // The same words are there once, on this address and in the family.
    let place = "keyword[2].text: the keyword `bal` has this already at `code`";
    refused(&node, OPERATOR, "keywords/more", &keyword("more", "Balance", "bank"), "reference_broken", place)
        .await;
    let mut second = code("second", &["balance"]);
    second["address"] = json!("70651");
    made(&node, OPERATOR, "source-addresses", &second).await;
    let mut there = keyword("more", "SALE", "bank");
    there["source_address"] = json!("second");
    let place = "keyword[2].text: the keyword `sale` of the account `shop` is this in the program's family";
    refused(&node, OPERATOR, "keywords/more", &there, "reference_broken", place).await;
    // The account is that of the sub-campaign, and the program runs on the address.
    let mut foreign = keyword("more", "more", "bank");
    foreign["sub_campaign"] = json!("shop-in");
    let place = "keyword[2].sub_campaign: `shop-in` is of the account `shop`";
    refused(&node, OPERATOR, "keywords/more", &foreign, "reference_broken", place).await;
    let mut elsewhere = keyword("more", "more", "bank");
    elsewhere["program"] = json!("offers");
    let place = "keyword[2].program: `offers` does not run on `code` (SRC-05)";
    refused(&node, OPERATOR, "keywords/more", &elsewhere, "reference_broken", place).await;
    assert_eq!(node.delete(OPERATOR, "keywords/sale").await.status, 204);
    let families = node.get(OPERATOR, "program-families").await.body;
    assert_eq!(family(&families).1, json!(["balance"]));
    node.stop().await;
}

/// SRC-15: one short code for several customers, and for no other.
#[tokio::test]
async fn a_short_code_is_shared_by_the_customers_that_the_operator_names() {
    let node = start().await;
    made(&node, OPERATOR, "programs", &program("balance")).await;
    let mut shared = code("code", &["balance"]);
    shared["customers"] = json!(["bank", "shop"]);
    made(&node, OPERATOR, "source-addresses", &shared).await;
    made(&node, OPERATOR, "approvals", &approval("word", "approved")).await;
    for account in ["bank", "shop"] {
        made(&node, OPERATOR, "keywords", &keyword(account, account, account)).await;
    }
    let place = "keyword[2].source_address: the source_address `code` is not for the account `club`";
    refused(&node, OPERATOR, "keywords/club", &keyword("club", "club", "club"), "reference_broken", place)
        .await;
    shared["customers"] = json!(["bank", "shop", "club"]);
    assert_eq!(node.put(OPERATOR, "source-addresses/code", &shared).await.status, 200);
    made(&node, OPERATOR, "keywords", &keyword("club", "club", "club")).await;
    // Who has a keyword there stays among them.
    shared["customers"] = json!(["bank", "shop"]);
    refused(&node, OPERATOR, "source-addresses/code", &shared, "reference_broken", place).await;
    shared["customers"] = json!(["bank", "nobody"]);
    let place = "source_address[0].customers: there is no account `nobody`";
    refused(&node, OPERATOR, "source-addresses/code", &shared, "reference_broken", place).await;
    let mut dedicated = shared.clone();
    dedicated["customers"] = json!(["bank"]);
    dedicated["account"] = json!("bank");
    let place = "customers";
    refused(&node, OPERATOR, "source-addresses/code", &dedicated, "invalid", place).await;
    node.delete(OPERATOR, "source-addresses/code").await.is_problem(409, "reference_broken");
    // It is the operator's: a customer neither makes nor changes it.
    let put = node.put(BANK, "source-addresses/code", &shared).await;
    put.is_problem(403, "forbidden");
    for name in ["bank", "shop", "club"] {
        assert_eq!(node.delete(OPERATOR, &format!("keywords/{name}")).await.status, 204);
    }
    assert_eq!(node.delete(OPERATOR, "approvals/word").await.status, 204);
    assert_eq!(node.delete(OPERATOR, "source-addresses/code").await.status, 204);
    node.stop().await;
}

/// The same digits are a short code of each country.
#[tokio::test]
async fn a_short_code_is_one_of_its_country() {
    let node = start().await;
    made(&node, OPERATOR, "source-addresses", &code("us", &[])).await;
    let place = "source_address[1].address: the source_address `us` has this already";
    refused(&node, OPERATOR, "source-addresses/again", &code("again", &[]), "reference_broken", place).await;
    let mut british = code("gb", &[]);
    british["country"] = json!("GB");
    made(&node, OPERATOR, "source-addresses", &british).await;
    node.stop().await;
}

/// SRC-17, KEY-04: an enterprise associates keywords with an address, and sees what stands there.
#[tokio::test]
async fn keywords_of_an_address_are_associated_at_once() {
    let node = start().await;
    made(&node, OPERATOR, "programs", &program("balance")).await;
    made(&node, OPERATOR, "source-addresses", &code("code", &["balance"])).await;
    made(&node, OPERATOR, "approvals", &approval("word", "approved")).await;
    made(&node, OPERATOR, "keywords", &keyword("sale", "sale", "shop")).await;
    let path = "source-addresses/code/keywords";
    let wish = |text: &str| json!({ "text": text, "program": "balance", "account": "bank", "sub_campaign": "bank-in" });
    let put = node.put(BANK, path, &json!({ "keywords": [wish("bank bal"), wish("Card")] })).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let texts = |body: &Value| -> Vec<String> {
        let rows = body["keywords"].as_array().unwrap().iter();
        rows.map(|row| row["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(&put.body), ["bank bal", "Card"], "its own, not the shop's");
    assert_eq!(node.get(OPERATOR, path).await.body["keywords"].as_array().unwrap().len(), 3);
    let card = put.body["keywords"][1]["name"].clone();
    // The set is what it says: one goes, one stays the row that it is, one comes.
    let put = node.put(BANK, path, &json!({ "keywords": [wish("card"), wish("loan")] })).await;
    assert_eq!(texts(&put.body), ["card", "loan"], "{}", put.body);
    assert_eq!(put.body["keywords"][0]["name"], card, "the same words are the same row");
    assert_eq!(node.get(OPERATOR, path).await.body["keywords"].as_array().unwrap().len(), 3);
    // All of it or nothing.
    let mut foreign = wish("more");
    foreign["sub_campaign"] = json!("shop-in");
    let put = node.put(BANK, path, &json!({ "keywords": [foreign] })).await;
    put.is_problem(409, "reference_broken");
    assert_eq!(texts(&node.get(BANK, path).await.body), ["card", "loan"]);
    let mut stolen = wish("sale");
    stolen["account"] = json!("shop");
    node.put(BANK, path, &json!({ "keywords": [stolen] })).await.is_problem(403, "forbidden");
    node.put(BANK, path, &json!({ "keywords": [wish("sale")] })).await.is_problem(409, "reference_broken");
    node.get(OPERATOR, "source-addresses/none/keywords").await.is_problem(404, "not_found");
    node.stop().await;
}
