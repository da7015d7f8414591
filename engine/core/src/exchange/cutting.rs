//! Long texts for links that take none whole: cut when the link that a message goes to is known, whoever chose it
//! and however late (a look-up, an operator, a link that took the place of another).

use super::alike::Likeness;
use super::entry::{Entry, Held, Key, Phase};
use super::event::InParts;
use super::group::Group;
use super::intake::octets_of;
use super::{Bodies, Exchange};
use crate::id::{MessageId, PeerId};
use crate::message::{Body, Content, Direction, Part};
use crate::time::{Now, Since};

/// Cuts a content that needs several segments, with this reference for its parts; `None` for what stays whole. It
/// is the protocol's to know how.
pub type Cut = fn(&Content, u16) -> Option<InParts>;

/// Cuts nothing.
pub(super) fn nothing(_: &Content, _: u16) -> Option<InParts> {
    None
}

impl Exchange {
    /// Tells how long texts are cut; until then they go as they came.
    pub fn cut_with(&mut self, cut: Cut) {
        self.cut = cut;
    }

    /// True when a text of so many octets must go to the peer in parts.
    pub(super) fn is_too_long(&self, peer: PeerId, octets: usize) -> bool {
        self.policy.peer(peer).and_then(|policy| policy.longest).is_some_and(|longest| octets > longest)
    }

    /// True when the body of a message has to be looked at before it may wait for its peer. A text in
    /// message_payload has no length in the envelope.
    pub(super) fn may_be_too_long(&self, entry: &Entry, peer: PeerId) -> bool {
        let envelope = &entry.envelope;
        envelope.part.is_none()
            && envelope.direction == Direction::Mt
            && self.is_too_long(peer, if envelope.octets == 0 { usize::MAX } else { envelope.octets.into() })
    }

    /// Cuts what came to a link that takes no long texts, and queues all of it.
    pub(super) fn cut_long(&mut self, now: Now, bodies: &dyn Bodies) {
        for (key, since) in std::mem::take(&mut self.uncut) {
            let Some(entry) = self.entries.get(key) else { continue };
            if entry.phase != Phase::Resolving {
                // It went elsewhere, or waits, and comes here again if it has to.
                continue;
            }
            match self.parts_for_peer(entry, bodies) {
                Some(parts) => self.split(now, key, since, parts),
                None => self.queue_whole(now, key, since),
            }
        }
    }

    fn parts_for_peer(&self, entry: &Entry, bodies: &dyn Bodies) -> Option<Vec<Content>> {
        let peer = entry.peer?;
        let Body::Content(content) = self.body(entry, bodies)? else { return None };
        let long = (self.cut)(&content, reference_of(entry.envelope.id))?;
        self.is_too_long(peer, long.octets).then_some(long.parts)
    }

    /// Puts the parts of a message in its place. What has become of it so far has become of each.
    fn split(&mut self, now: Now, key: Key, since: Since, parts: Vec<Content>) {
        let Ok(total) = u8::try_from(parts.len()) else { return self.queue_whole(now, key, since) };
        let Some(whole) = self.take_out(key) else { return };
        let mut envelope = whole.envelope.clone();
        envelope.octets = octets_of(&parts);
        let id = envelope.id;
        self.add_group(Group::new(envelope.clone(), total, whole.data_coding));
        for (number, mut content) in (1..=total).zip(parts) {
            let mut part = envelope.clone();
            part.id = id.part(number);
            part.part = Some(Part { whole: id, number, total });
            part.octets = octets_of(std::slice::from_ref(&content));
            let (likeness, data_coding) = (Likeness::of(&part, &content), content.data_coding);
            // Parts would replace each other where they arrive.
            content.replace_if_present = false;
            let mut entry = Entry::new(part, Held::hot(Body::Content(content)), data_coding);
            entry.counters = whole.counters;
            entry.progress = whole.progress.clone();
            entry.peer = whole.peer;
            let key = self.add(Box::new(entry), likeness);
            if let Some(group) = self.groups.get_mut(&id) {
                group.parts.push(key);
            }
            self.queue_whole(now, key, since);
        }
    }
}

/// The reference of the parts of a message: the same whenever it is cut.
fn reference_of(id: MessageId) -> u16 {
    xxhash_rust::xxh3::xxh3_64(&id.to_bytes()) as u16
}
