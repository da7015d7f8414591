//! The known key that a mistyped one was probably meant to be.

/// The candidate with the fewest edits, when these are few for the length of the word.
pub(crate) fn nearest(word: &str, candidates: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let allowed = ((word.chars().count() + 1) / 3).clamp(1, 3);
    candidates
        .map(|candidate| (edits(&word.to_lowercase(), candidate), candidate))
        .filter(|(edits, candidate)| *edits <= allowed || candidate.split('_').any(|part| part == word))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other
/// (optimal string alignment).
pub(crate) fn edits(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (row, cells) in rows.iter_mut().enumerate() {
        cells[0] = row;
    }
    rows[0] = (0..=to.len()).collect();
    for row in 1..=from.len() {
        for column in 1..=to.len() {
            let replaced = usize::from(from[row - 1] != to[column - 1]);
            let mut fewest = (rows[row - 1][column] + 1)
                .min(rows[row][column - 1] + 1)
                .min(rows[row - 1][column - 1] + replaced);
            let swapped =
                row > 1 && column > 1 && from[row - 1] == to[column - 2] && from[row - 2] == to[column - 1];
            if swapped {
                fewest = fewest.min(rows[row - 2][column - 2] + 1);
            }
            rows[row][column] = fewest;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_finds_its_key() {
        let keys = || ["address", "tls", "max_sessions", "bind_timeout"].into_iter();
        assert_eq!(nearest("adress", keys()), Some("address"));
        assert_eq!(nearest("addrses", keys()), Some("address"));
        assert_eq!(nearest("max_session", keys()), Some("max_sessions"));
        assert_eq!(nearest("sessions", keys()), Some("max_sessions"));
        assert_eq!(nearest("TLS", keys()), Some("tls"));
        assert_eq!(nearest("colour", keys()), None);
    }
}
