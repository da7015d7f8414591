//! A script's source as tokens: enough to find declarations and calls, not to understand it. QuickJS has parsed it
//! before; what is read wrongly here (a pattern after `)`) costs a finding or a method, never safety.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Number,
    /// In quotes; the token's text is what is between them, escapes as they stand.
    Text,
    /// A piece of a template.
    Template,
    /// A regular expression.
    Pattern,
    Punctuation,
}

/// A piece of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'s> {
    pub(crate) kind: Kind,
    pub(crate) text: &'s str,
    /// From 1.
    pub(crate) line: u32,
    /// From 1, in characters.
    pub(crate) column: u32,
    /// Brackets of any kind that are open around it.
    pub(crate) depth: u32,
}

/// Reads a source.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    Reader { source, at: 0, line: 1, line_start: 0, depth: 0, templates: Vec::new(), found: Vec::new() }
        .read()
}

struct Reader<'s> {
    source: &'s str,
    at: usize,
    line: u32,
    line_start: usize,
    depth: u32,
    /// Depths at which a `}` goes back into a template.
    templates: Vec<u32>,
    found: Vec<Token<'s>>,
}

impl<'s> Reader<'s> {
    fn read(mut self) -> Vec<Token<'s>> {
        while let Some(c) = self.peek() {
            let start = self.at;
            match c {
                '\n' => self.newline(),
                c if c.is_whitespace() => self.at += c.len_utf8(),
                '/' if self.rest().starts_with("//") => self.until_newline(),
                '/' if self.rest().starts_with("/*") => self.block_comment(),
                '/' if self.pattern_may_begin() => self.pattern(),
                '"' | '\'' => self.quoted(c),
                '`' => {
                    self.at += 1;
                    self.template(start);
                }
                c if c.is_ascii_digit() => self.word(Kind::Number),
                c if c.is_alphanumeric() || c == '_' || c == '$' || c == '#' => self.word(Kind::Word),
                c => self.punctuation(c),
            }
        }
        self.found
    }

    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn newline(&mut self) {
        self.at += 1;
        self.line += 1;
        self.line_start = self.at;
    }

    fn push(&mut self, kind: Kind, start: usize, text: &'s str, depth: u32) {
        let before = self.source.get(self.line_start..start).unwrap_or_default();
        let column = u32::try_from(before.chars().count()).unwrap_or(u32::MAX).saturating_add(1);
        self.found.push(Token { kind, text, line: self.line, column, depth });
    }

    fn until_newline(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn block_comment(&mut self) {
        let length = self.rest()[2..].find("*/").map_or(self.rest().len(), |end| end + 4);
        self.skip(length);
    }

    /// Goes on by so many octets, counting lines.
    fn skip(&mut self, octets: usize) {
        let end = self.at + octets;
        while self.at < end {
            match self.peek() {
                Some('\n') => self.newline(),
                Some(c) => self.at += c.len_utf8(),
                None => return,
            }
        }
    }

    /// A `/` divides after a value, and begins a pattern after everything else.
    fn pattern_may_begin(&self) -> bool {
        let Some(last) = self.found.last() else { return true };
        match last.kind {
            Kind::Number | Kind::Text | Kind::Pattern => false,
            Kind::Template => !last.text.ends_with('`'),
            Kind::Punctuation => !matches!(last.text, ")" | "]" | "}"),
            Kind::Word => matches!(
                last.text,
                "return"
                    | "typeof"
                    | "case"
                    | "in"
                    | "of"
                    | "delete"
                    | "void"
                    | "throw"
                    | "new"
                    | "else"
                    | "do"
                    | "instanceof"
                    | "yield"
                    | "await"
            ),
        }
    }

    fn pattern(&mut self) {
        let start = self.at;
        let (mut escaped, mut class) = (false, false);
        let mut length = None;
        for (offset, c) in self.rest().char_indices().skip(1) {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '[' => class = true,
                ']' => class = false,
                '/' if !class => {
                    length = Some(offset + 1);
                    break;
                }
                _ => {}
            }
        }
        let Some(length) = length else { return self.punctuation('/') };
        self.push(Kind::Pattern, start, &self.source[start..start + length], self.depth);
        self.at += length;
        while self.peek().is_some_and(|c| c.is_ascii_alphabetic()) {
            self.at += 1;
        }
    }

    fn quoted(&mut self, quote: char) {
        let start = self.at;
        let mut escaped = false;
        let mut end = self.rest().len();
        for (offset, c) in self.rest().char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == quote || c == '\n' {
                end = offset;
                break;
            }
        }
        self.push(Kind::Text, start, &self.source[start + 1..start + end.max(1)], self.depth);
        self.skip((end + 1).min(self.rest().len()));
    }

    /// A piece of a template up to its end or the next `${`.
    fn template(&mut self, start: usize) {
        let mut escaped = false;
        let mut end = self.rest().len();
        let mut opens = false;
        let mut previous = ' ';
        for (offset, c) in self.rest().char_indices() {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == '`' || (previous == '$' && c == '{') {
                end = offset + 1;
                opens = c == '{';
                break;
            }
            previous = c;
        }
        self.push(Kind::Template, start, &self.source[start..self.at + end], self.depth);
        self.skip(end);
        if opens {
            self.templates.push(self.depth);
            self.depth += 1;
        }
    }

    fn word(&mut self, kind: Kind) {
        let start = self.at;
        let belongs = |c: char| {
            c.is_alphanumeric() || matches!(c, '_' | '$' | '#') || (kind == Kind::Number && c == '.')
        };
        let length = self.rest().find(|c| !belongs(c)).unwrap_or(self.rest().len());
        self.push(kind, start, &self.source[start..start + length], self.depth);
        self.at += length;
    }

    fn punctuation(&mut self, c: char) {
        let start = self.at;
        let length = c.len_utf8();
        if matches!(c, ')' | ']' | '}') {
            self.depth = self.depth.saturating_sub(1);
            if c == '}' && self.templates.last() == Some(&self.depth) {
                self.templates.pop();
                self.at += length;
                return self.template(start);
            }
        }
        let arrow = self.rest().starts_with("=>");
        let length = if arrow { 2 } else { length };
        self.push(Kind::Punctuation, start, &self.source[start..start + length], self.depth);
        self.at += length;
        if matches!(c, '(' | '[' | '{') {
            self.depth += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn tokens_of_all_kinds() {
        assert_eq!(
            texts("a = b / c; // x\nf('it\\'s', /[/]x/g)"),
            ["a", "=", "b", "/", "c", ";", "f", "(", "it\\'s", ",", "/[/]x/", ")"]
        );
        assert_eq!(
            texts("`a ${ {x: `${1}`} } b` + 2"),
            ["`a ${", "{", "x", ":", "`${", "1", "}`", "}", "} b`", "+", "2"]
        );
        assert_eq!(texts("/* a\n */ 1.5n"), ["1.5n"]);
    }

    #[test]
    fn places() {
        let found = tokens("function f() {\n  é('a\\\n', x);\n}");
        let x = found.iter().find(|token| token.text == "x").unwrap();
        assert!(x.depth == 2);
        let e = found.iter().find(|token| token.text == "é").unwrap();
        assert_eq!((e.line, e.column, e.depth), (2, 3, 1));
    }

    #[test]
    fn what_is_never_closed_ends_with_the_source() {
        for source in ["'", "`", "`${", "/*", "/", "(", "'a", "\\", "`a${b", "}", "*/", "'\\"] {
            let _ = tokens(source);
        }
    }
}
