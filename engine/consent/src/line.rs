use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::reason::Reason;

/// What is at the other end of a number (CON-07, INT-02), as a look-up says. The number alone does not tell in the
/// countries of zone 1, and numbers are ported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineType {
    /// A mobile telephone.
    Wireless,
    /// A fixed line.
    Landline,
    /// A line over the Internet; some take texts.
    Voip,
    /// Nobody was asked, or nobody knew.
    #[default]
    Unknown,
}

/// What to do where a line's type leaves a choice. Texts to landlines are never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LineRule {
    /// Texts may go to lines of unknown type.
    pub unknown: bool,
    /// Texts may go to lines over the Internet.
    pub voip: bool,
}

impl Default for LineRule {
    fn default() -> Self {
        Self { unknown: true, voip: true }
    }
}

impl LineRule {
    /// Why a message on this channel cannot go to such a line; `None` when it can.
    #[must_use]
    pub fn judge(self, channel: Channel, line: LineType) -> Option<Reason> {
        match (channel, line) {
            (Channel::Voice | Channel::Email, _) | (Channel::Text, LineType::Wireless) => None,
            (Channel::Text, LineType::Landline) => Some(Reason::Landline),
            (Channel::Text, LineType::Voip) => (!self.voip).then_some(Reason::VoipLine),
            (Channel::Text, LineType::Unknown) => (!self.unknown).then_some(Reason::LineTypeUnknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_do_not_go_to_landlines() {
        let open = LineRule::default();
        let strict = LineRule { unknown: false, voip: false };
        for rule in [open, strict] {
            assert_eq!(rule.judge(Channel::Text, LineType::Landline), Some(Reason::Landline));
            assert_eq!(rule.judge(Channel::Text, LineType::Wireless), None);
            assert_eq!(rule.judge(Channel::Voice, LineType::Landline), None);
            assert_eq!(rule.judge(Channel::Email, LineType::Unknown), None);
        }
        assert_eq!(open.judge(Channel::Text, LineType::Unknown), None);
        assert_eq!(open.judge(Channel::Text, LineType::Voip), None);
        assert_eq!(strict.judge(Channel::Text, LineType::Unknown), Some(Reason::LineTypeUnknown));
        assert_eq!(strict.judge(Channel::Text, LineType::Voip), Some(Reason::VoipLine));
    }
}
