use proptest::prelude::*;

use super::*;

fn words() -> Words {
    Words::shipped().unwrap()
}

#[test]
fn an_opt_out_word_alone_is_certain() {
    let words = words();
    for text in [
        "STOP",
        "stop",
        " Stop. ",
        "STOP!!!",
        "«stop»",
        "S.T.O.P",
        "ＳＴＯＰ",
        "STOP 🛑",
        "STOPALL",
        "Unsubscribe",
        "CANCEL",
        "End",
        "quit",
        "REVOKE",
        "OPTOUT",
        "opt out",
        "Opt-Out",
        "OPT  OUT",
        "stop stop",
        "Stop, stop, STOP!",
        "arrêt",
        "DÉSABONNER",
        "Désinscription",
        "Baja",
        "ALTO",
        "parar",
        "Stopp",
        "Abmelden",
        "KÜNDIGEN",
        "kuendigen",
        "Sair",
        "रोकें",
        "बंद करें।",
        "stop all",
    ] {
        assert_eq!(words.classify(text, false), Asks::OptOut(Certainty::Certain), "{text}");
        assert_eq!(
            words.classify(text, true),
            Asks::OptOut(Certainty::Certain),
            "{text} while a question is open"
        );
    }
}

#[test]
fn an_opt_out_in_other_words_is_likely() {
    let words = words();
    for text in [
        "Stop. Thank you",
        "please stop",
        "Please stop texting me",
        "STOP NOW PLEASE",
        "I want to stop",
        "stop it",
        "take me off your list",
        "Don't text me again",
        "do not contact this number",
        "remove me from this list",
        "Wrong number!",
        "unsubscribe me please",
        "stop quit",
        "opt out please",
        "please stop all",
        "no more texts, I've had enough",
        "Por favor darme de baja",
        "no me envíen nada",
        "baja gracias",
        "Bitte keine Nachrichten mehr",
        "bitte abmelden",
        "arrêtez de m'écrire",
        "STOP svp",
        "Não quero receber isso",
        "band karo",
    ] {
        assert_eq!(words.classify(text, false), Asks::OptOut(Certainty::Likely), "{text}");
    }
}

#[test]
fn an_opt_out_word_inside_a_sentence_is_nothing() {
    let words = words();
    for text in [
        "STOP this bill",
        "cancelar agendamento",
        "The end of the week is fine",
        "when does it end?",
        "bus stop",
        "I never quit",
        "cancel my 3pm and book 4pm",
        "Don't stop texting me, I love it",
        "dont stop",
        "End of story",
        "stopping by at 5",
        "Quitman street",
        "info please call",
        "nonstop",
        "",
        "...",
        "2",
        "alto nivel",
        "please",
        "thank you",
        "I quit smoking",
        "restart",
    ] {
        assert_eq!(words.classify(text, false), Asks::Nothing, "{text}");
    }
}

#[test]
fn what_an_opt_out_names_is_told_to_who_knows_the_names() {
    let words = words();
    for (text, named) in [
        ("STOP quiz", Some("quiz")),
        ("Stop  Café-News!", Some("cafe news")),
        ("opt-out alerts", Some("alerts")),
        ("arrêt météo", Some("meteo")),
        // What is as often said of an appointment or an order.
        ("cancel quiz", None),
        ("end quiz", None),
        ("stop", None),
        ("nonstop quiz", None),
        ("quiz stop", None),
        ("dont stop quiz", None),
    ] {
        assert_eq!(words.opt_out_of(text).as_deref(), named, "{text}");
    }
}

#[test]
fn help_and_opt_in_are_whole_messages() {
    let words = words();
    for text in ["HELP", "help!", "Info", "Ayuda", "AIDE", "Hilfe", "ajuda", "मदद"] {
        assert_eq!(words.classify(text, true), Asks::Help, "{text}");
    }
    assert_eq!(words.classify("can you help", false), Asks::Nothing);
    for text in ["START", "unstop", "Anmelden", "reprendre"] {
        assert_eq!(words.classify(text, true), Asks::OptIn, "{text}");
    }
}

#[test]
fn yes_is_an_opt_in_only_where_nothing_waits() {
    let words = words();
    for text in ["YES", "Sí", "oui", "Ja!", "sim"] {
        assert_eq!(words.classify(text, false), Asks::OptIn, "{text}");
        assert_eq!(words.classify(text, true), Asks::Nothing, "{text}");
    }
}

#[test]
fn what_only_looks_so_may_be_named() {
    let mut spec = WordsSpec::shipped().unwrap();
    spec.languages[0].none = vec!["Unsubscribe me from nothing".into(), "stop please".into(), "info".into()];
    let named = Words::new(&spec).unwrap();
    for text in ["unsubscribe me from nothing!", "Stop, please"] {
        assert_eq!(words().classify(text, false), Asks::OptOut(Certainty::Likely), "{text}");
        assert_eq!(named.classify(text, false), Asks::Nothing, "{text}");
    }
    // The whole message counts, and who asks for help gets it.
    assert_eq!(named.classify("stop please now", false), Asks::OptOut(Certainty::Likely));
    assert_eq!(named.classify("info", false), Asks::Help);
    spec.languages[0].none = vec!["STOP".into()];
    assert!(matches!(Words::new(&spec), Err(WordsError::Ambiguous { field: "none", .. })));
}

#[test]
fn wrong_data_names_its_place() {
    let with = |of: LanguageWords| Words::new(&WordsSpec { version: 2, languages: vec![of] }).unwrap_err();
    let empty =
        with(LanguageWords { code: "xx".into(), help: vec!["?!".into()], ..LanguageWords::default() });
    assert_eq!(empty.to_string(), "language xx: help has an entry of no letters or digits: \"?!\"");
    let both = with(LanguageWords {
        code: "xx".into(),
        opt_out: vec!["Stop".into()],
        opt_in: vec!["STOP!".into()],
        ..LanguageWords::default()
    });
    assert_eq!(both.to_string(), "\"stop\" is an opt-out word and, in language xx, one of opt_in");
    assert!(matches!(Words::read("version = 1\nwhat = 2"), Err(WordsError::Unreadable(_))));
    assert_eq!(words().version(), 1);
}

proptest! {
    #[test]
    fn any_text_has_an_answer(text in any::<String>(), waiting: bool) {
        let words = words();
        let asks = words.classify(&text, waiting);
        prop_assert_eq!(asks, words.classify(&signalbox_text::fold(&text), waiting));
    }

    #[test]
    fn stop_is_certain_in_any_dress(
        before in "[ .,!?\\-\"]{0,4}", word in "[sS][tT][oO][pP]", after in "[ .,!?\\-\"🛑]{0,4}",
    ) {
        prop_assert_eq!(words().classify(&format!("{before}{word}{after}"), true), Asks::OptOut(Certainty::Certain));
    }
}
