//! Instructions by their versions (MQ-12, MQ-29).

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use signalbox_config::catalog::{Script, ScriptKind, VersionState};
use signalbox_core::backend::Kind;
use signalbox_flow::Flow;
use signalbox_invocation::Version;

use super::RowFaults;
use crate::catalog::Snapshot;

/// What runs.
#[derive(Clone, Debug)]
pub enum Source {
    /// JavaScript.
    JavaScript(Arc<str>),
    /// A flow, read and checked.
    Flow(Arc<Flow>),
}

#[derive(Clone, Debug)]
struct Read {
    /// What it was read from.
    body: Arc<str>,
    source: Source,
}

/// All versions that conversations may go on with: those that are tested or published.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    read: FxHashMap<Version, Read>,
}

impl Versions {
    /// The versions of a catalog; flows are read, but for those that `before` has already.
    pub fn new(snapshot: &Snapshot, before: Option<&Self>, faults: &mut RowFaults) -> Self {
        let scripts: HashMap<_, _> = snapshot.rows.script.iter().map(|row| (&row.name, row)).collect();
        let mut read = FxHashMap::default();
        for row in &snapshot.rows.script_version {
            match row.state {
                // It may change, and nothing begins with it.
                VersionState::Draft => continue,
                VersionState::Test | VersionState::Published => {}
            }
            let Some(script) = scripts.get(&row.script) else { continue };
            let Some(version) = version_of(snapshot, script, row.version.as_u32()) else { continue };
            let body = row.body.shared();
            let known = before.and_then(|before| before.read.get(&version));
            let source = match (script.kind, known) {
                (ScriptKind::Javascript, _) => Source::JavaScript(body.clone()),
                (ScriptKind::Flow, Some(Read { body: old, source: Source::Flow(flow) })) if *old == body => {
                    Source::Flow(flow.clone())
                }
                (ScriptKind::Flow, _) => match Flow::read(&body) {
                    Ok(flow) => Source::Flow(Arc::new(flow)),
                    Err(problems) => {
                        faults.add(Kind::ScriptVersion, &row.name, "body", problems);
                        continue;
                    }
                },
            };
            read.insert(version, Read { body, source });
        }
        Self { read }
    }

    /// The instructions of a version; `None` where the catalog does not have it any more.
    #[must_use]
    pub fn get(&self, version: Version) -> Option<&Source> {
        self.read.get(&version).map(|read| &read.source)
    }
}

/// The numbers of a version.
pub(super) fn version_of(snapshot: &Snapshot, script: &Script, version: u32) -> Option<Version> {
    let account = snapshot.ids.account(script.account.as_str())?.0;
    let script = snapshot.ids.of(Kind::Script, script.name.as_str())?;
    Some(Version { account, script, version })
}
