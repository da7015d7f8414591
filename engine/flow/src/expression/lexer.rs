use super::parse::SyntaxError;

/// A sign of the language.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Name(String),
    Number(f64),
    Text(String),
    /// An operator or bracket.
    Sign(&'static str),
    End,
}

/// Longer signs first, so that `<=` is not `<` and `=`.
const SIGNS: [&str; 20] =
    ["==", "!=", "<>", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "%", "&", "(", ")", "[", "]", ",", "."];

/// Reads one token after the other: what stands behind an embedded expression is none of its business.
pub(crate) struct Lexer<'t> {
    text: &'t str,
    /// Octet at which the next token is looked for.
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(text: &'t str, at: usize) -> Self {
        Self { text, at }
    }

    /// The next token with the octets it covers.
    pub(crate) fn next(&mut self) -> Result<(Token, usize, usize), SyntaxError> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else {
            self.at = start;
            return Ok((Token::End, start, start));
        };
        let (token, length) = if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
            (Token::Name(rest[..length].to_owned()), length)
        } else if first.is_ascii_digit() {
            self.number(rest, start)?
        } else if first == '"' || first == '\'' {
            self.quoted(rest, first, start)?
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err(SyntaxError::at(self.text, start, format!("`{first}` means nothing here")));
        };
        self.at = start + length;
        Ok((token, start, self.at))
    }

    fn number(&self, rest: &str, start: usize) -> Result<(Token, usize), SyntaxError> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut length = digits(rest);
        if rest[length..].starts_with('.') {
            let fraction = digits(&rest[length + 1..]);
            length += if fraction > 0 { fraction + 1 } else { 0 };
        }
        match rest[..length].parse::<f64>() {
            Ok(number) if number.is_finite() => Ok((Token::Number(number), length)),
            Ok(_) | Err(_) => Err(SyntaxError::at(self.text, start, "the number is too large".to_owned())),
        }
    }

    fn quoted(&self, rest: &str, quote: char, start: usize) -> Result<(Token, usize), SyntaxError> {
        let mut text = String::new();
        let mut chars = rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, escaped @ ('\\' | '"' | '\''))) => text.push(escaped),
                    // A regular expression keeps its own escapes.
                    Some((_, other)) => text.extend(['\\', other]),
                    None => break,
                },
                c if c == quote => return Ok((Token::Text(text), at + 1)),
                c => text.push(c),
            }
        }
        Err(SyntaxError::at(self.text, start, format!("the text in {quote} has no end")))
    }
}

pub(crate) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
