use super::*;

fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn told(source: &str) -> String {
    Bundle::of(source).unwrap().unwrap_err().to_string()
}

#[test]
fn javascript_is_no_bundle() {
    assert_eq!(Bundle::of("function begin() {}"), None);
    assert_eq!(Bundle::of("{ let x = 1; }"), None);
}

#[test]
fn a_bundle_is_what_it_says_and_comes_back() {
    let bundle = Bundle::pack(files(&[
        ("manifest.json", r#"{"entry": "src/main.js", "name": "survey"}"#),
        ("src/main.js", "function begin() {}"),
        ("lib/words.json", r#"["a"]"#),
        ("README.md", "For people."),
    ]))
    .unwrap();
    assert_eq!(bundle.entry, "src/main.js");
    assert_eq!(bundle.files.keys().collect::<Vec<_>>(), ["lib/words.json", "src/main.js"]);
    assert_eq!(Bundle::of(&bundle.to_source()), Some(Ok(bundle)));
    let usual = Bundle::of(r#"{"files": {"script.js": "let x;"}}"#).unwrap().unwrap();
    assert_eq!(usual.main(), "let x;");
}

#[test]
fn what_cannot_be_is_told() {
    assert!(told(r#"{"entry": "a.js"}"#).contains("missing field `files`"));
    assert!(told(r#"{"files": {}, "other": 1}"#).contains("unknown field `other`"));
    assert_eq!(
        told(r#"{"files": {"a.js": ""}}"#),
        "the bundle has no file `script.js`, with which it is to begin"
    );
    assert!(told(r#"{"entry": "a.json", "files": {"a.json": "1"}}"#).contains("no file `a.json`"));
    assert!(told(r#"{"files": {"script.js": "", "a.txt": ""}}"#).contains("neither JavaScript"));
    assert!(told(r#"{"files": {"script.js": "", "a.json": "{"}}"#).starts_with("`a.json` is no JSON"));
    for path in ["../a.js", "/a.js", "a//b.js", "a/./b.js", ".a.js", "a b.js", "a\\\\b.js", ""] {
        let wrong = told(&format!(r#"{{"files": {{"script.js": "", "{path}": ""}}}}"#));
        assert!(wrong.contains("is no path within a bundle"), "{path}: {wrong}");
    }
    let many: BTreeMap<_, _> = (0..=MAX_FILES).map(|n| (format!("f{n}.js"), String::new())).collect();
    assert_eq!(Bundle::pack(many), Err(BundleError::TooMany(MAX_FILES + 1)));
    let long = files(&[("script.js", &"x".repeat(MAX_SOURCE)), ("b.js", "y")]);
    assert_eq!(Bundle::pack(long), Err(BundleError::TooLong(MAX_SOURCE + 1)));
}

#[test]
fn names_are_found_within_the_bundle_alone() {
    let bundle = Bundle::pack(files(&[("script.js", ""), ("lib/a.js", ""), ("lib/deep/b.js", "")])).unwrap();
    for (from, name, found) in [
        ("script.js", "./lib/a.js", Some("lib/a.js")),
        ("script.js", "lib/a.js", Some("lib/a.js")),
        ("lib/a.js", "./deep/b.js", Some("lib/deep/b.js")),
        ("lib/deep/b.js", "../a.js", Some("lib/a.js")),
        ("lib/deep/b.js", "../../script.js", Some("script.js")),
        ("lib/deep/b.js", "../../../script.js", None),
        ("script.js", "../script.js", None),
        ("script.js", "/etc/passwd", None),
        ("script.js", "lib/a", None),
    ] {
        assert_eq!(bundle.resolve(from, name), found, "{name} in {from}");
    }
}
