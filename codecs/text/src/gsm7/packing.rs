//! Packed septets: 3GPP TS 23.038 clause 6.1.2, with the fill bits that TS 23.040 clause 9.2.3.24
//! puts between a user data header and the text.

/// How the end of packed octets is to be understood where no septet count comes with them.
///
/// Seven spare bits at the end have room for one more septet. The radio interface sends the count
/// (TP-UDL), SMPP only octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Padding {
    /// Spare bits are zero (SMS). Seven of them look like `@`, and are taken for padding.
    #[default]
    Zero,
    /// Seven spare bits hold a carriage return, and text whose own carriage return ends on an octet
    /// boundary gets a second one (USSD and cell broadcast, clause 6.1.2.3.1).
    CarriageReturn,
}

/// How long packed text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Length {
    /// The number of septets is known.
    Septets(usize),
    /// Only the octets are known; the padding decides whether the last septet counts.
    Octets(Padding),
}

const CARRIAGE_RETURN: u8 = 0x0D;

/// Bits to leave free after a header of `header_octets` (its length octet included) so that the text
/// starts on a septet boundary: 0 to 6.
#[must_use]
pub const fn fill_bits(header_octets: usize) -> u8 {
    ((7 - (header_octets * 8) % 7) % 7) as u8
}

/// Octets that packed text takes, fill bits included.
#[must_use]
pub const fn packed_len(septets: usize, fill: u8) -> usize {
    (septets * 7 + fill as usize).div_ceil(8)
}

/// Appends septets in packed form after `fill` zero bits (see [`fill_bits`]; taken modulo 8). Bit 7
/// of the septets is dropped.
pub fn pack(septets: &[u8], fill: u8, padding: Padding, out: &mut Vec<u8>) {
    if septets.is_empty() {
        return;
    }
    out.reserve(packed_len(septets.len() + 1, fill % 8));
    if fill.is_multiple_of(8) {
        let (chunks, rest) = septets.as_chunks::<8>();
        for chunk in chunks {
            let mut bits = 0u64;
            for (i, &septet) in chunk.iter().enumerate() {
                bits |= u64::from(septet & 0x7F) << (7 * i);
            }
            out.extend_from_slice(&bits.to_le_bytes()[..7]);
        }
        return pack_tail(rest, septets, 0, padding, out);
    }
    pack_tail(septets, septets, fill % 8, padding, out);
}

/// The part that is packed bit by bit. `all` is the whole text, to see how it ends.
fn pack_tail(rest: &[u8], all: &[u8], fill: u8, padding: Padding, out: &mut Vec<u8>) {
    let mut bits = 0u32;
    let mut held = u32::from(fill);
    for &septet in rest {
        bits |= u32::from(septet & 0x7F) << held;
        held += 7;
        if held >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
    let ends_on_boundary = held == 0 && all.last() == Some(&CARRIAGE_RETURN);
    if padding == Padding::CarriageReturn && (held == 1 || ends_on_boundary) {
        bits |= u32::from(CARRIAGE_RETURN) << held;
        held += 7;
    }
    if held > 0 {
        out.push(bits as u8);
    }
}

/// Appends the septets of packed octets after skipping `fill` bits, one to an octet.
///
/// A count that asks for more than the octets hold gives what is there.
pub fn unpack(octets: &[u8], fill: u8, length: Length, out: &mut Vec<u8>) {
    let fill = usize::from(fill % 8);
    let bits = (octets.len() * 8).saturating_sub(fill);
    let available = bits / 7;
    let count = match length {
        Length::Septets(count) => count.min(available),
        Length::Octets(_) => available,
    };
    out.reserve(count);
    let start = out.len();
    let mut position = fill;
    let mut left = count;
    if fill == 0 {
        for chunk in octets.as_chunks::<7>().0 {
            if left < 8 {
                break;
            }
            let mut wide = [0u8; 8];
            wide[..7].copy_from_slice(chunk);
            let bits = u64::from_le_bytes(wide);
            let mut unpacked = [0u8; 8];
            for (i, septet) in unpacked.iter_mut().enumerate() {
                *septet = (bits >> (7 * i)) as u8 & 0x7F;
            }
            out.extend_from_slice(&unpacked);
            left -= 8;
            position += 56;
        }
    }
    for _ in 0..left {
        let (octet, shift) = (position / 8, position % 8);
        let low = u16::from(octets[octet]);
        let high = octets.get(octet + 1).map_or(0, |&next| u16::from(next) << 8);
        out.push(((low | high) >> shift) as u8 & 0x7F);
        position += 7;
    }
    if let Length::Octets(padding) = length {
        let pad = match padding {
            Padding::Zero => 0,
            Padding::CarriageReturn => CARRIAGE_RETURN,
        };
        if bits.is_multiple_of(7) && out.len() > start && out.last() == Some(&pad) {
            out.pop();
        }
    }
}
