//! data_coding as one side writes it and the other understands it.

/// A table of data_coding values and what stands in their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataCodings(Option<Box<[u8; 256]>>);

impl DataCodings {
    /// The table with these replacements; all other values stay.
    #[must_use]
    pub fn new(replacements: impl IntoIterator<Item = (u8, u8)>) -> Self {
        let mut table: Option<Box<[u8; 256]>> = None;
        for (from, to) in replacements {
            // Every index is an octet.
            let table = table.get_or_insert_with(|| Box::new(std::array::from_fn(|value| value as u8)));
            table[usize::from(from)] = to;
        }
        Self(table)
    }

    /// What stands in the place of this value.
    #[must_use]
    pub fn apply(&self, data_coding: u8) -> u8 {
        self.0.as_ref().map_or(data_coding, |table| table[usize::from(data_coding)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_values_change() {
        let table = DataCodings::new([(3, 0), (0xf5, 4)]);
        assert_eq!([0, 3, 8, 0xf5].map(|value| table.apply(value)), [0, 0, 8, 4]);
        assert_eq!(DataCodings::default().apply(3), 3);
    }
}
