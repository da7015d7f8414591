//! Which of our addresses a text leaves from.

use signalbox_core::address::Address;
use signalbox_core::id::CarrierId;
use signalbox_core::time::Micros;

use crate::device::Use;

/// What a source address is wanted for (SRC-09).
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The program of the text.
    pub program: &'a str,
    /// The account that sends it.
    pub account: u32,
    /// Its enterprise.
    pub enterprise: u32,
    /// The sub-campaign.
    pub sub_campaign: u32,
    /// The device.
    pub device: &'a Address,
    /// Its carrier, if known.
    pub carrier: Option<CarrierId>,
    /// The address of the conversation that it belongs to: taken where it may be.
    pub stays_on: Option<&'a Address>,
    /// The number of that address, zero where it is not known.
    pub stays_at: u32,
    /// Which addresses wrote to the device, for which accounts.
    pub uses: &'a [Use],
    /// Numbers of addresses that are not to be taken: the device's answer to another sub-campaign is waited for there
    /// (MQ-28).
    pub busy: &'a [u32],
    /// True for test traffic.
    pub test: bool,
    /// The instant.
    pub now: Micros,
    /// How long a use counts (D4).
    pub window: std::time::Duration,
    /// True for the answer that a device is owed to its own word: it comes from where the word went.
    pub owed: bool,
}

/// A source address, and why it is that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its number in the catalog.
    pub id: u32,
    /// The address.
    pub source: Address,
    /// The rule that chose it, by name.
    pub reason: &'static str,
}

/// Why there is none; the name is the completion status of the attempt (SRC-13, REP-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoSource(pub &'static str);

impl NoSource {
    /// Each address that would do waits for the device's answer to another sub-campaign.
    pub const BUSY: Self = Self("address_busy");

    /// The completion status.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// The pool of source addresses.
pub trait Sources: std::fmt::Debug + Send + Sync {
    /// Chooses.
    ///
    /// # Errors
    /// When no address may send it.
    fn choose(&self, wish: &Wish<'_>) -> Result<Chosen, NoSource>;
}
