//! What only the CDR files have: their form, their closing, their reader, what a crash leaves of them.

use std::fs;
use std::path::Path;

use signalbox_backends::files::{
    CdrFiles, CdrFilesError, CdrFilesOptions, CdrReader, PublishedCdr, ReadError,
};
use signalbox_core::backend::CdrSink;
use signalbox_core::cdr::Cdr;
use signalbox_core::time::{Mono, Now};
use tempfile::TempDir;

use crate::cdr::{bare, full, numbered};
use crate::schema::violations;
use crate::sink::{batch, names, paths};
use crate::world::scratch;

fn options(dir: &Path, max_octets: u64) -> CdrFilesOptions {
    CdrFilesOptions { max_octets, ..CdrFilesOptions::in_dir(dir) }
}

fn open(dir: &Path) -> CdrFiles {
    CdrFiles::open(options(dir, 1 << 30)).unwrap()
}

/// Compares with a file of `tests/golden`; `UPDATE_GOLDEN=1` writes it.
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} has changed; it is now:\n{found}", path.display());
}

fn line(sequence: u64, cdr: Cdr) -> String {
    let record = PublishedCdr { sequence, commit: 1234, index: 0, of: 1, cdr };
    let mut line = Vec::new();
    record.write(&mut line).unwrap();
    assert_eq!(PublishedCdr::read(&line).unwrap(), record, "it does not come back as it was");
    String::from_utf8(line).unwrap()
}

#[test]
fn the_lines_are_those_of_the_golden_file() {
    golden("cdr.jsonl", &format!("{}{}", line(17, full()), line(18, bare())));
}

#[test]
fn the_lines_fit_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/interfaces/cdr.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    for cdr in [full(), bare()] {
        let value = serde_json::from_str(&line(1, cdr)).unwrap();
        assert_eq!(violations(&schema, &value), Vec::<String>::new());
    }
    // Each field of the fullest record is described, and no other.
    let value: serde_json::Value = serde_json::from_str(&line(1, full())).unwrap();
    let fields: Vec<&String> = value.as_object().unwrap().keys().collect();
    let described: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(fields, described);
    // Each word that the code knows is in the schema, in its order.
    let outcomes: Vec<&str> =
        signalbox_core::outcome::FinalState::ALL.iter().map(|state| state.name()).collect();
    assert_eq!(schema["properties"]["outcome"]["enum"], serde_json::json!(outcomes));
    let reasons: Vec<&str> =
        signalbox_core::outcome::Reason::all().map(signalbox_core::outcome::Reason::name).collect();
    assert_eq!(schema["properties"]["reason"]["enum"], serde_json::json!(reasons));
    let classes = serde_json::json!(signalbox_core::message::TrafficClass::ALL);
    assert_eq!(schema["properties"]["class"]["enum"], classes);

    let mut wrong: serde_json::Value = serde_json::from_str(&line(1, full())).unwrap();
    wrong["outcome"] = "lost".into();
    wrong["status"] = (-1).into();
    wrong["surprise"] = true.into();
    wrong.as_object_mut().unwrap().remove("message");
    assert_eq!(violations(&schema, &wrong).len(), 4);
}

#[test]
fn a_file_is_closed_by_size_with_a_trailer_and_never_written_again() {
    let dir = TempDir::new().unwrap();
    let mut sink = CdrFiles::open(options(dir.path(), 1800)).unwrap();
    for sequence in 1..=5 {
        sink.publish(&[batch(sequence, 1)]).unwrap();
    }
    let files = paths(dir.path());
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(
        names,
        ["signalbox-0000000001.cdr", "signalbox-0000000002.cdr", "signalbox-0000000003.cdr.part"]
    );
    let first = CdrReader::verify(&files[0]).unwrap();
    assert_eq!((first.serial, first.count, first.first_sequence, first.last_sequence), (1, 2, 1, 2));
    assert_eq!((first.first_commit, first.last_commit), (1, 2));
    let second = CdrReader::verify(&files[1]).unwrap();
    assert_eq!((second.serial, second.count, second.first_sequence, second.last_sequence), (2, 2, 3, 4));
    assert!(fs::metadata(&files[0]).unwrap().permissions().readonly());
    assert!(matches!(CdrReader::verify(&files[2]), Err(ReadError::Untrue { .. })));
}

#[test]
fn a_changed_file_does_not_verify() {
    let dir = TempDir::new().unwrap();
    let mut sink = open(dir.path());
    sink.publish(&[batch(1, 3)]).unwrap();
    sink.close_open().unwrap();
    let text = fs::read_to_string(&paths(dir.path())[0]).unwrap();
    let copy = dir.path().join("copy");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let changes = [
        text.replacen("delivered", "cancelled", 1),
        [lines[0], lines[2], lines[3]].concat(),
        [lines[1], lines[0], lines[2], lines[3]].concat(),
        lines[..3].concat(),
    ];
    fs::write(&copy, &text).unwrap();
    CdrReader::verify(&copy).unwrap();
    for change in changes {
        fs::write(&copy, change).unwrap();
        assert!(CdrReader::verify(&copy).is_err());
    }
}

#[test]
fn a_file_is_closed_by_age_and_an_empty_one_is_not() {
    let dir = TempDir::new().unwrap();
    let mut sink = open(dir.path());
    let at = |seconds: u64| Now { mono: Mono(seconds * 1_000_000_000), ..Now::default() };
    sink.tick(at(0)).unwrap();
    sink.tick(at(9999)).unwrap();
    sink.publish(&[batch(1, 1)]).unwrap();
    for seconds in [10_000, 10_299] {
        sink.tick(at(seconds)).unwrap();
        assert!(paths(dir.path())[0].ends_with("signalbox-0000000001.cdr.part"));
    }
    sink.tick(at(10_300)).unwrap();
    assert!(paths(dir.path())[0].ends_with("signalbox-0000000001.cdr"));
    sink.tick(at(99_999)).unwrap();
    assert_eq!(paths(dir.path()).len(), 1);
}

#[test]
fn closed_files_may_be_taken_away() {
    let dir = TempDir::new().unwrap();
    let mut sink = CdrFiles::open(options(dir.path(), 1)).unwrap();
    sink.publish(&[batch(1, 2)]).unwrap();
    sink.publish(&[batch(2, 1)]).unwrap();
    paths(dir.path()).iter().for_each(|path| fs::remove_file(path).unwrap());
    drop(sink);
    let mut sink = CdrFiles::open(options(dir.path(), 1)).unwrap();
    assert_eq!((sink.position().unwrap(), sink.published()), (2, 3));
    sink.publish(&[batch(3, 1)]).unwrap();
    let trailer = CdrReader::verify(&paths(dir.path())[0]).unwrap();
    assert_eq!((trailer.serial, trailer.first_sequence), (3, 4));
}

#[test]
fn without_its_position_file_the_last_trailer_counts() {
    let dir = TempDir::new().unwrap();
    let mut sink = CdrFiles::open(options(dir.path(), 1)).unwrap();
    sink.publish(&[batch(1, 2)]).unwrap();
    drop(sink);
    fs::remove_file(dir.path().join("signalbox.position")).unwrap();
    let mut sink = open(dir.path());
    assert_eq!((sink.position().unwrap(), sink.published()), (1, 2));
}

#[test]
fn files_that_do_not_fit_are_left_alone() {
    let dir = TempDir::new().unwrap();
    let mut sink = CdrFiles::open(options(dir.path(), 1)).unwrap();
    for sequence in 1..=3 {
        sink.publish(&[batch(sequence, 1)]).unwrap();
    }
    drop(sink);
    let closed = dir.path().join("signalbox-0000000003.cdr");
    let part = dir.path().join("signalbox-0000000009.cdr.part");
    fs::copy(&closed, &part).unwrap();
    let text = fs::read(&part).unwrap();
    assert!(matches!(CdrFiles::open(options(dir.path(), 1)), Err(CdrFilesError::Damaged { .. })));
    // The next serial, but records that are not the next ones.
    fs::rename(&part, dir.path().join("signalbox-0000000004.cdr.part")).unwrap();
    assert!(matches!(CdrFiles::open(options(dir.path(), 1)), Err(CdrFilesError::Io { .. })));
    assert_eq!(fs::read(dir.path().join("signalbox-0000000004.cdr.part")).unwrap(), text);

    let Err(error) = CdrFiles::open(CdrFilesOptions { prefix: "../x".into(), ..options(dir.path(), 1) })
    else {
        panic!("opened");
    };
    assert!(matches!(error, CdrFilesError::BadPrefix(_)));
}

#[test]
fn one_process_writes() {
    let dir = TempDir::new().unwrap();
    let sink = open(dir.path());
    assert!(matches!(CdrFiles::open(options(dir.path(), 1)), Err(CdrFilesError::Lock(_))));
    drop(sink);
    open(dir.path());
}

#[test]
fn a_torn_tail_is_cut_behind_the_last_whole_commit() {
    let whole = scratch();
    let mut sink = open(whole.path());
    sink.publish(&[batch(1, 1)]).unwrap();
    sink.publish(&[batch(2, 2), batch(3, 1)]).unwrap();
    drop(sink);
    let text = fs::read(&paths(whole.path())[0]).unwrap();
    let ends: Vec<usize> =
        text.iter().enumerate().filter(|(_, octet)| **octet == b'\n').map(|(at, _)| at + 1).collect();
    let mut found = [0; 4];
    // Each length near the end of a line, some within; with nothing, zeros or the start of a page behind it.
    let cuts = (0..text.len()).filter(|cut| cut % 37 == 0 || ends.iter().any(|end| end.abs_diff(*cut) < 2));
    for cut in cuts.chain([text.len()]) {
        for tail in [&b""[..], &[0; 100], &text[..60]] {
            let dir = scratch();
            let part = dir.path().join("signalbox-0000000001.cdr.part");
            fs::write(&part, [&text[..cut], tail].concat()).unwrap();
            let commits = [ends[0], ends[2], ends[3]].iter().filter(|end| **end <= cut).count() as u64;
            let mut sink = open(dir.path());
            assert_eq!(sink.position().unwrap(), commits, "cut at {cut}");
            found[commits as usize] += 1;
            // The relay offers all of it again; in the end there is one of each.
            sink.publish(&[batch(1, 1), batch(2, 2), batch(3, 1)]).unwrap();
            assert_eq!(fs::read(&part).unwrap(), text, "cut at {cut}");
            sink.close_open().unwrap();
            CdrReader::verify(&paths(dir.path())[0]).unwrap();
        }
    }
    assert!(found.iter().all(|count| *count > 0));
}

#[test]
fn records_are_read_in_order_from_any_place() {
    let dir = TempDir::new().unwrap();
    let mut sink = CdrFiles::open(options(dir.path(), 4000)).unwrap();
    for sequence in 1..=10 {
        sink.publish(&[batch(sequence, 2)]).unwrap();
    }
    assert!(paths(dir.path()).len() > 3);
    let reader = CdrReader::new(dir.path(), "signalbox");
    for after in [0, 1, 7, 19, 20, 99] {
        let found: Vec<u64> = reader.forward(after).unwrap().map(|record| record.unwrap().sequence).collect();
        assert_eq!(found, (after + 1..=20).collect::<Vec<_>>());
    }
    // A torn last line is the writer's business.
    let part = paths(dir.path()).pop().unwrap();
    let mut text = fs::read(&part).unwrap();
    text.extend_from_slice(b"{\"sequence\":21,");
    fs::write(&part, &text).unwrap();
    assert_eq!(reader.forward(0).unwrap().count(), 20);
    // A bad line in the middle is an error, and the end.
    let first = paths(dir.path()).remove(0);
    let text = fs::read_to_string(&first).unwrap().replacen("\"sequence\":2", "\"sequence\":x", 1);
    fs::remove_file(&first).unwrap();
    fs::write(&first, text).unwrap();
    let found: Vec<_> = reader.forward(0).unwrap().collect();
    assert!(found.len() == 2 && matches!(found[1], Err(ReadError::Damaged { line: 2, .. })));
}

#[test]
fn a_number_is_traced_backwards() {
    let dir = TempDir::new().unwrap();
    let mut sink = CdrFiles::open(options(dir.path(), 6000)).unwrap();
    // Destinations end in the index, so each commit has two of ...1.
    for sequence in 1..=10 {
        sink.publish(&[batch(sequence, 12)]).unwrap();
    }
    let reader = CdrReader::new(dir.path(), "signalbox");
    let commits = |found: Vec<PublishedCdr>| found.iter().map(|record| record.commit).collect::<Vec<u64>>();
    let all = reader.trace("+491760000001", None, 100).unwrap();
    assert_eq!(all.len(), 20);
    assert!(all.iter().all(|record| record.cdr == numbered(record.commit, u64::from(record.index))));
    assert!(all.iter().all(|record| record.cdr.destination == "491760000001"));
    assert_eq!(commits(reader.trace("00491760000001", None, 3).unwrap()), [10, 10, 9]);
    let before = all[2].sequence;
    assert_eq!(commits(reader.trace("491760000001", Some(before), 3).unwrap()), [9, 8, 8]);
    assert_eq!(commits(reader.trace("17600000", None, 3).unwrap()), Vec::<u64>::new());
    assert_eq!(reader.trace("B\u{e4}nk \"1\"", None, 3).unwrap().len(), 0, "names are escaped, not numbers");
}

#[test]
fn nothing_else_lies_in_the_directory() {
    let dir = TempDir::new().unwrap();
    let mut sink = CdrFiles::open(options(dir.path(), 1)).unwrap();
    sink.publish(&[batch(1, 1)]).unwrap();
    assert_eq!(names(dir.path()), ["signalbox-0000000001.cdr", "signalbox.lock", "signalbox.position"]);
}
