//! The methods of a script: functions that it declares at its top level.

use signalbox_invocation::Entry;

use crate::tokens::{Kind, Token, tokens};

/// Names of a source's top-level functions, classes and variables that may be methods, each once, in order.
pub(crate) fn methods(source: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for token in declared(&tokens(source)) {
        let name = token.text;
        if Entry::method(name).is_ok() && !is_reserved(name) && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

/// The names that top-level declarations give.
pub(crate) fn declared<'a, 's>(tokens: &'a [Token<'s>]) -> Vec<&'a Token<'s>> {
    let mut found = Vec::new();
    let mut declaring = false;
    let mut expecting = false;
    for token in tokens.iter().filter(|token| token.depth == 0) {
        match (token.kind, token.text) {
            (Kind::Word, "const" | "let" | "var") => (declaring, expecting) = (true, true),
            (Kind::Word, "function") => (declaring, expecting) = (false, true),
            (Kind::Punctuation, "*") if expecting => {}
            (Kind::Punctuation, ",") if declaring => expecting = true,
            (Kind::Punctuation, ";") => (declaring, expecting) = (false, false),
            (Kind::Word, _) if expecting => {
                expecting = false;
                found.push(token);
            }
            (
                Kind::Word | Kind::Punctuation | Kind::Text | Kind::Number | Kind::Template | Kind::Pattern,
                _,
            ) => expecting = false,
        }
    }
    found
}

/// Words that no variable of strict code can be called.
pub(crate) fn is_reserved(name: &str) -> bool {
    const RESERVED: &[&str] = &[
        "arguments",
        "async",
        "await",
        "break",
        "case",
        "catch",
        "class",
        "const",
        "continue",
        "debugger",
        "default",
        "delete",
        "do",
        "else",
        "enum",
        "eval",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "function",
        "if",
        "implements",
        "import",
        "in",
        "instanceof",
        "interface",
        "let",
        "new",
        "null",
        "of",
        "package",
        "private",
        "protected",
        "public",
        "return",
        "static",
        "super",
        "switch",
        "this",
        "throw",
        "true",
        "try",
        "typeof",
        "var",
        "void",
        "while",
        "with",
        "yield",
    ];
    RESERVED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_level_functions_are_methods() {
        let source = r"
            // function commented() {}
            function begin() { function inner() {} const local = 1; }
            async function later() {}
            const limit = 3, moHandler = (a, b) => { return a / b; };
            let optOutHandler = function named() {};
            const { x } = { x: 1 };
            const text = `function no() {} ${(() => { const also = 1; return also; })()}`;
            var pattern = /function nor() {/g;
            function helpHandler() {}
        ";
        assert_eq!(
            methods(source),
            [
                "begin",
                "later",
                "limit",
                "moHandler",
                "optOutHandler",
                "named",
                "text",
                "pattern",
                "helpHandler"
            ]
        );
    }

    #[test]
    fn words_of_the_language_are_none() {
        assert!(methods("function return() {} let if = 1").is_empty());
    }
}
