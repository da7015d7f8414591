//! What is wrong with a script before it is saved (TXS-02).

mod names;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use signalbox_invocation::Entry;

use crate::bundle::{Bundle, Kind};
use crate::methods::{declared, is_reserved};
use crate::program::{SyntaxError, check_syntax};
use crate::source_limit;
use crate::tokens::{Kind as TokenKind, Token, tokens};
use names::{LANGUAGE, NAMES};

/// Most findings that are told.
const MOST: usize = 100;

/// A finding, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct Finding {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

impl Finding {
    fn at(token: &Token<'_>, message: String) -> Self {
        Self { line: token.line, column: token.column, message }
    }
}

/// Looks at a source; an empty list means that it may be saved. Texts may be sent with the `programs` alone, as far as
/// their names stand in the source. A source that is not trusted is given to
/// [`Pool::lint`](crate::Pool::lint), which asks a worker.
#[must_use]
pub fn lint(source: &str, programs: &[String]) -> Vec<Finding> {
    let whole = |message: String| vec![Finding { line: 1, column: 1, message }];
    let most = source_limit(source);
    if source.len() > most {
        return whole(format!("{} octets of source, the limit is {most}", source.len()));
    }
    match Bundle::of(source) {
        None => lint_file(source, programs, None),
        Some(Err(error)) => whole(error.to_string()),
        Some(Ok(bundle)) => {
            let scripts = bundle.files.iter().filter(|(path, _)| Kind::of(path) == Some(Kind::Script));
            let in_file = |path: &str, finding: Finding| Finding {
                message: format!("{path}: {}", finding.message),
                ..finding
            };
            let findings = scripts.flat_map(|(path, text)| {
                let findings = lint_file(text, programs, Some((&bundle, path)));
                findings.into_iter().map(move |finding| in_file(path, finding))
            });
            findings.take(MOST).collect()
        }
    }
}

/// Looks at one file; within a bundle, at the one of this path.
fn lint_file(source: &str, programs: &[String], within: Option<(&Bundle, &str)>) -> Vec<Finding> {
    if let Err(SyntaxError { message, line, column }) = check_syntax(source) {
        return vec![Finding { line, column, message }];
    }
    let tokens = tokens(source);
    let mut findings = program_names(&tokens, programs);
    if within.is_none_or(|(bundle, path)| bundle.entry == path) {
        findings.extend(entry_points(&tokens));
    }
    if let Some((bundle, path)) = within {
        findings.extend(required(&tokens, bundle, path));
    }
    findings.extend(members(&tokens));
    findings.extend(functions(&tokens, within.is_some()));
    findings.extend(big_numbers(&tokens));
    findings.sort_by_key(|finding| (finding.line, finding.column));
    findings.truncate(MOST);
    findings
}

/// Files that are asked for by a plain text and are not in the bundle.
fn required(tokens: &[Token<'_>], bundle: &Bundle, path: &str) -> Vec<Finding> {
    let asked = tokens.windows(3).filter(|three| {
        three[0].text == "require" && three[1].text == "(" && three[2].kind == TokenKind::Text
    });
    asked
        .filter(|three| bundle.resolve(path, three[2].text).is_none())
        .map(|three| Finding::at(&three[2], format!("the bundle has no file `{}`", three[2].text)))
        .collect()
}

fn entry_points(tokens: &[Token<'_>]) -> Vec<Finding> {
    let known = declared(tokens);
    let missing = Entry::REQUIRED.iter().filter(|entry| known.iter().all(|token| token.text != entry.name()));
    missing
        .map(|entry| Finding { line: 1, column: 1, message: format!("the entry point `{entry}` is missing") })
        .collect()
}

/// Programs that are named by a plain text where a text is sent (TXS-13).
fn program_names(tokens: &[Token<'_>], programs: &[String]) -> Vec<Finding> {
    let known = |name: &str| programs.iter().any(|program| program == name);
    tokens
        .windows(3)
        .filter(|three| {
            matches!(three[0].text, "sendTextMessage" | "sendLongTextMessage")
                && three[1].text == "("
                && three[2].kind == TokenKind::Text
                && !three[2].text.contains('\\')
                && !known(three[2].text)
        })
        .map(|three| Finding::at(&three[2], format!("there is no program `{}`", three[2].text)))
        .collect()
}

/// Members of entities that no entity has: of `getContact().x`, and of a constant that is `getContact()`.
fn members(tokens: &[Token<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut constants: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    let gives = |at: usize| -> Option<&'static str> {
        let [name, open, close] = tokens.get(at..at + 3)? else { return None };
        let entity = NAMES.calls.get(name.text).copied().flatten()?;
        let own = at == 0 || tokens[at - 1].text != ".";
        (own && open.text == "(" && close.text == ")").then_some(entity)
    };
    for at in 0..tokens.len() {
        if matches!(tokens[at].text, "const" | "let" | "var")
            && tokens[at].kind == TokenKind::Word
            && tokens.get(at + 2).is_some_and(|token| token.text == "=")
        {
            let ends = tokens.get(at + 6).is_none_or(|token| !matches!(token.text, "." | "[" | "(" | "?"));
            let entity = gives(at + 3).filter(|_| ends);
            // A name with two meanings is not looked at.
            let name = tokens[at + 1].text;
            let held = constants.entry(name).or_insert(entity);
            if *held != entity {
                *held = None;
            }
        }
        let entity = gives(at).map(|entity| (entity, at + 3)).or_else(|| {
            let own = tokens[at].kind == TokenKind::Word && (at == 0 || tokens[at - 1].text != ".");
            let entity = constants.get(tokens[at].text).copied().flatten().filter(|_| own)?;
            Some((entity, at + 1))
        });
        let Some((entity, dot)) = entity else { continue };
        let [Some(dot), Some(member)] = [tokens.get(dot), tokens.get(dot + 1)] else { continue };
        if dot.text == "." && member.kind == TokenKind::Word && !NAMES.members[entity].contains(member.text) {
            findings.push(Finding::at(member, format!("{entity} has no `{}`", member.text)));
        }
    }
    findings
}

/// Calls of functions that are nowhere: a name that is only ever called, and that nobody gives a meaning.
fn functions(tokens: &[Token<'_>], bundled: bool) -> Vec<Finding> {
    let mut meant: BTreeSet<&str> = BTreeSet::new();
    let mut called = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.kind != TokenKind::Word || is_reserved(token.text) {
            continue;
        }
        let before = at.checked_sub(1).map_or("", |before| tokens[before].text);
        let after = tokens.get(at + 1).map_or("", |after| after.text);
        if before == "." {
            continue;
        }
        let is_call =
            after == "(" && !matches!(before, "function" | "*" | "get" | "set" | "async" | "static");
        if is_call && !is_method_definition(tokens, at) {
            called.push(token);
        } else {
            meant.insert(token.text);
        }
    }
    let known = |name: &str| {
        let of_bundle = bundled && name == "require";
        of_bundle || NAMES.calls.contains_key(name) || LANGUAGE.contains(&name) || meant.contains(name)
    };
    called
        .into_iter()
        .filter(|token| !known(token.text))
        .map(|token| Finding::at(token, format!("there is no function `{}`", token.text)))
        .collect()
}

/// `name(...) {` in a class or an object.
fn is_method_definition(tokens: &[Token<'_>], at: usize) -> bool {
    let depth = tokens[at].depth;
    let close = tokens[at + 2..].iter().position(|token| token.text == ")" && token.depth == depth);
    close.and_then(|close| tokens.get(at + 2 + close + 1)).is_some_and(|token| token.text == "{")
}

fn big_numbers(tokens: &[Token<'_>]) -> Vec<Finding> {
    let is_big = |token: &&Token<'_>| token.kind == TokenKind::Number && token.text.ends_with('n');
    let message = || "big integers are not to be used: what they cost cannot be bounded".to_owned();
    tokens.iter().filter(is_big).map(|token| Finding::at(token, message())).collect()
}
