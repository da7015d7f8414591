//! TLVs that are taken away or added on the way to or from a link.

use signalbox_smpp::{Tag, Tlvs};

/// The changes of one link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlvEdits {
    /// Tags that do not leave.
    pub strip_out: Vec<u16>,
    /// Tags that are not taken in.
    pub strip_in: Vec<u16>,
    /// TLVs that leave with each message that has none of the same tag.
    pub add_out: Vec<(u16, Vec<u8>)>,
}

impl TlvEdits {
    /// The TLVs of a message as they leave.
    #[must_use]
    pub fn out(&self, tlvs: Tlvs) -> Tlvs {
        let mut tlvs = strip(tlvs, &self.strip_out);
        for (tag, value) in &self.add_out {
            let tag = Tag(*tag);
            if !tlvs.contains(tag) {
                // A value too long for a TLV is refused where the settings are read; here it is left out.
                let _ = tlvs.push(tag, value);
            }
        }
        tlvs
    }

    /// The TLVs of a message as they are taken in.
    #[must_use]
    pub fn taken(&self, tlvs: Tlvs) -> Tlvs {
        strip(tlvs, &self.strip_in)
    }
}

fn strip(tlvs: Tlvs, tags: &[u16]) -> Tlvs {
    if tags.is_empty() || tlvs.is_empty() {
        return tlvs;
    }
    tlvs.filtered(|tlv| !tags.contains(&tlv.tag.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stripped_goes_and_what_is_added_comes_once() {
        let edits = TlvEdits {
            strip_out: vec![0x1400],
            strip_in: vec![0x0204],
            add_out: vec![(0x1401, vec![1]), (0x0204, vec![9, 9])],
        };
        let tlvs = Tlvs::new().with(Tag(0x1400), &[0]).unwrap().with(Tag(0x0204), &[0, 7]).unwrap();
        let out = edits.out(tlvs.clone());
        let tags: Vec<u16> = out.iter().map(|tlv| tlv.tag.0).collect();
        assert_eq!(tags, [0x0204, 0x1401]);
        assert_eq!(out.u16(Tag(0x0204)), Some(7));
        assert_eq!(edits.taken(tlvs).iter().map(|tlv| tlv.tag.0).collect::<Vec<_>>(), [0x1400]);
    }
}
