//! Captures laid out field by field from the specification: each must decode to the value written down in
//! `golden_bodies`, and that value must encode to the capture.

use crate::golden_bodies::expected;
use bytes::{Bytes, BytesMut};
use signalbox_smpp::{Pdu, Profile, Version};
use std::fs;
use std::path::PathBuf;

/// Names and octets of all captures.
pub fn captures() -> Vec<(String, Bytes)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut captures: Vec<_> = fs::read_dir(&folder)
        .expect("the folder of captures")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("a capture");
            (name, octets(&text))
        })
        .collect();
    captures.sort();
    captures
}

/// The octets of a capture: what stands before `;` in lines that do not start with `#`.
fn octets(text: &str) -> Bytes {
    let digits: String = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split(';').next().unwrap_or_default().chars())
        .filter(char::is_ascii_hexdigit)
        .collect();
    assert_eq!(digits.len() % 2, 0, "an odd number of digits");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

/// The version whose strict profile takes the capture.
pub fn version_of(name: &str) -> Version {
    if name.contains("broadcast") {
        Version::V5_0
    } else if name.starts_with("param_") || name.contains("_last_msgs") || name.contains("_msg_details") {
        Version::V3_3
    } else {
        Version::V3_4
    }
}

#[test]
fn captures_decode_to_what_is_written_down_and_back() {
    let captures = captures();
    assert_eq!(captures.len(), 41);
    for (name, octets) in captures {
        let profile = Profile::strict(version_of(&name));
        let pdu = Pdu::decode(&octets, &profile).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(pdu, expected(&name), "{name}");
        let mut out = BytesMut::new();
        pdu.encode(&mut out, &profile).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(out, octets, "{name}");
    }
}
