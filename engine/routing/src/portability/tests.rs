use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::rows::RowFault;

fn names() -> Names {
    let mut names = Names::new();
    names
        .add_carrier("north", CarrierId(1))
        .add_carrier("south", CarrierId(2))
        .add_carrier("310260", CarrierId(3));
    names
}

fn number(value: u64) -> E164 {
    E164::from_value(value).unwrap()
}

struct Built {
    folder: TempDir,
    report: BuildReport,
}

impl Built {
    fn of(csv: &str, options: &BuildOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let report = build(csv.as_bytes(), &folder.path().join("table"), options).unwrap();
        Self { folder, report }
    }

    fn table(&self) -> PortabilityTable {
        PortabilityTable::open(&self.folder.path().join("table"), &names()).unwrap()
    }
}

#[test]
fn a_table_answers_what_its_rows_said() {
    let csv = "number,carrier,routing number\n12025550100,north,12025550000\n+442079460148, south \n\
        # ported yesterday\n4915112345678,310260\n12025550101,east,\n";
    let built = Built::of(csv, &BuildOptions { as_of: UtcMicros(77), ..BuildOptions::default() });
    let report = &built.report;
    assert_eq!(
        (report.rows, report.numbers, report.duplicates, report.carriers, report.runs),
        (4, 4, 0, 4, 0)
    );
    let table = built.table();
    assert_eq!(
        table.look_up(number(12_025_550_100)),
        Some(Ported { carrier: Some(CarrierId(1)), code: "north" })
    );
    assert_eq!(table.look_up(number(442_079_460_148)).unwrap().carrier, Some(CarrierId(2)));
    assert_eq!(table.look_up(number(4_915_112_345_678)).unwrap().carrier, Some(CarrierId(3)));
    assert_eq!(table.look_up(number(12_025_550_101)), Some(Ported { carrier: None, code: "east" }));
    for absent in [1_000_000, 12_025_550_099, 12_025_550_102, 999_999_999_999_999] {
        assert_eq!(table.look_up(number(absent)), None);
    }
    assert_eq!(table.unknown_carriers().collect::<Vec<_>>(), ["east"]);
    assert_eq!((table.len(), table.as_of()), (4, UtcMicros(77)));
    assert_eq!(table.size() as u64, report.size);
}

#[test]
fn bad_rows_are_reported_by_line() {
    let csv = "12025550100,north\n1202555x100,north\n0202555010,north\n12345,north\n12025550101\n12025550102,\n\
        \"12025550103\",\"a,b\"\n";
    let built = Built::of(csv, &BuildOptions::default());
    let rejected = &built.report.rejected;
    assert_eq!((built.report.rows, built.report.numbers, rejected.count), (7, 2, 5));
    let told: Vec<String> = rejected.first.iter().map(ToString::to_string).collect();
    assert_eq!(told[0], "line 2: octet 0x78 at offset 7 of the number is no digit");
    assert_eq!(told[1], "line 3: international number starts with 0");
    assert_eq!(told[2], "line 4: international number has 5 digits, not 7 to 15");
    assert_eq!((rejected.first[3].line, &rejected.first[3].fault), (5, &RowFault::MissingColumn));
    assert_eq!((rejected.first[4].line, &rejected.first[4].fault), (6, &RowFault::EmptyCarrier));
    assert_eq!(built.table().look_up(number(12_025_550_103)).unwrap().code, "a,b");
}

#[test]
fn too_many_bad_rows_leave_the_old_table() {
    let built = Built::of("12025550100,north\n", &BuildOptions::default());
    let path = built.folder.path().join("table");
    // Another delimiter than the file has: every row is bad.
    let wrong = BuildOptions { delimiter: b';', ..BuildOptions::default() };
    let error = build("12025550100,south\n12025550101,south\n".as_bytes(), &path, &wrong).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 of 2 rows are bad, the first: line 1: a row has a number or prefix and a carrier"
    );
    let strict = BuildOptions { max_rejected: 0, ..BuildOptions::default() };
    let error = build("12025550100,south\n1,south\n".as_bytes(), &path, &strict).unwrap_err();
    assert!(matches!(error, BuildError::TooManyRejected { rows: 2, .. }));
    assert_eq!(built.table().look_up(number(12_025_550_100)).unwrap().code, "north");
    assert_eq!(fs::read_dir(built.folder.path()).unwrap().count(), 1, "no part file is left");
}

#[test]
fn a_mapped_table_survives_its_replacement() {
    let built = Built::of("12025550100,north\n", &BuildOptions::default());
    let old = built.table();
    let path = built.folder.path().join("table");
    build("12025550100,south\n".as_bytes(), &path, &BuildOptions::default()).unwrap();
    assert_eq!(old.look_up(number(12_025_550_100)).unwrap().code, "north");
    assert_eq!(built.table().look_up(number(12_025_550_100)).unwrap().code, "south");
}

#[test]
fn an_empty_table_knows_nothing() {
    let built = Built::of("number,carrier\n", &BuildOptions::default());
    assert!(built.table().is_empty());
    assert_eq!(built.table().look_up(number(12_025_550_100)), None);
}

#[test]
fn damage_is_found() {
    let csv: String = (0..200).map(|n| format!("{},north\n", 12_025_550_000u64 + n * 7)).collect();
    let built = Built::of(&csv, &BuildOptions::default());
    let path = built.folder.path().join("table");
    let good = fs::read(&path).unwrap();
    let opened = |octets: &[u8]| {
        fs::write(built.folder.path().join("bad"), octets).unwrap();
        PortabilityTable::read(&built.folder.path().join("bad"), &names()).map(|table| table.len())
    };
    assert_eq!(opened(&good).unwrap(), 200);
    for at in (0..layout::HEADER).chain((layout::HEADER..good.len()).step_by(5)) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert!(opened(&bad).is_err(), "octet {at}");
    }
    for length in [0, 7, 8, 127, 128, 200, good.len() - 1] {
        assert!(opened(&good[..length]).is_err(), "length {length}");
    }
    let mut later = good.clone();
    later[8] = 2;
    assert!(matches!(opened(&later), Err(OpenError::Version { found: 2 })));
    assert!(matches!(opened(b"number,carrier"), Err(OpenError::Magic)));
}

/// A file whose checksum is right but whose contents are not must not be believed either.
#[test]
fn a_forged_directory_is_refused() {
    let csv: String = (0..200).map(|n| format!("{},north\n", 12_025_550_000u64 + n)).collect();
    let built = Built::of(&csv, &BuildOptions::default());
    let good = fs::read(built.folder.path().join("table")).unwrap();
    let word = |at: usize| u64::from_le_bytes(*good[at..].first_chunk().unwrap());
    let header = layout::Header {
        count: word(16),
        blocks: word(24),
        directory_at: word(32),
        carriers_at: word(40),
        carriers: 1,
        as_of: UtcMicros(0),
    };
    let opened = |header: layout::Header, body: &[u8]| {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        hash.update(body);
        let octets = [&header.write(hash)[..], body].concat();
        PortabilityTable::from_octets(Octets::Owned(octets), &names()).map(|table| table.len())
    };
    let body = &good[layout::HEADER..];
    assert_eq!(opened(header, body).unwrap(), 200);
    for bad in [
        layout::Header { count: 500, ..header },
        layout::Header { count: u64::MAX, blocks: u64::MAX / 64 + 1, ..header },
        layout::Header { directory_at: u64::MAX - 3, ..header },
        layout::Header { directory_at: good.len() as u64 - 8, ..header },
        layout::Header { carriers_at: good.len() as u64 - 1, carriers: 40, ..header },
        layout::Header { carriers_at: u64::MAX, ..header },
    ] {
        assert!(matches!(opened(bad, body), Err(OpenError::Damaged(_))), "{bad:?}");
    }
    // A block that is wider than its place, one of no width, and blocks out of order.
    let directory = header.directory_at as usize - layout::HEADER;
    let changed = |at: usize, octet: u8| {
        let mut body = body.to_vec();
        body[directory + at] = octet;
        opened(header, &body).unwrap_err().to_string()
    };
    let widths = 4 * 8;
    let misplaced = "portability table is damaged: its blocks do not fill the place before the directory";
    assert_eq!(changed(widths, 1), misplaced);
    assert_eq!(changed(widths + 3, 2), misplaced);
    assert_eq!(changed(widths + 2, 3), "portability table is damaged: a block has no width");
    assert_eq!(changed(7, 0xff), "portability table is damaged: its blocks are out of order");
}

/// Numbers near each other, far from each other and very far, so that all widths occur.
fn any_number() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 12_025_550_000u64..12_025_551_000,
        2 => 12_000_000_000u64..13_000_000_000,
        2 => 1_000_000u64..1_000_000_000_000_000,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_a_map(
        rows in proptest::collection::vec((any_number(), 0..40u16), 0..600),
        asked in proptest::collection::vec(any_number(), 200),
        rows_in_memory in prop_oneof![Just(7usize), Just(100), Just(100_000)],
    ) {
        let csv: String = rows.iter().map(|(number, carrier)| format!("{number},c{carrier}\n")).collect();
        let map: BTreeMap<u64, u16> = rows.iter().copied().collect();
        let built = Built::of(&csv, &BuildOptions { rows_in_memory, ..BuildOptions::default() });
        prop_assert_eq!(built.report.rows, rows.len() as u64);
        prop_assert_eq!(built.report.numbers, map.len() as u64);
        prop_assert_eq!(built.report.duplicates, (rows.len() - map.len()) as u64);
        prop_assert_eq!(built.report.runs > 0, rows.len() > rows_in_memory);
        let table = built.table();
        let listed: Vec<(u64, String)> =
            table.iter().map(|(number, ported)| (number.get(), ported.code.to_owned())).collect();
        let expected: Vec<(u64, String)> =
            map.iter().map(|(number, carrier)| (*number, format!("c{carrier}"))).collect();
        prop_assert_eq!(listed, expected);
        for value in rows.iter().map(|(number, _)| *number).chain(asked) {
            for near in [value - 1, value, value + 1] {
                let Some(number) = E164::from_value(near) else { continue };
                let code = table.look_up(number).map(|ported| ported.code.to_owned());
                prop_assert_eq!(code, map.get(&near).map(|carrier| format!("c{carrier}")));
            }
        }
    }
}
