//! Statements of many rows.
//!
//! On SQLite a statement holds a power of two of rows, so that few of them are prepared and each is found again. Its
//! marks are `?`, for SQLite looks named ones up one by one. On PostgreSQL an insert is one statement however many rows
//! it has: each column comes as one array, for planning thousands of marks takes longer than inserting the rows. The
//! Any driver knows no arrays, so they come as texts that PostgreSQL reads as arrays.

use std::borrow::Cow;

use sqlx::any::AnyArguments;
use sqlx::{Any, Arguments, AssertSqlSafe, Row, Transaction};

use crate::error::PeopleError;
use crate::store::Dialect;

/// Rows of a statement at most; 16 values each are half of SQLite's 32,766. Each statement is handed over to the
/// database's thread and awaited.
pub(crate) const ROWS: usize = 1024;
/// Rows of an insert of PostgreSQL at most: of those of one statement all are looked up when one was there.
const ROWS_OF_ARRAYS: usize = 1024;

/// An insert of many rows: its text before and after the rows, and the values of one.
#[derive(Clone, Copy)]
pub(crate) struct Insert {
    /// `INSERT INTO table (columns)`.
    pub(crate) head: &'static str,
    /// What each value of a row is: `i` a number, `t` a text.
    pub(crate) kinds: &'static str,
    /// What comes after the rows.
    pub(crate) tail: &'static str,
}

/// Collects the values of a statement.
pub(crate) struct Values {
    shape: Shape,
    failed: Option<sqlx::error::BoxDynError>,
}

/// How values are given to the database.
enum Shape {
    /// One by one.
    Marks(AnyArguments),
    /// A text for each column, which is an array; and the column of the next value.
    Columns(Vec<String>, usize),
}

/// What a row may hold.
pub(crate) trait Cell {
    fn put(self, values: &mut Values);
}

impl Cell for i64 {
    fn put(self, values: &mut Values) {
        Some(self).put(values);
    }
}

impl Cell for &str {
    fn put(self, values: &mut Values) {
        Some(self).put(values);
    }
}

impl Cell for Option<i64> {
    fn put(self, values: &mut Values) {
        match &mut values.shape {
            Shape::Marks(arguments) => {
                if let Err(error) = arguments.add(self) {
                    values.failed.get_or_insert(error);
                }
            }
            Shape::Columns(columns, next) => {
                let column = element(columns, next);
                match self {
                    Some(number) => column.push_str(&number.to_string()),
                    None => column.push_str("NULL"),
                }
            }
        }
    }
}

impl Cell for Option<&str> {
    fn put(self, values: &mut Values) {
        let storable = self.map(storable);
        let text = storable.as_deref();
        match &mut values.shape {
            Shape::Marks(arguments) => {
                if let Err(error) = arguments.add(text) {
                    values.failed.get_or_insert(error);
                }
            }
            Shape::Columns(columns, next) => {
                let column = element(columns, next);
                let Some(text) = text else { return column.push_str("NULL") };
                column.push('"');
                for letter in text.chars() {
                    if matches!(letter, '"' | '\\') {
                        column.push('\\');
                    }
                    column.push(letter);
                }
                column.push('"');
            }
        }
    }
}

/// A text as both databases keep it: PostgreSQL takes no NUL, and a device may write one.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// The column of the next value, ready for one more element.
fn element<'c>(columns: &'c mut [String], next: &mut usize) -> &'c mut String {
    let count = columns.len();
    let column = &mut columns[*next % count];
    *next = (*next + 1) % count;
    column.push(if column.is_empty() { '{' } else { ',' });
    column
}

impl Values {
    /// Values one by one, so many.
    fn marks(count: usize) -> Self {
        let mut arguments = AnyArguments::default();
        arguments.reserve(count, 0);
        Self { shape: Shape::Marks(arguments), failed: None }
    }

    /// Values by columns, so many.
    fn columns(count: usize) -> Self {
        Self { shape: Shape::Columns(vec![String::new(); count], 0), failed: None }
    }

    pub(crate) fn push(&mut self, value: impl Cell) -> &mut Self {
        value.put(self);
        self
    }

    fn done(self) -> Result<AnyArguments, PeopleError> {
        let failed = |error| PeopleError::Database(sqlx::Error::Encode(error));
        match (self.shape, self.failed) {
            (_, Some(error)) => Err(failed(error)),
            (Shape::Marks(arguments), None) => Ok(arguments),
            (Shape::Columns(columns, _), None) => {
                let mut arguments = AnyArguments::default();
                for mut column in columns {
                    column.push('}');
                    arguments.add(column).map_err(failed)?;
                }
                Ok(arguments)
            }
        }
    }
}

/// The largest statement for so many rows.
fn step(rows: usize) -> usize {
    1 << rows.clamp(1, ROWS).ilog2()
}

fn mark(text: &mut String, dialect: Dialect, number: &mut usize) {
    *number += 1;
    match dialect {
        Dialect::Sqlite => text.push('?'),
        Dialect::Postgres => {
            text.push('$');
            text.push_str(&number.to_string());
        }
    }
}

impl Insert {
    fn text(&self, dialect: Dialect, rows: usize) -> String {
        match dialect {
            Dialect::Sqlite => self.text_of_marks(rows),
            Dialect::Postgres => self.text_of_arrays(),
        }
    }

    fn text_of_marks(&self, rows: usize) -> String {
        let width = self.kinds.len();
        let mut text = String::with_capacity(self.head.len() + self.tail.len() + rows * (width * 2 + 3) + 8);
        text.push_str(self.head);
        text.push_str(" VALUES ");
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ",(" });
            for value in 0..width {
                text.push_str(if value == 0 { "?" } else { ",?" });
            }
            text.push(')');
        }
        text.push_str(self.tail);
        text
    }

    fn text_of_arrays(&self) -> String {
        let mut text = format!("{} SELECT * FROM unnest(", self.head);
        for (index, kind) in self.kinds.chars().enumerate() {
            let kind = if kind == 'i' { "bigint" } else { "text" };
            let comma = if index == 0 { "" } else { ", " };
            text.push_str(&format!("{comma}${}::text::{kind}[]", index + 1));
        }
        text.push(')');
        text.push_str(self.tail);
        text
    }

    /// Inserts all rows; `bind` adds the values of one. Returns how many rows the database took.
    pub(crate) async fn run<T>(
        &self,
        transaction: &mut Transaction<'static, Any>,
        dialect: Dialect,
        rows: &[T],
        bind: impl Fn(&T, &mut Values),
    ) -> Result<u64, PeopleError> {
        let mut taken = 0;
        self.run_by_steps(transaction, dialect, rows, bind, |_, now| taken += now).await?;
        Ok(taken)
    }

    /// The same; `told` gets the rows of each statement and how many of them the database took.
    pub(crate) async fn run_by_steps<'r, T>(
        &self,
        transaction: &mut Transaction<'static, Any>,
        dialect: Dialect,
        mut rows: &'r [T],
        bind: impl Fn(&T, &mut Values),
        mut told: impl FnMut(&'r [T], u64),
    ) -> Result<(), PeopleError> {
        while !rows.is_empty() {
            let (count, mut values) = match dialect {
                Dialect::Sqlite => (step(rows.len()), Values::marks(step(rows.len()) * self.kinds.len())),
                Dialect::Postgres => (rows.len().min(ROWS_OF_ARRAYS), Values::columns(self.kinds.len())),
            };
            let (now, later) = rows.split_at(count);
            for row in now {
                bind(row, &mut values);
            }
            let text = AssertSqlSafe(self.text(dialect, now.len()));
            let done = sqlx::query_with(text, values.done()?).execute(&mut **transaction).await?;
            told(now, done.rows_affected());
            rows = later;
        }
        Ok(())
    }
}

/// A query for the rows whose key is among many: `head` ends with `IN `.
#[derive(Clone, Copy)]
pub(crate) struct Among {
    /// The query; its own marks are `?` in order and come before the keys.
    pub(crate) head: &'static str,
}

impl Among {
    fn text(&self, dialect: Dialect, keys: usize) -> String {
        let mut text = String::with_capacity(self.head.len() + keys * 6);
        let mut number = 0;
        for letter in self.head.chars() {
            match letter {
                '?' => mark(&mut text, dialect, &mut number),
                other => text.push(other),
            }
        }
        text.push('(');
        for key in 0..keys {
            if key > 0 {
                text.push(',');
            }
            mark(&mut text, dialect, &mut number);
        }
        text.push(')');
        text
    }

    /// Asks for all keys; `first` adds the values of the head's own marks, `take` gets each row.
    pub(crate) async fn run<'k, K>(
        &self,
        transaction: &mut Transaction<'static, Any>,
        dialect: Dialect,
        mut keys: &'k [K],
        first: impl Fn(&mut Values),
        bind: impl Fn(&'k K, &mut Values),
        mut take: impl FnMut(&sqlx::any::AnyRow) -> Result<(), sqlx::Error>,
    ) -> Result<(), PeopleError> {
        while !keys.is_empty() {
            let (now, later) = keys.split_at(step(keys.len()));
            let mut values = Values::marks(now.len() + 4);
            first(&mut values);
            for key in now {
                bind(key, &mut values);
            }
            let text = AssertSqlSafe(self.text(dialect, now.len()));
            let rows = sqlx::query_with(text, values.done()?).fetch_all(&mut **transaction).await?;
            for row in &rows {
                debug_assert!(!row.is_empty());
                take(row)?;
            }
            keys = later;
        }
        Ok(())
    }
}
