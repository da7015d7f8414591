//! Keywords as the dialog server looks them up: all of a catalog, or those of the version before with what changed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use signalbox_config::catalog::Keyword as Row;
use signalbox_config::value::Name;
use signalbox_core::backend::Kind;
use signalbox_core::time::Micros;
use signalbox_dialog::{Does, Keyword, Keywords};

use super::addresses::Own;
use super::changed::OF_KEYWORDS;
use super::{Changed, RowFaults};
use crate::catalog::Snapshot;

/// Numbers by name, once for all: there may be 100,000 keywords of few addresses and sub-campaigns.
struct Known<'a> {
    addresses: HashMap<&'a Name, u32>,
    sub_campaigns: HashMap<&'a Name, u32>,
    /// Accounts of those that have not come to life.
    tests: HashMap<&'a Name, u32>,
    programs: HashMap<&'a Name, Arc<str>>,
}

/// The keywords of a catalog, and whether those of participation campaigns are among them.
pub(super) fn keywords(
    snapshot: &Snapshot,
    own: &[Own<'_>],
    changed: Option<&Changed<'_>>,
    faults: &mut RowFaults,
) -> (Keywords, bool) {
    let rows = &snapshot.rows;
    let numbered = |kind, name: &Name| snapshot.ids.of(kind, name.as_str());
    let known = Known {
        addresses: own.iter().map(|own| (&own.row.name, own.id)).collect(),
        sub_campaigns: rows
            .sub_campaign
            .iter()
            .filter_map(|row| Some((&row.name, numbered(Kind::SubCampaign, &row.name)?)))
            .collect(),
        tests: rows
            .sub_campaign
            .iter()
            .filter(|row| row.state.is_before_life())
            .filter_map(|row| Some((&row.name, snapshot.ids.account(row.account.as_str())?.0)))
            .collect(),
        programs: rows.program.iter().map(|row| (&row.name, row.name.shared())).collect(),
    };
    // What a fault left out may fit now.
    let kept =
        changed.filter(|changed| changed.compiled.faults.0.is_empty() && !changed.touches(&OF_KEYWORDS));
    let Some(changed) = kept else {
        let mut keywords = Keywords::default();
        rows.keyword.iter().for_each(|row| known.add(snapshot, row, &mut keywords, faults));
        return (keywords, false);
    };
    let mut keywords = changed.compiled.rules.keywords.clone();
    let names: HashSet<&str> =
        changed.named().filter(|(kind, _)| *kind == Kind::Keyword).map(|(_, name)| name).collect();
    if names.is_empty() {
        return (keywords, true);
    }
    let is_named = |row: &&Row| names.contains(row.name.as_str());
    let ids = &changed.compiled.numbers;
    for row in changed.rows.keyword.iter().filter(is_named) {
        let address = known.addresses.get(&row.source_address);
        let id = ids.of(Kind::Keyword, row.name.as_str());
        if let (Some(address), Some(id)) = (address, id) {
            keywords.remove(*address, row.text.folded(), id);
        }
    }
    rows.keyword.iter().filter(is_named).for_each(|row| known.add(snapshot, row, &mut keywords, faults));
    (keywords, true)
}

impl Known<'_> {
    fn add(&self, snapshot: &Snapshot, row: &Row, keywords: &mut Keywords, faults: &mut RowFaults) {
        // At an address that does not live nobody says it.
        let Some(address) = self.addresses.get(&row.source_address) else { return };
        let Some(sub_campaign) = self.sub_campaigns.get(&row.sub_campaign) else { return };
        let Some(id) = snapshot.ids.of(Kind::Keyword, row.name.as_str()) else { return };
        let micros = |at: jiff::Timestamp| Micros(at.as_microsecond());
        let keyword = Keyword {
            id,
            text: row.text.shared(),
            program: row.program.as_ref().and_then(|name| self.programs.get(name)).cloned(),
            sub_campaign: *sub_campaign,
            from: row.from.map(micros),
            to: row.to.map(micros),
            whole: false,
            does: Does::Begin,
            tests: self.tests.get(&row.sub_campaign).copied(),
        };
        if let Err(error) = keywords.add_folded(*address, row.text.folded_shared(), keyword) {
            faults.add(Kind::Keyword, &row.name, "text", error);
        }
    }
}
