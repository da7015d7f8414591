//! What is known of a device by its number.

use rustc_hash::FxHashMap;
use signalbox_invocation::{Device, LineType};
use signalbox_text::phone::{self, E164, NumberKind};

use crate::catalog::Snapshot;

/// Names of carriers by their numbers, and what the number plans say.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    carriers: FxHashMap<u32, String>,
}

impl Devices {
    /// The carriers of a catalog.
    #[must_use]
    pub fn new(snapshot: &Snapshot) -> Self {
        let carriers = snapshot.rows.carrier.iter().filter_map(|row| {
            let id = snapshot.ids.carrier(row.name.as_str())?;
            Some((id.0, row.name.to_string()))
        });
        Self { carriers: carriers.collect() }
    }

    /// The name of the carrier with this number.
    #[must_use]
    pub fn carrier(&self, id: u32) -> Option<&str> {
        self.carriers.get(&id).map(String::as_str)
    }

    /// Fills in what a device's number tells: the country, the line (CON-07), and the name of the carrier (CON-08),
    /// whose number in the catalog stands there as text. A carrier that is gone since is not known. What is told
    /// already stays.
    pub fn complete(&self, device: &mut Device) {
        let carrier = device.carrier.as_deref().and_then(|number| number.parse().ok());
        device.carrier = carrier.and_then(|number| self.carrier(number)).map(str::to_owned);
        let Ok(number) = E164::from_digits(device.address.as_bytes()) else { return };
        let known = phone::look_up(number);
        if device.country.is_none() {
            device.country = known.region.map(|region| region.as_str().to_owned());
        }
        if device.line == LineType::Unknown {
            device.line = line(known.kind, device.carrier.is_some());
        }
    }
}

/// The line of a number of this kind. Where the plan does not tell, the number of a mobile operator is a mobile one.
fn line(kind: NumberKind, of_carrier: bool) -> LineType {
    match kind {
        NumberKind::Mobile | NumberKind::Pager => LineType::Wireless,
        NumberKind::FixedLineOrMobile if of_carrier => LineType::Wireless,
        NumberKind::FixedLine => LineType::Landline,
        NumberKind::Voip => LineType::Voip,
        _ => LineType::Unknown,
    }
}

/// The country of a device, two letters; `None` for what is no number.
pub(super) fn country_of(digits: &[u8]) -> Option<phone::Region> {
    phone::region_of(E164::from_digits(digits).ok()?)
}
