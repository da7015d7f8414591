use std::collections::HashMap;

/// Where the values of a JSON document stand.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Line and column by path of keys.
    at: HashMap<String, (usize, usize)>,
    /// Paths that are there twice, in order.
    pub repeated: Vec<String>,
}

impl Places {
    /// Walks through a text that is known to be JSON.
    pub(crate) fn of(text: &str) -> Self {
        let mut walk = Walk { chars: text.chars().peekable(), line: 1, column: 1, places: Self::default() };
        walk.value(&mut String::new());
        walk.places
    }

    /// Line and column of what the path leads to, or of the nearest that is there.
    pub(crate) fn find(&self, path: &str) -> (usize, usize) {
        let mut path = path;
        loop {
            if let Some(place) = self.at.get(path) {
                return *place;
            }
            match path.rfind('.') {
                Some(dot) => path = &path[..dot],
                None => return self.at.get("").copied().unwrap_or((1, 1)),
            }
        }
    }
}

struct Walk<'t> {
    chars: std::iter::Peekable<std::str::Chars<'t>>,
    line: usize,
    column: usize,
    places: Places,
}

impl Walk<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn blank(&mut self) {
        while self.chars.peek().is_some_and(|c| c.is_whitespace() || matches!(c, ',' | ':')) {
            self.next();
        }
    }

    /// serde_json has refused what is nested too deeply, so this recursion ends.
    fn value(&mut self, path: &mut String) {
        self.blank();
        let here = (self.line, self.column);
        if self.places.at.insert(path.clone(), here).is_some() {
            self.places.repeated.push(path.clone());
        }
        match self.chars.peek() {
            Some('{') => self.inside('}', path, |walk, _| {
                let key = walk.text();
                walk.blank();
                key
            }),
            Some('[') => self.inside(']', path, |_, number| number.to_string()),
            Some('"') => {
                self.text();
            }
            _ => {
                while self.chars.peek().is_some_and(|c| !c.is_whitespace() && !matches!(c, ',' | ']' | '}')) {
                    self.next();
                }
            }
        }
    }

    fn inside(&mut self, end: char, path: &mut String, key: fn(&mut Self, usize) -> String) {
        self.next();
        for number in 0.. {
            self.blank();
            match self.chars.peek() {
                None => return,
                Some(c) if *c == end => {
                    self.next();
                    return;
                }
                Some(_) => {}
            }
            let length = path.len();
            let key = key(self, number);
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&key);
            self.value(path);
            path.truncate(length);
        }
    }

    /// A text in quotes; its escapes stay, but for keys nobody writes with any.
    fn text(&mut self) -> String {
        let mut text = String::new();
        self.next();
        while let Some(c) = self.next() {
            match c {
                '"' => break,
                '\\' => {
                    text.push(c);
                    text.extend(self.next());
                }
                c => text.push(c),
            }
        }
        text
    }
}
