use std::io::Write;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let packed = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (path, text) in files {
        writer.start_file(*path, packed).unwrap();
        writer.write_all(text).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn told(octets: &[u8]) -> String {
    from_zip(octets).unwrap_err().to_string()
}

#[test]
fn an_archive_and_a_folder_are_the_same_bundle() {
    let files: [(&str, &[u8]); 4] = [
        ("manifest.json", br#"{"entry": "main.js"}"#),
        ("main.js", b"const words = require('./lib/words.json');"),
        ("lib/words.json", b"[1]"),
        ("README.md", b"\xff for people"),
    ];
    let bundle = from_zip(&zip(&files)).unwrap();
    assert_eq!((bundle.entry.as_str(), bundle.files.len()), ("main.js", 2));
    let folded: Vec<(String, &[u8])> =
        files.iter().map(|(path, text)| (format!("survey/{path}"), *text)).collect();
    let folded: Vec<(&str, &[u8])> = folded.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    assert_eq!(from_zip(&zip(&folded)).unwrap(), bundle, "packed with its folder");

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lib")).unwrap();
    for (path, text) in files {
        fs::write(folder.path().join(path), text).unwrap();
    }
    assert_eq!(from_folder(folder.path()).unwrap(), bundle);
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("lib/out.js")).unwrap();
    assert_eq!(from_folder(folder.path()).unwrap_err().to_string(), "`lib/out.js` is a link");
}

#[test]
fn what_would_lead_out_or_swell_is_refused() {
    for path in ["../script.js", "/script.js", "lib/../../script.js", "C:\\script.js"] {
        let wrong = told(&zip(&[("script.js", b""), (path, b"")]));
        assert!(wrong.contains("is no path within a bundle"), "{path}: {wrong}");
    }
    // Few octets that unpack to many.
    let zeros = vec![b' '; MAX_SOURCE + 1];
    let bomb = zip(&[("script.js", &zeros)]);
    assert!(bomb.len() < 4_096);
    assert_eq!(told(&bomb), format!("more than {MAX_SOURCE} octets of scripts and data"));
    let many: Vec<String> = (0..=MAX_ENTRIES).map(|number| format!("f{number}.txt")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|path| (path.as_str(), b"".as_slice())).collect();
    assert_eq!(told(&zip(&many)), format!("more than {MAX_ENTRIES} entries"));
    assert_eq!(told(&zip(&[("script.js", b"\xff")])), "`script.js` is not UTF-8");
    assert_eq!(told(&zip(&[("a.js", b"")])), "the bundle has no file `script.js`, with which it is to begin");
    assert_eq!(told(b"PK? no"), "the archive cannot be read");
    let whole = zip(&[("script.js", b"let x = 1;")]);
    for cut in 1..whole.len() {
        assert!(from_zip(&whole[..cut]).is_err(), "{cut}");
    }
}
