//! Texts as thumbs write them.

use rand::Rng;

/// Neighbours on a keyboard, row by row.
const ROWS: [&str; 4] = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// The text with one mistake: two letters changed places, one left out, one twice, or the key beside it. A text
/// without letters and digits stays as it is.
pub(super) fn typo(text: &str, random: &mut impl Rng) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let places: Vec<usize> = (0..letters.len()).filter(|at| letters[*at].is_alphanumeric()).collect();
    if places.is_empty() {
        return text.to_owned();
    }
    let at = places[random.random_range(0..places.len())];
    match random.random_range(0..4) {
        0 if at + 1 < letters.len() && letters[at] != letters[at + 1] => letters.swap(at, at + 1),
        1 if places.len() > 1 => drop(letters.remove(at)),
        2 => letters.insert(at, letters[at]),
        _ => match beside(letters[at], random) {
            Some(other) => letters[at] = other,
            None => letters.insert(at, letters[at]),
        },
    }
    letters.into_iter().collect()
}

/// The key to the left or right.
fn beside(letter: char, random: &mut impl Rng) -> Option<char> {
    let lower = letter.to_ascii_lowercase();
    let (row, at) = ROWS.iter().find_map(|row| row.find(lower).map(|at| (row.as_bytes(), at)))?;
    let left = at.checked_sub(1);
    let right = Some(at + 1).filter(|at| *at < row.len());
    let other = match (left, right) {
        (Some(left), Some(right)) => {
            if random.random() {
                left
            } else {
                right
            }
        }
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return None,
    };
    let other = char::from(row[other]);
    Some(if letter.is_ascii_uppercase() { other.to_ascii_uppercase() } else { other })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    #[test]
    fn a_typo_changes_the_text_by_one_mistake() {
        let mut random = SmallRng::seed_from_u64(7);
        for text in ["song 7", "STOP", "a", "7", "Grüße"] {
            for _ in 0..200 {
                let wrong = typo(text, &mut random);
                assert_ne!(wrong, text);
                let length = wrong.chars().count() as i64 - text.chars().count() as i64;
                assert!((-1..=1).contains(&length), "{text} became {wrong}");
            }
        }
        assert_eq!(typo("!?", &mut random), "!?");
        assert_eq!(typo("", &mut random), "");
    }
}
