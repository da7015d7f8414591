//! National numbers of an account as international ones.

use signalbox_core::address::{Address, ton};
use signalbox_text::phone::{self, Home, Region};

/// Subscriber number (SMPP 3.4 cl. 5.2.5): national without a trunk prefix.
const SUBSCRIBER: u8 = 4;

/// The address with its country's code, if it is a national number of the region; any other as it is.
///
/// Told by the type of number, or by a single leading zero where that is unknown.
#[must_use]
pub fn international(address: Address, region: Option<Region>) -> Address {
    let Some(region) = region else { return address };
    let octets = address.octets();
    let national = match address.ton {
        ton::NATIONAL | SUBSCRIBER => true,
        ton::UNKNOWN => octets.starts_with(b"0") && !octets.starts_with(b"00"),
        _ => false,
    };
    if !national {
        return address;
    }
    let home = Home { region: Some(region), ..Home::default() };
    let read =
        phone::Address::read(octets, phone::Ton::from(address.ton), phone::Npi::from(address.npi), &home);
    match read.ok().and_then(|read| read.number()) {
        Some(number) => {
            Address::new(ton::INTERNATIONAL, 1, number.to_ascii().as_str().as_bytes()).unwrap_or(address)
        }
        None => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(ton: u8, text: &str) -> Address {
        Address::new(ton, 1, text.as_bytes()).unwrap()
    }

    #[test]
    fn national_numbers_get_their_country() {
        let gb: Option<Region> = "GB".parse().ok();
        for (ton, text) in [(2, "07700900123"), (2, "7700900123"), (0, "07700900123")] {
            assert_eq!(international(address(ton, text), gb), address(1, "447700900123"), "{ton} {text}");
        }
    }

    #[test]
    fn all_else_stays() {
        let gb: Option<Region> = "GB".parse().ok();
        for (ton, text) in [
            (1, "447700900123"),
            (0, "447700900123"),
            (0, "00447700900123"),
            (3, "12345"),
            (5, "0Bank"),
            (2, ""),
        ] {
            assert_eq!(international(address(ton, text), gb), address(ton, text), "{ton} {text}");
        }
        assert_eq!(international(address(2, "07700900123"), None), address(2, "07700900123"));
    }
}
