//! The device of a contact that a pass of texts attempts (CON-06, EVT-06, EVT-07).

use signalbox_core::address::{Address, ton};
use signalbox_people::{DeviceKind, LineType, Medium, PassDevice};

/// Numbering plan of telephone numbers (SMPP 3.4 cl. 5.2.6).
const ISDN: u8 = 1;

/// The first device in the order of the kinds, or of the contact's own where there are none, that a text can reach.
///
/// # Errors
/// The completion status where there is none: `landline` where all that there are are, else `no_device`.
pub(super) fn device_of(devices: &[PassDevice], kinds: &[DeviceKind]) -> Result<Address, &'static str> {
    let mut ordered: Vec<&PassDevice> =
        devices.iter().filter(|device| device.medium == Medium::Phone).collect();
    if !kinds.is_empty() {
        let place = |device: &PassDevice| kinds.iter().position(|kind| *kind == device.kind);
        ordered.retain(|device| place(device).is_some());
        // Devices of one kind keep the contact's order.
        ordered.sort_by_key(|device| place(device));
    }
    let wired = |device: &&&PassDevice| device.line == Some(LineType::Landline);
    let Some(device) = ordered.iter().find(|device| !wired(device)) else {
        return Err(if ordered.is_empty() { "no_device" } else { "landline" });
    };
    let digits = device.address.trim_start_matches('+');
    Address::new(ton::INTERNATIONAL, ISDN, digits.as_bytes()).map_err(|_| "no_device")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(kind: DeviceKind, address: &str, line: Option<LineType>) -> PassDevice {
        PassDevice { kind, medium: kind.medium(), address: address.to_owned(), line }
    }

    fn chosen(devices: &[PassDevice], kinds: &[DeviceKind]) -> Result<String, &'static str> {
        device_of(devices, kinds).map(|address| address.to_text())
    }

    #[test]
    fn the_first_that_a_text_can_reach_is_attempted() {
        let devices = [
            device(DeviceKind::Email, "a@example.com", None),
            device(DeviceKind::Home, "+12125550100", Some(LineType::Landline)),
            device(DeviceKind::Work, "+12125550101", None),
            device(DeviceKind::Cell, "+12125550102", Some(LineType::Wireless)),
        ];
        assert_eq!(chosen(&devices, &[]).as_deref(), Ok("12125550101"));
        assert_eq!(chosen(&devices, &[DeviceKind::Cell, DeviceKind::Work]).as_deref(), Ok("12125550102"));
        assert_eq!(chosen(&devices, &[DeviceKind::Home]), Err("landline"));
        assert_eq!(chosen(&devices, &[DeviceKind::Other]), Err("no_device"));
        assert_eq!(chosen(&devices[..1], &[]), Err("no_device"));
        assert_eq!(chosen(&[], &[]), Err("no_device"));
    }
}
