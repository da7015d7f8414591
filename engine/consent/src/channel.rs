use serde::{Deserialize, Serialize};

/// A way to reach a person (ACC-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// SMS and MMS.
    Text,
    /// Calls.
    Voice,
    /// E-mail.
    Email,
}

impl Channel {
    /// All of them.
    pub const ALL: [Channel; 3] = [Channel::Text, Channel::Voice, Channel::Email];

    const fn bit(self) -> u8 {
        match self {
            Channel::Text => 1,
            Channel::Voice => 2,
            Channel::Email => 4,
        }
    }
}

/// A set of channels. In data a list of their names.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Channel>", into = "Vec<Channel>")]
pub struct Channels(u8);

impl Channels {
    /// No channel.
    pub const NONE: Channels = Channels(0);
    /// Every channel.
    pub const ALL: Channels = Channels(7);

    /// One channel.
    #[must_use]
    pub const fn one(channel: Channel) -> Self {
        Self(channel.bit())
    }

    /// These and `channel`.
    #[must_use]
    pub const fn with(self, channel: Channel) -> Self {
        Self(self.0 | channel.bit())
    }

    /// True when `channel` is among them.
    #[must_use]
    pub const fn has(self, channel: Channel) -> bool {
        self.0 & channel.bit() != 0
    }

    /// True when there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The channels among them.
    pub fn iter(self) -> impl Iterator<Item = Channel> {
        Channel::ALL.into_iter().filter(move |channel| self.has(*channel))
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }
}

impl From<Vec<Channel>> for Channels {
    fn from(channels: Vec<Channel>) -> Self {
        channels.into_iter().collect()
    }
}

impl From<Channels> for Vec<Channel> {
    fn from(channels: Channels) -> Self {
        channels.iter().collect()
    }
}

impl FromIterator<Channel> for Channels {
    fn from_iter<I: IntoIterator<Item = Channel>>(channels: I) -> Self {
        channels.into_iter().fold(Channels::NONE, Channels::with)
    }
}

impl std::fmt::Debug for Channels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in() {
        let set = Channels::one(Channel::Text).with(Channel::Email);
        assert!(set.has(Channel::Text) && set.has(Channel::Email) && !set.has(Channel::Voice));
        assert_eq!(Vec::from(set), [Channel::Text, Channel::Email]);
        assert_eq!(Channels::from(Channel::ALL.to_vec()), Channels::ALL);
        assert!(Channels::NONE.is_empty() && !set.is_empty());
    }
}
