/// Width of a text in narrow letters: those of East Asia and most signs of pictures are twice as wide.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(letter).sum()
}

fn letter(c: char) -> f64 {
    match c {
        '\u{0300}'..='\u{036F}' => 0.0,
        'W' | 'M' | 'm' | 'w' | '@' | '%' => 1.35,
        '\u{1100}'..='\u{11FF}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7FF}' => 1.9,
        '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE4F}' | '\u{FF00}'..='\u{FFEF}' => 1.9,
        '\u{10000}'.. => 2.0,
        'A'..='Z' => 1.1,
        _ => 1.0,
    }
}

/// The text within so many letters, with an ellipsis where something is left out.
pub(super) fn cut(text: &str, letters: f64) -> String {
    if width(text) <= letters {
        return text.to_owned();
    }
    let mut used = 1.0;
    let mut out: String = text
        .chars()
        .take_while(|c| {
            used += letter(*c);
            used <= letters
        })
        .collect();
    out.push('…');
    out
}

/// The text in lines of so many letters, parted at blanks; at most so many lines.
pub(super) fn wrapped(text: &str, letters: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut left_out = false;
    for word in text.split_whitespace() {
        let full = lines.len() == most;
        let fits = lines.last().is_some_and(|line| width(line) + 1.0 + width(word) <= letters);
        match lines.last_mut() {
            Some(line) if fits => {
                line.push(' ');
                line.push_str(word);
            }
            _ if full => {
                left_out = true;
                break;
            }
            _ => lines.push(cut(word, letters)),
        }
    }
    if let (true, Some(last)) = (left_out, lines.last_mut()) {
        last.push('…');
        *last = cut(last, letters);
    }
    lines
}

/// For a text of XML; characters that XML cannot hold are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
