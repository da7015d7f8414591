//! What is known of a device beyond single conversations.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_core::address::Address;
use signalbox_core::time::Micros;
use signalbox_invocation::Value;

use crate::conversation::RowError;

/// First octet of a row.
const FORMAT: u8 = 2;
/// The same without tests, which are the last of it.
const WITHOUT_TESTS: u8 = 1;

/// The last message to the device from a source address (SRC-11, D4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Number of the source address.
    pub address: u32,
    /// Number of the account.
    pub account: u32,
    /// When.
    pub at: Micros,
}

/// What is kept of one device, whatever address it wrote to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// What scripts of an account keep of it (TXS-11), by account and name.
    pub stored: BTreeMap<(u32, String), Value>,
    /// Its source addresses, the latest use last.
    pub uses: Vec<Use>,
    /// The same for tests: the choice of an address for anything else does not look at them (MQ-10).
    pub tests: Vec<Use>,
}

impl Device {
    /// The key of the row of a device.
    #[must_use]
    pub fn key(device: &Address) -> [u8; 16] {
        xxhash_rust::xxh3::xxh3_128(device.key()).to_be_bytes()
    }

    /// Notes a use, and forgets those that are too old or too many.
    pub fn used(&mut self, used: Use, test: bool, since: Micros, most: usize) {
        let uses = if test { &mut self.tests } else { &mut self.uses };
        uses.retain(|other| {
            other.at >= since && (other.address, other.account) != (used.address, used.account)
        });
        uses.push(used);
        let excess = uses.len().saturating_sub(most);
        uses.drain(..excess);
    }

    /// What the choice of an address looks at: a test sees what tests used, too.
    #[must_use]
    pub fn uses_for(&self, test: bool) -> Cow<'_, [Use]> {
        if !test || self.tests.is_empty() {
            return Cow::Borrowed(&self.uses);
        }
        let mut all = [self.uses.as_slice(), &self.tests].concat();
        all.sort_by_key(|used| used.at);
        Cow::Owned(all)
    }

    /// What an account keeps.
    #[must_use]
    pub fn stored(&self, account: u32) -> BTreeMap<String, Value> {
        let from = (account, String::new());
        let own = self.stored.range(from..).take_while(|((owner, _), _)| *owner == account);
        own.map(|((_, name), value)| (name.clone(), value.clone())).collect()
    }

    /// Changes what an account keeps; false when there is no room for more.
    pub fn store(&mut self, account: u32, changes: &[(String, Option<Value>)], most: usize) -> bool {
        for (name, value) in changes {
            let key = (account, name.clone());
            match value {
                Some(value) => {
                    self.stored.insert(key, value.clone());
                }
                None => {
                    self.stored.remove(&key);
                }
            }
        }
        self.stored(account).len() <= most
    }

    /// The row.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        postcard::to_extend(self, vec![FORMAT]).expect("a vector takes any number of octets").into()
    }

    /// The device of a row.
    ///
    /// # Errors
    /// When the row is damaged or of another format.
    pub fn decode(row: &[u8]) -> Result<Self, RowError> {
        match row.split_first() {
            Some((&FORMAT, rest)) => Ok(postcard::from_bytes(rest)?),
            Some((&WITHOUT_TESTS, rest)) => {
                let (stored, uses) = postcard::from_bytes(rest)?;
                Ok(Self { stored, uses, tests: Vec::new() })
            }
            other => Err(RowError::Format(other.map(|(format, _)| *format))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_one_for_each_address_and_account_and_age() {
        let mut device = Device::default();
        let used = |address, account, at| Use { address, account, at: Micros(at) };
        for one in [used(1, 1, 10), used(2, 1, 20), used(1, 1, 30), used(1, 2, 40)] {
            device.used(one, false, Micros(0), 10);
        }
        assert_eq!(device.uses, [used(2, 1, 20), used(1, 1, 30), used(1, 2, 40)]);
        device.used(used(3, 1, 50), false, Micros(25), 2);
        assert_eq!(device.uses, [used(1, 2, 40), used(3, 1, 50)]);
        device.used(used(4, 1, 45), true, Micros(25), 2);
        assert_eq!(*device.uses_for(false), [used(1, 2, 40), used(3, 1, 50)]);
        assert_eq!(*device.uses_for(true), [used(1, 2, 40), used(4, 1, 45), used(3, 1, 50)]);
        // A row from before there were tests.
        let older = postcard::to_extend(&(&device.stored, &device.uses), vec![1]).unwrap();
        assert_eq!(Device::decode(&older).ok(), Some(Device { tests: Vec::new(), ..device }));
    }

    #[test]
    fn what_is_stored_is_each_account_s_own() {
        let mut device = Device::default();
        let verified = vec![("verified".to_owned(), Some(Value::Date(5)))];
        assert!(device.store(1, &verified, 1));
        assert!(device.store(2, &verified, 1));
        assert_eq!(device.stored(1).get("verified"), Some(&Value::Date(5)));
        assert!(!device.store(1, &[("more".to_owned(), Some(Value::Number(1.0)))], 1));
        assert!(device.store(1, &[("more".to_owned(), None)], 1));
        assert_eq!(device.stored(3).len(), 0);
        assert_eq!(Device::decode(&device.encode()).ok(), Some(device));
    }
}
