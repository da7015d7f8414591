//! `/v1/scripts/{name}/versions/{version}/bundle`: a script of several files as a zip archive (D9).

use axum::body::Bytes;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use signalbox_config::catalog::{Right, Row, RowKind, Script, ScriptKind, ScriptVersion};
use signalbox_script::Bundle;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{Condition, PathPair, ZipBody};
use super::operations::{Operation, RequestHeader, operation};
use super::problem::{Problem, ProblemKind, chain, internal};
use super::rows::{View, etag, find, version_of};
use crate::scripts::from_zip;

/// A version of several files.
#[derive(Debug, Serialize, ToSchema)]
struct BundleInfo {
    /// The row of the version.
    name: String,
    /// The file that it begins with.
    entry: String,
    /// Its files.
    files: Vec<BundleFile>,
}

/// A file of a bundle.
#[derive(Debug, Serialize, ToSchema)]
struct BundleFile {
    /// Its path.
    path: String,
    /// Its length.
    octets: usize,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::PUT,
            "/v1/scripts/{name}/versions/{version}/bundle",
            "script.bundle",
            "Writes a draft of several files from a zip archive; `manifest.json` in it may name the `entry`, else it is `script.js`",
            put,
        )
        .right(Right::CatalogWrite)
        .tenants()
        .header(RequestHeader::IfMatch)
        .header(RequestHeader::IfNoneMatch)
        .body_of("application/zip", |_| json!({ "type": "string", "format": "binary" }))
        .answer::<BundleInfo>(200, "the files of the version")
        .with("ETag")
        .problems(&[
            ProblemKind::NotFound,
            ProblemKind::VersionMismatch,
            ProblemKind::BrokenReference,
            ProblemKind::Frozen,
        ]),
        operation(
            Method::GET,
            "/v1/scripts/{name}/versions/{version}/bundle",
            "script.files",
            "The files of a version; one that is no bundle is one file",
            get,
        )
        .right(Right::CatalogRead)
        .tenants()
        .answer::<BundleInfo>(200, "the files of the version")
        .with("ETag")
        .problems(&[ProblemKind::NotFound]),
    ]
}

async fn get(
    State(api): State<Api>,
    caller: Caller,
    PathPair(name, number): PathPair,
) -> Result<Response, Problem> {
    let in_force = api.control().in_force();
    let snapshot = &in_force.snapshot;
    let view = View::of(&caller, snapshot);
    let script = find::<Script>(snapshot, &name).filter(|row| view.sees(*row));
    script.ok_or_else(|| Problem::no(RowKind::Script.as_str(), &name))?;
    let row_name = format!("{name}.{number}");
    let version = find::<ScriptVersion>(snapshot, &row_name);
    let version = version.ok_or_else(|| Problem::no(RowKind::ScriptVersion.as_str(), &row_name))?;
    let held = version_of::<ScriptVersion>(snapshot, &row_name);
    Ok((etag(held), axum::Json(files_of(row_name, &version.body.shared()))).into_response())
}

/// The files that a text is.
fn files_of(name: String, body: &str) -> BundleInfo {
    match Bundle::of(body).and_then(Result::ok) {
        Some(bundle) => {
            let files = bundle.files.into_iter();
            let files = files.map(|(path, text)| BundleFile { path, octets: text.len() }).collect();
            BundleInfo { name, entry: bundle.entry, files }
        }
        None => {
            let path = "script.js".to_owned();
            BundleInfo { name, entry: path.clone(), files: vec![BundleFile { path, octets: body.len() }] }
        }
    }
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    PathPair(name, number): PathPair,
    condition: Condition,
    ZipBody(archive): ZipBody,
) -> Result<Response, Problem> {
    let (kind, before) = {
        let in_force = api.control().in_force();
        let snapshot = &in_force.snapshot;
        let view = View::of(&caller, snapshot);
        let script = find::<Script>(snapshot, &name).filter(|row| view.owns(*row));
        let script = script.ok_or_else(|| Problem::no(RowKind::Script.as_str(), &name))?;
        (script.kind, find::<ScriptVersion>(snapshot, &format!("{name}.{number}")).cloned())
    };
    if kind != ScriptKind::Javascript {
        return Err(Problem::new(ProblemKind::Invalid, format!("the script `{name}` is a {kind}")));
    }
    let version: u64 = number.parse().map_err(|_| Problem::field("version", "must be a number"))?;
    let bundle = unpacked(archive).await?;
    let mut row = match &before {
        Some(before) => serde_json::to_value(before).map_err(|error| internal(&error))?,
        None => json!({ "name": format!("{name}.{version}"), "script": name, "version": version }),
    };
    let source = bundle.to_source();
    row["body"] = json!(source);
    let row = ScriptVersion::from_request(&row.to_string(), before.as_ref())?;
    let row_name = row.name.to_string();
    api.write_row(&caller, row, condition).await?;
    let held = version_of::<ScriptVersion>(&api.control().in_force().snapshot, &row_name);
    Ok((etag(held), axum::Json(files_of(row_name, &source))).into_response())
}

/// Unpacking takes its time: never on a thread of the runtime.
async fn unpacked(archive: Bytes) -> Result<Bundle, Problem> {
    let unpacked = tokio::task::spawn_blocking(move || from_zip(&archive)).await;
    unpacked.map_err(|error| internal(&error))?.map_err(|error| Problem::field("body", chain(&error)))
}
