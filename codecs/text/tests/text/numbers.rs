//! Numbers in the forms people and peers write.

use proptest::prelude::*;
use signalbox_text::E164;
use signalbox_text::phone::{Address, Home, Npi, Ton, look_up};

proptest! {
    #[test]
    fn every_number_comes_back(value in 1_000_000u64..1_000_000_000_000_000) {
        let number = E164::from_value(value).unwrap();
        prop_assert_eq!(number.to_string().parse(), Ok(number));
        prop_assert_eq!(E164::from_digits(value.to_string().as_bytes()), Ok(number));
        prop_assert_eq!(number.to_ascii().as_str().to_owned(), value.to_string());
        prop_assert_eq!(number.digits() as usize, value.to_string().len());
        for count in 1..=number.digits() {
            let prefix = value.to_string()[..count as usize].parse().unwrap();
            prop_assert_eq!(number.prefix(count), prefix);
            prop_assert!(number.starts_with(prefix) && !number.starts_with(prefix + 1));
        }
        let masked = number.masked().to_string();
        prop_assert_eq!(masked.len(), number.to_string().len());
        let end = format!("{:02}", value % 100);
        prop_assert!(masked.ends_with(&end));
        let code = format!("+{}", number.calling_code());
        prop_assert!(masked.starts_with(&code) && number.to_string().starts_with(&code));
        let shown = masked.bytes().filter(u8::is_ascii_digit).count();
        prop_assert_eq!(shown, code.len() + 1);
    }

    #[test]
    fn separators_change_nothing(value in 10_000_000u64..1_000_000_000_000_000, gaps in any::<[u8; 6]>()) {
        let number = E164::from_value(value).unwrap();
        let mut text = number.to_string();
        for gap in gaps {
            let at = 1 + usize::from(gap) % (text.len() - 1);
            text.insert(at, char::from(b" -.()/"[usize::from(gap) % 6]));
        }
        let read = Address::read(text.as_bytes(), Ton::Unknown, Npi::Unknown, &Home::default());
        prop_assert_eq!(read, Ok(Address::Number(number)), "{}", text);
    }

    /// The library is asked about numbers of every length and beginning.
    #[test]
    fn look_ups_never_fail(value in 1_000_000u64..1_000_000_000_000_000) {
        let info = look_up(E164::from_value(value).unwrap());
        prop_assert!(!info.valid || info.kind != signalbox_text::phone::NumberKind::Unknown);
    }
}
