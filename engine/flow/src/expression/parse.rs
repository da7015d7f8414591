use regex::RegexBuilder;

use super::functions::{Argument, Function};
use super::lexer::{Lexer, Token};
use super::place::{Place, place};
use super::tree::{Node, Operator};

/// Deepest nesting of an expression.
const MAX_DEPTH: usize = 40;
/// Most parts of an expression.
const MAX_NODES: usize = 300;
/// Size of a compiled regular expression in octets.
const MAX_PATTERN: usize = 1 << 18;

/// What is wrong with an expression or template, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (column {column})")]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// The character at which it was noticed, from 1.
    pub column: usize,
}

impl SyntaxError {
    pub(crate) fn at(text: &str, octet: usize, message: String) -> Self {
        Self { message, column: column(text, octet) }
    }
}

fn column(text: &str, octet: usize) -> usize {
    text[..octet].chars().count() + 1
}

/// An expression, with the session variables and kept values it looks at.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    pub node: Node,
    pub variables: Vec<String>,
    pub stored: Vec<String>,
}

/// Reads a whole text as one expression.
pub(crate) fn parse(text: &str) -> Result<Parsed, SyntaxError> {
    let mut parser = Parser::new(text, 0)?;
    let node = parser.expression(0)?;
    match parser.token {
        Token::End => Ok(parser.done(node)),
        _ => Err(parser.wrong("an operator or the end was expected")),
    }
}

/// Reads the expression behind a `@(` that ends at `at`; the octet behind its `)` as well.
pub(crate) fn parse_embedded(text: &str, at: usize) -> Result<(Parsed, usize), SyntaxError> {
    let mut parser = Parser::new(text, at)?;
    let node = parser.expression(0)?;
    match parser.token {
        Token::Sign(")") => {
            let end = parser.end;
            Ok((parser.done(node), end))
        }
        _ => Err(parser.wrong("an operator or `)` was expected")),
    }
}

struct Parser<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    token: Token,
    start: usize,
    end: usize,
    depth: usize,
    nodes: usize,
    variables: Vec<String>,
    stored: Vec<String>,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, at: usize) -> Result<Self, SyntaxError> {
        let mut lexer = Lexer::new(text, at);
        let (token, start, end) = lexer.next()?;
        let (variables, stored) = (Vec::new(), Vec::new());
        Ok(Self { text, lexer, token, start, end, depth: 0, nodes: 0, variables, stored })
    }

    fn done(self, node: Node) -> Parsed {
        Parsed { node, variables: self.variables, stored: self.stored }
    }

    fn wrong(&self, message: &str) -> SyntaxError {
        SyntaxError::at(self.text, self.start, message.to_owned())
    }

    fn advance(&mut self) -> Result<Token, SyntaxError> {
        let (token, start, end) = self.lexer.next()?;
        (self.start, self.end) = (start, end);
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.token, Token::Sign(found) if found == sign)
    }

    fn expect(&mut self, sign: &str) -> Result<(), SyntaxError> {
        if !self.is(sign) {
            return Err(self.wrong(&format!("`{sign}` was expected")));
        }
        self.advance().map(drop)
    }

    /// Everything that binds more tightly than `least`.
    fn expression(&mut self, least: u8) -> Result<Node, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong(&format!("the expression is nested more than {MAX_DEPTH} deep")));
        }
        let mut node = self.prefix()?;
        while let Some((operator, strength)) = self.operator() {
            if strength <= least {
                break;
            }
            let column = column(self.text, self.start);
            self.advance()?;
            let right = self.expression(strength)?;
            node = Node::Binary { operator, sides: Box::new([node, right]), column };
            self.counted()?;
        }
        self.depth -= 1;
        Ok(node)
    }

    fn operator(&self) -> Option<(Operator, u8)> {
        match &self.token {
            Token::Sign(sign) => Operator::of(sign),
            Token::Name(word) => Operator::of(&word.to_ascii_lowercase()),
            Token::Number(_) | Token::Text(_) | Token::End => None,
        }
    }

    fn prefix(&mut self) -> Result<Node, SyntaxError> {
        self.counted()?;
        let column = column(self.text, self.start);
        match &self.token {
            Token::Sign("-") => {
                self.advance()?;
                Ok(Node::Negative(Box::new(self.expression(7)?), column))
            }
            Token::Name(word) if word.eq_ignore_ascii_case("not") => {
                self.advance()?;
                Ok(Node::Not(Box::new(self.expression(3)?)))
            }
            Token::Sign("(") => {
                self.advance()?;
                let node = self.expression(0)?;
                self.expect(")")?;
                Ok(node)
            }
            Token::Number(_) | Token::Text(_) => match self.advance()? {
                Token::Number(number) => Ok(Node::Number(number)),
                Token::Text(text) => Ok(Node::Text(text)),
                Token::Name(_) | Token::Sign(_) | Token::End => Err(self.wrong("a value was expected")),
            },
            Token::Name(_) => self.named(column),
            Token::End => Err(self.wrong("the expression ends where a value was expected")),
            Token::Sign(sign) => Err(self.wrong(&format!("`{sign}` stands where a value was expected"))),
        }
    }

    fn named(&mut self, column: usize) -> Result<Node, SyntaxError> {
        let at = self.start;
        let Token::Name(name) = self.advance()? else {
            return Err(self.wrong("a name was expected"));
        };
        if self.is("(") {
            return self.call(&name, at, column);
        }
        if name.eq_ignore_ascii_case("true") || name.eq_ignore_ascii_case("false") {
            return Ok(Node::Truth(name.eq_ignore_ascii_case("true")));
        }
        let mut path = vec![name];
        loop {
            if self.is(".") {
                self.advance()?;
                match self.advance()? {
                    Token::Name(part) => path.push(part),
                    Token::Number(_) | Token::Text(_) | Token::Sign(_) | Token::End => {
                        return Err(SyntaxError::at(
                            self.text,
                            at,
                            "a name was expected behind `.`".to_owned(),
                        ));
                    }
                }
            } else if self.is("[") {
                self.advance()?;
                match self.advance()? {
                    Token::Text(part) => path.push(part),
                    Token::Name(_) | Token::Number(_) | Token::Sign(_) | Token::End => {
                        return Err(SyntaxError::at(self.text, at, "a text was expected in `[]`".to_owned()));
                    }
                }
                self.expect("]")?;
            } else {
                break;
            }
        }
        let found = place(&path).map_err(|message| SyntaxError::at(self.text, at, message))?;
        match &found {
            Place::Variable(name) => self.variables.push(name.clone()),
            Place::Stored(name) => self.stored.push(name.clone()),
            _ => {}
        }
        Ok(Node::Place(found, path.join(".")))
    }

    fn call(&mut self, name: &str, at: usize, column: usize) -> Result<Node, SyntaxError> {
        let wrong = |message: String| SyntaxError::at(self.text, at, message);
        let lower = name.to_ascii_lowercase();
        let function =
            Function::find(&lower).ok_or_else(|| wrong(format!("there is no function `{name}`")))?;
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.is(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            arguments.push(self.expression(0)?);
        }
        self.expect(")")?;
        let wrong = |message: String| SyntaxError::at(self.text, at, message);
        let (least, most) = (function.least, function.most);
        if !(least..=most).contains(&arguments.len()) {
            let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
            let plural = if least == most && least == 1 { "" } else { "s" };
            return Err(wrong(format!("`{name}` takes {wanted} argument{plural}, not {}", arguments.len())));
        }
        if function.name == "if" {
            let nodes: Box<[Node; 3]> =
                Box::new(arguments.try_into().map_err(|_| wrong("`if` takes 3 arguments".to_owned()))?);
            return Ok(Node::If(nodes));
        }
        let pattern = match function.takes {
            Argument::Values => None,
            Argument::Pattern => match arguments.get(1) {
                Some(Node::Text(pattern)) => Some(Box::new(compile(pattern).map_err(wrong)?)),
                _ => return Err(wrong(format!("the pattern of `{name}` is a text in quotes, not computed"))),
            },
        };
        Ok(Node::Call { function, arguments, pattern, column })
    }

    fn counted(&mut self) -> Result<(), SyntaxError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.wrong(&format!("the expression has more than {MAX_NODES} parts")));
        }
        Ok(())
    }
}

/// A regular expression that takes time linear in the text, whatever it is, and bounded memory.
pub(crate) fn compile(pattern: &str) -> Result<regex::Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(MAX_PATTERN)
        .dfa_size_limit(MAX_PATTERN)
        .nest_limit(32)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
            error => {
                let told = error.to_string();
                let last = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
                format!("the regular expression cannot be read: {last}")
            }
        })
}
