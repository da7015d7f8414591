//! Statements of many rows.
//!
//! A statement holds a power of two of rows, so that few of them are prepared and each is found again. Marks are `?`
//! for SQLite, which looks named ones up one by one, and `$n` for PostgreSQL.

use sqlx::any::AnyArguments;
use sqlx::{Any, Arguments, AssertSqlSafe, Encode, Row, Transaction, Type};

use crate::error::PeopleError;
use crate::store::Dialect;

/// Rows of a statement at most; 16 values each are far below SQLite's 32,766 and PostgreSQL's 65,535.
pub(crate) const ROWS: usize = 256;

/// An insert of many rows: its text before and after the rows, and the values of one.
#[derive(Clone, Copy)]
pub(crate) struct Insert {
    /// `INSERT INTO table (columns) VALUES `.
    pub(crate) head: &'static str,
    /// Values of a row.
    pub(crate) width: usize,
    /// What comes after the rows.
    pub(crate) tail: &'static str,
}

/// Collects the values of a statement.
#[derive(Default)]
pub(crate) struct Values {
    arguments: AnyArguments,
    failed: Option<sqlx::error::BoxDynError>,
}

impl Values {
    pub(crate) fn reserve(&mut self, values: usize) {
        self.arguments.reserve(values, 0);
    }

    pub(crate) fn push<'v, T: Encode<'v, Any> + Type<Any>>(&mut self, value: T) -> &mut Self {
        if let Err(error) = self.arguments.add(value) {
            self.failed.get_or_insert(error);
        }
        self
    }

    fn done(self) -> Result<AnyArguments, PeopleError> {
        match self.failed {
            None => Ok(self.arguments),
            Some(error) => Err(PeopleError::Database(sqlx::Error::Encode(error))),
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
        let mut text = String::with_capacity(self.head.len() + self.tail.len() + rows * (self.width * 6 + 3));
        text.push_str(self.head);
        let mut number = 0;
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ",(" });
            for value in 0..self.width {
                if value > 0 {
                    text.push(',');
                }
                mark(&mut text, dialect, &mut number);
            }
            text.push(')');
        }
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
            let (now, later) = rows.split_at(step(rows.len()));
            let mut values = Values::default();
            values.reserve(now.len() * self.width);
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
            let mut values = Values::default();
            values.reserve(now.len() + 4);
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
