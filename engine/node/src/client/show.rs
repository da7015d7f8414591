//! Answers as people read them.

use serde_json::Value;

use super::table::{Table, cell, items};

fn peer(value: &Value) -> String {
    match (value["kind"].as_str(), value["name"].as_str()) {
        (Some(kind), Some(name)) => format!("{kind} {name}"),
        _ => "-".to_owned(),
    }
}

fn on(value: &Value) -> String {
    if value == &Value::Bool(true) { "on" } else { "off" }.to_owned()
}

pub(super) fn applied(answer: &Value) -> String {
    let mut text = String::new();
    for row in items(answer, "changes") {
        let mark = match row["change"].as_str() {
            Some("add") => '+',
            Some("remove") => '-',
            _ => '~',
        };
        text.push_str(&format!("{mark} {} {}\n", cell(&row["kind"]), cell(&row["name"])));
        for field in items(row, "fields") {
            let (before, after) = (&field["before"], &field["after"]);
            let change = if before == after {
                "changed".to_owned()
            } else {
                format!("{} -> {}", cell(before), cell(after))
            };
            text.push_str(&format!("    {}: {change}\n", cell(&field["field"])));
        }
    }
    for warning in items(answer, "warnings") {
        let place = match (warning["line"].as_u64(), warning["column"].as_u64()) {
            (Some(line), Some(column)) => format!(", line {line} column {column}"),
            _ => String::new(),
        };
        text.push_str(&format!(
            "warning: {}{place}: {}\n",
            cell(&warning["field"]),
            cell(&warning["problem"])
        ));
    }
    let count = items(answer, "changes").len();
    let version = cell(&answer["version"]);
    text.push_str(&match (count, answer["dry_run"].as_bool()) {
        (0, _) => format!("nothing changes, the catalog is at version {version}\n"),
        (count, Some(true)) => format!("{count} rows would change\n"),
        (count, _) => format!("{count} rows changed, the catalog is at version {version}\n"),
    });
    text
}

pub(super) fn peers(answer: &Value) -> String {
    let mut table = Table::new(["peer", "state", "bound", "session", "phase", "remote", "window", "error"]);
    for one in items(answer, "items") {
        let wanted = one["wanted"].as_u64().filter(|wanted| *wanted > 0);
        let bound = cell(&one["bound"]);
        let bound = wanted.map_or_else(|| bound.clone(), |wanted| format!("{bound}/{wanted}"));
        let head = [peer(one), on(&one["enabled"]), bound];
        let sessions = items(one, "sessions");
        if sessions.is_empty() {
            let [peer, state, bound] = head.clone();
            table.line([peer, state, bound, "-".into(), "-".into(), "-".into(), "-".into(), "-".into()]);
        }
        for (index, session) in sessions.iter().enumerate() {
            let [peer, state, bound] = if index == 0 { head.clone() } else { Default::default() };
            let window = format!("{}/{}", cell(&session["in_flight"]), cell(&session["window"]));
            table.line([
                peer,
                state,
                bound,
                cell(&session["name"]),
                cell(&session["phase"]),
                cell(&session["remote"]),
                window,
                cell(&session["last_error"]),
            ]);
        }
    }
    table.or("there are no links and no accounts")
}

pub(super) fn queues(answer: &Value) -> String {
    let mut table = Table::new([
        "peer",
        "sending",
        "otp",
        "reply",
        "transactional",
        "bulk",
        "sent",
        "receipts",
        "oldest",
        "sessions",
        "rate",
    ]);
    for queue in items(answer, "items") {
        let waiting = &queue["waiting"];
        table.line([
            peer(&queue["peer"]),
            on(&queue["sending"]),
            cell(&waiting["otp"]),
            cell(&waiting["reply"]),
            cell(&waiting["transactional"]),
            cell(&waiting["bulk"]),
            cell(&queue["in_flight"]),
            cell(&queue["awaiting_receipt"]),
            queue["oldest_age_seconds"].as_f64().map_or("-".into(), |age| format!("{age:.0}s")),
            cell(&queue["sessions"]),
            queue["rate"].as_f64().map_or("-".into(), |rate| format!("{rate}/s")),
        ]);
    }
    table.or("nothing is queued")
}

pub(super) fn trace(answer: &Value) -> String {
    let mut table = Table::new(["accepted", "id", "from", "to", "state", "reason", "peer", "tries"]);
    for message in items(answer, "open") {
        table.line([
            cell(&message["accepted_at"]),
            cell(&message["message_id"]),
            cell(&message["source"]),
            cell(&message["destination"]),
            cell(&message["stage"]),
            "-".into(),
            peer(&message["peer"]),
            cell(&message["attempts"]),
        ]);
    }
    for message in items(answer, "ended") {
        table.line([
            cell(&message["accepted_at"]),
            cell(&message["message_id"]),
            cell(&message["source"]),
            cell(&message["destination"]),
            cell(&message["outcome"]),
            cell(&message["reason"]),
            peer(&message["peer"]),
            cell(&message["attempts"]),
        ]);
    }
    let mut text = table.or("no message of this number is known");
    if !answer["next"].is_null() {
        text.push_str("there are older ones\n");
    }
    text
}

pub(super) fn explanation(answer: &Value) -> String {
    let mut text = format!("{}\n", cell(&answer["summary"]));
    text.push_str(&format!("carrier: {}\n", cell(&answer["carrier"])));
    for consulted in items(answer, "consulted") {
        text.push_str(&format!("  {}: {}\n", cell(&consulted["source"]), cell(&consulted["said"])));
    }
    text.push_str("rules:\n");
    for rule in items(answer, "considered") {
        text.push_str(&format!(
            "  {} {}: {}\n",
            cell(&rule["rule"]),
            cell(&rule["name"]),
            verdict(&rule["verdict"])
        ));
    }
    let mut table = Table::new(["link", "priority", "weight", "health", "why"]);
    for link in items(answer, "links") {
        table.line([
            cell(&link["name"]),
            cell(&link["priority"]),
            cell(&link["weight"]),
            cell(&link["health"]),
            cell(&link["why"]),
        ]);
    }
    text.push_str(&table.or("no link"));
    text
}

/// What came of a rule.
fn verdict(value: &Value) -> String {
    let failed = &value["failed"];
    if failed.is_null() {
        return cell(value);
    }
    format!("{} wants {}, is {}", cell(&failed["condition"]), cell(&failed["wanted"]), cell(&failed["got"]))
}

fn counter(value: &Value) -> String {
    let (source, destination) = (value["source"].as_str(), value["destination"].as_str());
    let kind = cell(&value["kind"]);
    match (source, destination) {
        (Some(source), Some(destination)) => format!("{kind} {source} -> {destination}"),
        (Some(one), None) | (None, Some(one)) => format!("{kind} {one}"),
        (None, None) => kind,
    }
}

pub(super) fn alarms(answer: &Value) -> String {
    let mut table =
        Table::new(["id", "kind", "state", "counter", "count", "threshold", "raised", "distinct"]);
    for alarm in items(answer, "items") {
        table.line([
            cell(&alarm["id"]),
            cell(&alarm["kind"]),
            cell(&alarm["state"]),
            counter(&alarm["counter"]),
            cell(&alarm["count"]),
            cell(&alarm["threshold"]),
            cell(&alarm["raised"]),
            cell(&alarm["distinct"]),
        ]);
    }
    table.or("no alarm stands")
}

pub(super) fn counters(answer: &Value) -> String {
    let mut table = Table::new(["counter", "count", "threshold", "window", "last seen", "alarm"]);
    for look in items(answer, "items") {
        table.line([
            counter(&look["counter"]),
            cell(&look["count"]),
            cell(&look["threshold"]),
            look["window_ms"].as_u64().map_or("-".into(), |window| format!("{}s", window / 1_000)),
            cell(&look["last_seen"]),
            cell(&look["alarm"]),
        ]);
    }
    table.or("nothing is counted for this address")
}

pub(super) fn changed(answer: &Value) -> String {
    match answer["changed"].as_u64() {
        Some(1) => "1 message changed\n".to_owned(),
        count => format!("{} messages changed\n", count.unwrap_or(0)),
    }
}

pub(super) fn switched(answer: &Value) -> String {
    format!("it is {}\n", on(&answer["enabled"]))
}
