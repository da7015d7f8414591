//! What differs between two versions of the settings, and what of it a reload carries out.

use signalbox_config::Settings;
use signalbox_config::setting::Applies;

const FILE: &str = "\
[node]
name = 'a'

[[smpp.listen]]
name = 'one'
address = '127.0.0.1:2775'

[[smpp.listen]]
name = 'two'
address = '127.0.0.1:2785'
";

fn parse(text: &str) -> Settings {
    Settings::parse("n", text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn changes(after: &str) -> Vec<String> {
    parse(FILE).changes_to(&parse(after)).0.iter().map(ToString::to_string).collect()
}

#[test]
fn the_same_settings_have_no_changes() {
    assert!(parse(FILE).changes_to(&parse(FILE)).is_empty());
    let written_otherwise = format!("{FILE}[drain]\ndeadline = '0m30s'\n");
    assert!(changes(&written_otherwise).is_empty());
}

#[test]
fn listeners_are_told_apart_by_name() {
    let after = FILE.replace("name = 'one'\n", "name = 'one'\nmax_sessions = 5\n");
    assert_eq!(changes(&after), ["smpp.listen[one].max_sessions: 1000 -> 5"]);
    let swapped = "[node]\nname = 'a'\n[[smpp.listen]]\nname = 'two'\naddress = '127.0.0.1:2785'\n\
                   [[smpp.listen]]\nname = 'one'\naddress = '127.0.0.1:2775'\n";
    assert!(changes(swapped).is_empty(), "their order means nothing");
    let renamed = changes(&FILE.replace("'two'", "'three'"));
    assert_eq!(renamed.len(), 2);
    assert!(renamed[0].starts_with("smpp.listen[two]: removed {"), "{renamed:?}");
    assert!(renamed[1].starts_with("smpp.listen[three]: added {"), "{renamed:?}");
}

#[test]
fn changes_say_whether_a_reload_carries_them_out() {
    let after = format!(
        "{}[log]\nlevel = 'debug'\n[store]\nqueue = 100\nfree_space_reserve = '1GiB'\n[retry.temporary]\nwaits = ['1s']\n",
        FILE.replace("'a'", "'b'")
    );
    let changes = parse(FILE).changes_to(&parse(&after));
    let told: Vec<(&str, Applies)> =
        changes.0.iter().map(|change| (change.key.as_str(), change.applies)).collect();
    assert_eq!(
        told,
        [
            ("node.name", Applies::OnRestart),
            ("store.queue", Applies::OnRestart),
            ("store.free_space_reserve", Applies::OnReload),
            ("log.level", Applies::OnReload),
            ("retry.temporary.waits", Applies::OnReload),
            ("retry.temporary.then_every", Applies::OnReload),
        ]
    );
    assert_eq!(changes.needing_restart().count(), 2);
    assert!(changes.reloads("log") && changes.reloads("store") && changes.reloads("retry"));
    assert!(!changes.reloads("node") && !changes.reloads("smpp") && !changes.reloads("lo"));
    let node = changes.0[0].to_string();
    assert_eq!(node, "node.name: \"a\" -> \"b\" (takes effect at the next start)");
}

#[test]
fn a_listener_gains_and_loses_tls() {
    let tls = "name = 'one'\ntls = { certificate = 'c.pem', key = 'k.pem' }\n";
    let with = FILE.replace("name = 'one'\n", tls);
    let told = changes(&with);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("smpp.listen[one].tls: added { certificate = \"c.pem\""), "{told:?}");
    let back = parse(&with).changes_to(&parse(FILE));
    assert!(back.0[0].to_string().starts_with("smpp.listen[one].tls: removed {"));
}
