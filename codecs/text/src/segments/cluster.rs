//! Where not to cut if it can be avoided: before what belongs to the character before it.

/// Follows a text character by character. This is the part of Unicode's grapheme rules (UAX 29) that
/// matters to what is sent: marks, joiners, flags, skin tones, conjuncts, CR LF. No tables needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster {
    previous: char,
    half_flag: bool,
}

impl Cluster {
    pub(super) const fn new() -> Self {
        Self { previous: '\0', half_flag: false }
    }

    /// Whether the next character belongs to what came before it.
    #[inline]
    pub(super) fn joins(&mut self, character: char) -> bool {
        let previous = std::mem::replace(&mut self.previous, character);
        if (character as u32) < 0x0300 {
            self.half_flag = false;
            return character == '\n' && previous == '\r';
        }
        self.joins_above_latin(previous, character)
    }

    fn joins_above_latin(&mut self, previous: char, character: char) -> bool {
        if is_flag_half(character) {
            let joins = is_flag_half(previous) && self.half_flag;
            self.half_flag = !joins;
            return joins;
        }
        self.half_flag = false;
        extends(character) || previous == ZERO_WIDTH_JOINER || is_virama(previous) && is_indic(character)
    }
}

const ZERO_WIDTH_JOINER: char = '\u{200D}';

fn is_flag_half(character: char) -> bool {
    ('\u{1F1E6}'..='\u{1F1FF}').contains(&character)
}

fn is_indic(character: char) -> bool {
    ('\u{0900}'..='\u{0DFF}').contains(&character)
}

/// The blocks of the Indic scripts, 128 code points each, hold the virama in the same place (Sinhala
/// aside).
fn is_virama(character: char) -> bool {
    ('\u{0900}'..='\u{0D7F}').contains(&character) && character as u32 & 0x7F == 0x4D
}

fn extends(character: char) -> bool {
    match character {
        '\u{0300}'..='\u{036F}'
        | '\u{0483}'..='\u{0489}'
        | '\u{0591}'..='\u{05BD}'
        | '\u{05BF}'
        | '\u{05C1}'..='\u{05C2}'
        | '\u{05C4}'..='\u{05C5}'
        | '\u{05C7}'
        | '\u{0610}'..='\u{061A}'
        | '\u{064B}'..='\u{065F}'
        | '\u{0670}'
        | '\u{06D6}'..='\u{06DC}'
        | '\u{06DF}'..='\u{06E4}'
        | '\u{06E7}'..='\u{06E8}'
        | '\u{06EA}'..='\u{06ED}' => true,
        // Signs at the head of a block, nukta, vowel signs, virama, accents, vocalic vowel signs.
        '\u{0900}'..='\u{0D7F}' => {
            matches!(character as u32 & 0x7F, 0x00..=0x03 | 0x3C | 0x3E..=0x4D | 0x55..=0x57 | 0x62..=0x63)
        }
        '\u{0DCA}'..='\u{0DDF}'
        | '\u{0E31}'
        | '\u{0E33}'..='\u{0E3A}'
        | '\u{0E47}'..='\u{0E4E}'
        | '\u{0EB1}'
        | '\u{0EB3}'..='\u{0EBC}'
        | '\u{0EC8}'..='\u{0ECE}'
        | '\u{1160}'..='\u{11FF}'
        | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}'
        | '\u{200C}'..='\u{200D}'
        | '\u{20D0}'..='\u{20FF}'
        | '\u{3099}'..='\u{309A}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FE20}'..='\u{FE2F}'
        | '\u{1F3FB}'..='\u{1F3FF}'
        | '\u{E0020}'..='\u{E007F}'
        | '\u{E0100}'..='\u{E01EF}' => true,
        _ => false,
    }
}
