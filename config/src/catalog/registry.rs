//! The registry of addresses and keywords: nothing is bound twice at the same time (MQ-17, MQ-27, KEY-03, CM-10;
//! shared rule 6).

use std::collections::HashMap;

use super::reference::Places;
use super::{
    Account, Catalog, EntryChannel, Keyword, Participation, ParticipationState, SourceAddress, SubCampaign,
};
use crate::setting::Problems;
use crate::value::{AddressForm, Name};

/// A binding of words on an address for a time.
struct Binding<'a> {
    from: Option<jiff::Timestamp>,
    to: Option<jiff::Timestamp>,
    /// The account that it is a test of: it takes no message from what lives (MQ-10).
    tests: Option<&'a Name>,
    /// What it is, for the error of the next one.
    kind: &'static str,
    name: &'a Name,
}

impl Binding<'_> {
    fn overlaps(&self, other: &Self) -> bool {
        let before = |end: Option<jiff::Timestamp>, begin: Option<jiff::Timestamp>| {
            end.zip(begin).is_some_and(|(end, begin)| end <= begin)
        };
        let same_life = self.tests == other.tests;
        same_life && !before(self.to, other.from) && !before(other.to, self.from)
    }
}

/// The bindings so far, by address and folded words; no words are the whole address.
#[derive(Default)]
struct Bindings<'a>(HashMap<(&'a Name, &'a str), Vec<Binding<'a>>>);

impl<'a> Bindings<'a> {
    /// Adds one; what it clashes with, if anything.
    fn add(&mut self, address: &'a Name, words: &'a str, binding: Binding<'a>) -> Option<String> {
        let held = self.0.entry((address, words)).or_default();
        let clash = held.iter().find(|other| other.overlaps(&binding));
        let told =
            clash.map(|other| format!("the {} `{}` has this already at `{address}`", other.kind, other.name));
        held.push(binding);
        told
    }
}

/// Records what is bound twice.
pub(super) fn check(catalog: &Catalog, places: Places<'_, '_>, problems: &mut Problems<'_>) {
    check_addresses(catalog, places, problems);
    let mut bindings = Bindings::default();
    bindings.0.reserve(catalog.keyword.len());
    // The same words in one program are one keyword of its family, and that is one account's (KEY-01, PRG-07).
    let mut of_families: HashMap<(&Name, &str), &Keyword> = HashMap::new();
    let not_live: HashMap<&Name, &SubCampaign> = catalog
        .sub_campaign
        .iter()
        .filter(|row| row.state.is_before_life())
        .map(|row| (&row.name, row))
        .collect();
    for (index, row) in catalog.keyword.iter().enumerate() {
        let of_family = row
            .program
            .as_ref()
            .map(|program| *of_families.entry((program, row.text.folded())).or_insert(row));
        if let Some(first) = of_family.filter(|first| first.account != row.account) {
            let told = format!(
                "the keyword `{}` of the account `{}` is this in the program's family",
                first.name, first.account
            );
            places.conflict::<Keyword>(index, "text", told, problems);
        }
        let tests = not_live.get(&row.sub_campaign).map(|_| &row.account);
        let binding = Binding { from: row.from, to: row.to, tests, kind: "keyword", name: &row.name };
        if let Some(clash) = bindings.add(&row.source_address, row.text.folded(), binding) {
            places.conflict::<Keyword>(index, "text", clash, problems);
        }
    }
    for (index, row) in catalog.participation.iter().enumerate() {
        for (place, point) in row.entry_points.iter().enumerate() {
            // Forms and requests name their campaign: no message is theirs.
            let (EntryChannel::Sms, Some(address)) = (point.channel, &point.source_address) else { continue };
            let words = point.keyword.as_ref().map_or("", |keyword| keyword.folded());
            let (kind, name) = ("participation", &row.name);
            let tests = (row.state == ParticipationState::Draft).then_some(&row.account);
            let binding = Binding { from: row.open, to: row.close, tests, kind, name };
            if let Some(clash) = bindings.add(address, words, binding) {
                places.conflict::<Participation>(
                    index,
                    &format!("entry_points[{place}].keyword"),
                    clash,
                    problems,
                );
            }
        }
    }
}

/// The same digits may be a short code of two countries, told apart by the links that they come over or by the country of
/// the device; and a name may be registered in each. A long code is one of the world.
fn check_addresses(catalog: &Catalog, places: Places<'_, '_>, problems: &mut Problems<'_>) {
    let mut by_address: HashMap<&str, Vec<&SourceAddress>> = HashMap::new();
    for (index, row) in catalog.source_address.iter().enumerate() {
        let held = by_address.entry(row.address.as_str()).or_default();
        let of_country = row.address.form() != AddressForm::LongCode;
        let shares = |other: &&&SourceAddress| !of_country || other.country == row.country;
        if let Some(other) = held.iter().find(shares) {
            let reason = format!("the source_address `{}` has this already", other.name);
            places.conflict::<SourceAddress>(index, "address", reason, problems);
        }
        held.push(row);
    }
    for (index, account) in catalog.account.iter().enumerate() {
        for pattern in &account.mo_addresses {
            if let Some(taken) = by_address.get(pattern.to_string().as_str()).and_then(|held| held.first()) {
                let reason =
                    format!("messages to `{pattern}` are those of the source_address `{}`", taken.name);
                places.conflict::<Account>(index, "mo_addresses", reason, problems);
            }
        }
    }
}
