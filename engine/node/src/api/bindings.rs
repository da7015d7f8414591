//! `/v1/source-addresses/{name}/keywords`: the keywords of one source address, written as a set (SRC-17, KEY-04).

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use signalbox_config::Catalog as Rows;
use signalbox_config::catalog::{Keyword, Owner, Right, Row, RowKind, SourceAddress};
use signalbox_config::value::KeywordText;
use signalbox_core::backend::{CatalogChange, Kind};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{Condition, JsonBody, PathName};
use super::operations::{Operation, RequestHeader, operation};
use super::problem::{FieldError, Problem, ProblemKind, internal};
use super::rows::{View, check, check_change, etag, find};
use crate::catalog::Snapshot;

/// Keywords that are written at once.
const MOST: usize = 1_000;

/// A keyword of the address.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Binding {
    /// Name of the row; when it is written, that of the same words where there is one, else one is made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The words; case and accents do not count.
    text: String,
    /// The program whose family it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    /// The account whose it is.
    account: String,
    /// The inbound sub-campaign that it begins.
    sub_campaign: String,
    /// From when on it is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Up to when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

/// The keywords that an address is to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BindingsBody {
    /// All of the caller's, at most 1,000; what is not here goes.
    keywords: Vec<Binding>,
}

/// What stands on a source address.
#[derive(Debug, Serialize, ToSchema)]
struct Bindings {
    /// The source address.
    source_address: String,
    /// The account that alone may send from it, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// The keywords by their names, those that the caller may see.
    keywords: Vec<Binding>,
    /// What somebody should look at in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<FieldError>,
}

pub(super) fn operations() -> Vec<Operation> {
    let path = "/v1/source-addresses/{name}/keywords";
    vec![
        operation(Method::GET, path, "source_address.keywords", "The keywords of a source address", list)
            .right(Right::CatalogRead)
            .tenants()
            .answer::<Bindings>(200, "its keywords")
            .with("ETag")
            .problems(&[ProblemKind::NotFound]),
        operation(
            Method::PUT,
            path,
            "source_address.put_keywords",
            "Makes the caller's keywords of a source address these, all or nothing",
            put,
        )
        .right(Right::CatalogWrite)
        .tenants()
        .header(RequestHeader::IfMatch)
        .body::<BindingsBody>()
        .answer::<Bindings>(200, "its keywords as they are now")
        .with("ETag")
        .problems(&[
            ProblemKind::NotFound,
            ProblemKind::BrokenReference,
            ProblemKind::VersionMismatch,
        ]),
    ]
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<(HeaderMap, Json<Bindings>), Problem> {
    let in_force = api.control().in_force();
    // Of a set the ETag is the version of the catalog.
    let tag = etag(in_force.snapshot.version);
    Ok((tag, Json(bindings(&caller, &in_force.snapshot, &name)?)))
}

/// The address, if the caller may know that it is there: what is nobody's in particular may be anybody's to use.
fn address<'a>(view: &View<'_>, snapshot: &'a Snapshot, name: &str) -> Result<&'a SourceAddress, Problem> {
    let row = find::<SourceAddress>(snapshot, name);
    let row = row.filter(|row| row.owner() == Owner::Platform || view.sees(*row));
    row.ok_or_else(|| Problem::no("source_address", name))
}

fn bindings(caller: &Caller, snapshot: &Snapshot, name: &str) -> Result<Bindings, Problem> {
    let view = View::of(caller, snapshot);
    let row = address(&view, snapshot, name)?;
    let here = |keyword: &&Keyword| keyword.source_address == row.name && view.owns(*keyword);
    let mut keywords: Vec<Binding> = snapshot.rows.keyword.iter().filter(here).map(shown).collect();
    keywords.sort_by(|one, other| one.name.cmp(&other.name));
    let account = row.account.as_ref().map(ToString::to_string);
    Ok(Bindings { source_address: row.name.to_string(), account, keywords, warnings: Vec::new() })
}

fn shown(row: &Keyword) -> Binding {
    Binding {
        name: Some(row.name.to_string()),
        text: row.text.to_string(),
        program: row.program.as_ref().map(ToString::to_string),
        account: row.account.to_string(),
        sub_campaign: row.sub_campaign.to_string(),
        from: row.from.map(|at| at.to_string()),
        to: row.to.map(|at| at.to_string()),
    }
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    condition: Condition,
    JsonBody(body): JsonBody<BindingsBody>,
) -> Result<(HeaderMap, Json<Bindings>), Problem> {
    if body.keywords.len() > MOST {
        return Err(Problem::field("keywords", format!("at most {MOST} at once")));
    }
    let _one_at_a_time = api.0.changing.lock().await;
    let in_force = api.control().in_force();
    let snapshot = &in_force.snapshot;
    let view = View::of(&caller, snapshot);
    let address = address(&view, snapshot, &name)?;
    check(condition, snapshot.version, RowKind::SourceAddress, &name)?;
    let (own, others): (Vec<&Keyword>, Vec<&Keyword>) =
        snapshot.rows.keyword.iter().partition(|row| row.source_address == address.name && view.owns(*row));
    let mut names: HashSet<String> = snapshot.rows.keyword.iter().map(|row| row.name.to_string()).collect();
    let mut wanted = Vec::with_capacity(body.keywords.len());
    for (place, binding) in body.keywords.into_iter().enumerate() {
        let row = row(binding, place, address, &own, &mut names)?;
        if !view.owns(&row) {
            return Err(Problem::new(ProblemKind::Forbidden, "the row would be another account's"));
        }
        wanted.push(row);
    }
    let changes = changes(snapshot, &own, &wanted);
    let mut rows: Rows = snapshot.rows.clone();
    rows.keyword = others.into_iter().cloned().chain(wanted).collect();
    check_change(&caller, &rows, &snapshot.rows)?;
    let warnings = api.review(&rows, &snapshot.rows, None).await?;
    api.change(&caller, changes).await?;
    let in_force = api.control().in_force();
    let now = bindings(&caller, &in_force.snapshot, &name)?;
    Ok((etag(in_force.snapshot.version), Json(Bindings { warnings, ..now })))
}

/// What makes the rows that are there those that are wanted.
fn changes(snapshot: &Snapshot, own: &[&Keyword], wanted: &[Keyword]) -> Vec<CatalogChange> {
    let kind = Kind::Keyword;
    let held = |name: &str| Some(snapshot.version_of(kind, name));
    let gone = own.iter().filter(|row| wanted.iter().all(|other| other.name != row.name)).map(|row| {
        let name = row.name.to_string();
        CatalogChange::Delete { kind, expected: held(&name), name }
    });
    let put = wanted.iter().filter(|row| !own.contains(row)).map(|row| {
        let (name, document) = (row.name.to_string(), row.to_document());
        CatalogChange::Put { kind, expected: held(&name), name, document }
    });
    gone.chain(put).collect()
}

/// The row of a wish: the one with the same words at the same time stays what it is.
fn row(
    mut binding: Binding,
    place: usize,
    address: &SourceAddress,
    own: &[&Keyword],
    names: &mut HashSet<String>,
) -> Result<Keyword, Problem> {
    if binding.name.is_none() {
        let text: Option<KeywordText> = binding.text.parse().ok();
        let same = |row: &&&Keyword| text.as_ref().is_some_and(|text| row.text.folded() == text.folded());
        let mut same = own.iter().filter(same);
        let known = same.next().filter(|_| same.next().is_none());
        binding.name = Some(match known {
            Some(row) => row.name.to_string(),
            None => made_up(address.name.as_str(), &binding.text, names),
        });
    }
    let mut json = serde_json::to_value(&binding).map_err(|error| internal(&error))?;
    json["source_address"] = address.name.as_str().into();
    let read = Keyword::from_request(&json.to_string(), None);
    read.map_err(|errors| {
        let fields = errors.all().iter().map(|error| FieldError {
            field: format!("keywords[{place}].{}", error.key),
            line: None,
            column: None,
            problem: error.problem.to_string(),
        });
        Problem::fields(fields.collect())
    })
}

/// A name that no keyword has, made of the address and the words.
fn made_up(address: &str, text: &str, names: &mut HashSet<String>) -> String {
    let folded = signalbox_text::fold(text);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let words: String = folded.chars().map(plain).take(24).collect();
    // A name has 64 octets, those of addresses too.
    let base: String = format!("{address}.{words}").chars().take(56).collect();
    let numbered = |number: u32| if number == 1 { base.clone() } else { format!("{base}.{number}") };
    let name = (1..).map(numbered).find(|name| !names.contains(name)).unwrap_or(base.clone());
    names.insert(name.clone());
    name
}
