//! What is said of rows before they are kept: of the text of a script or flow (TXS-02), of a keyword (KEY-14).

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use signalbox_config::Catalog as Rows;
use signalbox_config::catalog::{
    Owner, Row, RowKind, Script, ScriptKind, ScriptVersion, Tenancy, too_common,
};
use signalbox_config::value::Name;
use signalbox_flow::{Names, Problem, check};
use signalbox_invocation::Failure;
use signalbox_script::Pool;

pub use signalbox_flow::Severity;

/// A worker must have read a script within this time; the pool kills one that hangs long before.
const LONGEST: Duration = Duration::from_secs(20);

/// Something that is said of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The row's kind.
    pub kind: RowKind,
    /// Its name.
    pub row: String,
    /// Whether it can be kept in spite of it.
    pub severity: Severity,
    /// The field, with the keys that lead to a place in a flow: `body.steps.ask.answer`.
    pub field: String,
    /// Line of the field's text, from 1, where that has lines.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// What is to be said.
    pub message: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`, {}", self.kind, self.row, self.field)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ", line {line} column {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// All that is said of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed<R = Remark> {
    /// What keeps them from being kept.
    pub errors: Vec<R>,
    /// What somebody should look at.
    pub warnings: Vec<R>,
}

impl Reviewed {
    fn add(&mut self, remark: Remark) {
        match remark.severity {
            Severity::Error => self.errors.push(remark),
            Severity::Warning => self.warnings.push(remark),
        }
    }
}

/// A text that could not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// The workers did not read a script.
    #[error("the script version `{version}` cannot be checked")]
    Worker {
        /// Which version.
        version: String,
        /// Why.
        #[source]
        source: Failure,
    },
    /// They did not do so in time.
    #[error("the script version `{version}` was not checked within {} s", LONGEST.as_secs())]
    TimedOut {
        /// Which version.
        version: String,
    },
}

/// Looks at the versions of scripts and the keywords among `rows` that are not so in `before`. A script that a worker
/// fails on is an error of its own text; only that there is no room, or no time, is an error of the review.
///
/// # Errors
/// See [`ReviewError`].
pub async fn review(
    rows: &Rows,
    before: &Rows,
    account: impl Fn(&Name) -> u32,
    pool: Option<&Pool>,
) -> Result<Reviewed, ReviewError> {
    let mut reviewed = Reviewed { errors: Vec::new(), warnings: Vec::new() };
    keywords(rows, before, &mut reviewed);
    for text in texts(rows, before) {
        let problems = match (text.kind, pool) {
            (ScriptKind::Flow, _) => flow(&text).await,
            (ScriptKind::Javascript, Some(pool)) => script(&text, account(text.account), pool).await?,
            // Who has no workers is asked for flows alone.
            (ScriptKind::Javascript, None) => continue,
        };
        problems.into_iter().for_each(|problem| reviewed.add(text.remark(problem)));
    }
    Ok(reviewed)
}

/// True when one of the versions that are not so in `before` is JavaScript, for which there must be a worker.
#[must_use]
pub fn needs_worker(rows: &Rows, before: &Rows) -> bool {
    texts(rows, before).iter().any(|text| text.kind == ScriptKind::Javascript)
}

fn keywords(rows: &Rows, before: &Rows, reviewed: &mut Reviewed) {
    let old: HashMap<_, _> = before.keyword.iter().map(|row| (&row.name, row)).collect();
    for row in rows.keyword.iter().filter(|row| old.get(&row.name) != Some(row)) {
        let Some(message) = too_common(&row.text) else { continue };
        reviewed.add(Remark {
            kind: RowKind::Keyword,
            row: row.name.to_string(),
            severity: Severity::Warning,
            field: "text".to_owned(),
            line: None,
            column: None,
            message,
        });
    }
}

/// A text of a version, and what it may name.
struct Text<'a> {
    version: &'a ScriptVersion,
    account: &'a Name,
    kind: ScriptKind,
    usable: Arc<Usable>,
}

/// Names of what an account may use.
#[derive(Default)]
struct Usable {
    programs: BTreeSet<String>,
    services: BTreeSet<String>,
}

impl Text<'_> {
    fn remark(&self, problem: Problem) -> Remark {
        let Problem { severity, line, column, path, message } = problem;
        Remark {
            kind: RowKind::ScriptVersion,
            row: self.version.name.to_string(),
            severity,
            field: if path.is_empty() { "body".to_owned() } else { format!("body.{path}") },
            line: Some(line),
            column: Some(column),
            message,
        }
    }
}

/// The versions whose text, state or kind is new: what is tested and published is looked at again, since what it names
/// may be gone.
fn texts<'a>(rows: &'a Rows, before: &'a Rows) -> Vec<Text<'a>> {
    let scripts = |rows: &'a Rows| -> HashMap<&'a Name, &'a Script> {
        rows.script.iter().map(|row| (&row.name, row)).collect()
    };
    let of = |script: &'a Script| (script.kind, &script.account);
    let (now, then) = (scripts(rows), scripts(before));
    let old: HashMap<_, _> = before.script_version.iter().map(|row| (&row.name, row)).collect();
    let mut texts = Vec::new();
    let mut usable: HashMap<&Name, Arc<Usable>> = HashMap::new();
    let mut tenancy = None;
    for version in &rows.script_version {
        // A version without a script is refused by the references.
        let Some(script) = now.get(&version.script).copied() else { continue };
        let same = old.get(&version.name).is_some_and(|old| {
            (&old.body, old.state) == (&version.body, version.state)
                && then.get(&old.script).copied().map(of) == Some(of(script))
        });
        if same {
            continue;
        }
        let tenancy = tenancy.get_or_insert_with(|| Tenancy::of(rows));
        let usable = usable.entry(&script.account).or_insert_with(|| {
            Arc::new(Usable {
                programs: names(&rows.program, &script.account, tenancy),
                services: names(&rows.web_service, &script.account, tenancy),
            })
        });
        let (account, usable) = (&script.account, usable.clone());
        texts.push(Text { version, account, kind: script.kind, usable });
    }
    texts
}

/// Names of rows that an account may use: its own, those above it, and nobody's.
fn names<R: Row>(rows: &[R], account: &Name, tenancy: &Tenancy<'_>) -> BTreeSet<String> {
    let usable =
        |row: &&R| row.owner() == Owner::Platform || tenancy.is_within(Owner::Account(account), row.owner());
    rows.iter().filter(usable).map(|row| row.name().to_string()).collect()
}

async fn flow(text: &Text<'_>) -> Vec<Problem> {
    let (body, usable) = (text.version.body.shared(), text.usable.clone());
    let checked = tokio::task::spawn_blocking(move || {
        let names = Names { programs: Some(&usable.programs), services: Some(&usable.services) };
        check(&body, &names).problems
    });
    checked.await.unwrap_or_else(|error| vec![whole(error.to_string())])
}

async fn script(text: &Text<'_>, account: u32, pool: &Pool) -> Result<Vec<Problem>, ReviewError> {
    let version = || text.version.name.to_string();
    let programs = text.usable.programs.iter().cloned().collect();
    let asked = pool.lint(account, text.version.body.shared(), programs);
    match tokio::time::timeout(LONGEST, asked).await {
        Err(_) => Err(ReviewError::TimedOut { version: version() }),
        Ok(Ok(findings)) => Ok(findings.into_iter().map(problem).collect()),
        Ok(Err(source)) if source.is_temporary() => Err(ReviewError::Worker { version: version(), source }),
        Ok(Err(failure)) => Ok(vec![whole(failure.to_string())]),
    }
}

fn problem(finding: signalbox_script::Finding) -> Problem {
    let signalbox_script::Finding { line, column, message } = finding;
    let (line, column) = (line as usize, column as usize);
    Problem { severity: Severity::Error, line, column, path: String::new(), message }
}

fn whole(message: String) -> Problem {
    Problem { severity: Severity::Error, line: 1, column: 1, path: String::new(), message }
}
