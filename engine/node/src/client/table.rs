//! Tables for people.

use serde_json::Value;

/// Lines of columns.
pub(super) struct Table {
    heads: Vec<&'static str>,
    lines: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<const N: usize>(heads: [&'static str; N]) -> Self {
        Self { heads: heads.to_vec(), lines: Vec::new() }
    }

    pub(super) fn line<const N: usize>(&mut self, cells: [String; N]) {
        self.lines.push(cells.to_vec());
    }

    /// The table, or what is said when it is empty.
    pub(super) fn or(self, empty: &str) -> String {
        if self.lines.is_empty() {
            return format!("{empty}\n");
        }
        let width = |column: usize| {
            let cells =
                self.lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count());
            cells.max().unwrap_or(0).max(self.heads[column].len())
        };
        let widths: Vec<usize> = (0..self.heads.len()).map(width).collect();
        let heads: Vec<String> = self.heads.iter().map(|head| head.to_uppercase()).collect();
        let mut text = String::new();
        for line in std::iter::once(&heads).chain(&self.lines) {
            let mut written = String::new();
            for (cell, width) in line.iter().zip(&widths) {
                written.push_str(&format!("{cell:<width$}  "));
            }
            text.push_str(written.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A value in a cell.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The items of a list.
pub(super) fn items<'a>(answer: &'a Value, member: &str) -> &'a [Value] {
    answer[member].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_heads() {
        let mut table = Table::new(["name", "n"]);
        table.line(["a-long-name".into(), "1".into()]);
        table.line(["b".into(), "22".into()]);
        assert_eq!(table.or("none"), "NAME         N\na-long-name  1\nb            22\n");
        assert_eq!(Table::new(["name"]).or("none"), "none\n");
    }
}
