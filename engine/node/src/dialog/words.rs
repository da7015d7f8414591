//! Words of opt-out, help and opt-in: those that are shipped, and what the rows make of them (OPT-02).

use std::sync::Arc;

use rustc_hash::FxHashMap;
use signalbox_config::catalog::{Owner, Row, Tenancy, WordClass, Words as WordsRow};
use signalbox_config::value::Text;
use signalbox_consent::Words;
use signalbox_consent::words::{LanguageWords, WordsError, WordsSpec};
use signalbox_core::backend::Kind;

use super::RowFaults;
use crate::catalog::Snapshot;

/// The words of everybody, and of accounts that have their own.
pub(super) struct AllWords {
    pub(super) shared: Words,
    pub(super) of_accounts: FxHashMap<u32, Arc<Words>>,
}

/// The words of a catalog.
pub(super) fn words(snapshot: &Snapshot, faults: &mut RowFaults) -> AllWords {
    let mut spec = WordsSpec::shipped().expect("the shipped words can be read, as a test shows");
    spec.version = u32::try_from(snapshot.version.0).unwrap_or(u32::MAX).max(spec.version);
    let (shared, own): (Vec<&WordsRow>, Vec<&WordsRow>) =
        snapshot.rows.words.iter().partition(|row| row.owner() == Owner::Platform);
    let spec = with_rows(spec, &shared, faults);
    let words = Words::new(&spec).expect("words that cannot be used were left out");
    AllWords { shared: words, of_accounts: of_accounts(snapshot, &spec, &own, faults) }
}

fn of_accounts(
    snapshot: &Snapshot,
    shared: &WordsSpec,
    own: &[&WordsRow],
    faults: &mut RowFaults,
) -> FxHashMap<u32, Arc<Words>> {
    let mut of_accounts = FxHashMap::default();
    if own.is_empty() {
        return of_accounts;
    }
    let tenancy = Tenancy::of(&snapshot.rows);
    // Accounts of one enterprise mostly have the same.
    let mut made: FxHashMap<Vec<usize>, Arc<Words>> = FxHashMap::default();
    for account in &snapshot.rows.account {
        let Some(id) = snapshot.ids.account(account.name.as_str()) else { continue };
        let mut rows: Vec<usize> = Vec::new();
        for (place, row) in own.iter().enumerate() {
            if tenancy.is_within(Owner::Account(&account.name), row.owner()) {
                rows.push(place);
            }
        }
        if rows.is_empty() {
            continue;
        }
        let words = made.entry(rows).or_insert_with_key(|rows| {
            let rows: Vec<&WordsRow> = rows.iter().map(|place| own[*place]).collect();
            let mut own_faults = RowFaults::default();
            let spec = with_rows(shared.clone(), &rows, &mut own_faults);
            faults.0.extend(own_faults.beyond(faults).0);
            Arc::new(Words::new(&spec).expect("words that cannot be used were left out"))
        });
        of_accounts.insert(id.0, words.clone());
    }
    of_accounts
}

/// The words with those of the rows, but for rows that contradict others.
fn with_rows(mut spec: WordsSpec, rows: &[&WordsRow], faults: &mut RowFaults) -> WordsSpec {
    // Rows that stand in place of shipped ones first, so that words may go from one list to another.
    let (replace, add): (Vec<&&WordsRow>, Vec<&&WordsRow>) = rows.iter().partition(|row| replaces(row));
    let mut all = spec.clone();
    replace.iter().chain(&add).for_each(|row| put(&mut all, row));
    if Words::new(&all).is_ok() {
        return tell_unusable(all, rows, faults);
    }
    for row in replace.into_iter().chain(add) {
        let mut more = spec.clone();
        put(&mut more, row);
        match Words::new(&more) {
            Ok(_) => spec = more,
            Err(error) => faults.add(Kind::Words, &row.name, key_of(&error, row.class), error),
        }
    }
    tell_unusable(spec, rows, faults)
}

fn tell_unusable(spec: WordsSpec, rows: &[&WordsRow], faults: &mut RowFaults) -> WordsSpec {
    for row in rows.iter().filter(|row| row.class == WordClass::Help && !row.likely.is_empty()) {
        faults.add(Kind::Words, &row.name, "likely", "nothing asks for help but likely: put it into certain");
    }
    spec
}

/// Whether a row stands in the place of a shipped one, by its name, such as `en-opt-out`. Only one for everybody does:
/// STOP and HELP mean what they mean whatever an account or an enterprise writes into its own rows.
fn replaces(row: &WordsRow) -> bool {
    if row.owner() != Owner::Platform {
        return false;
    }
    let class = match row.class {
        WordClass::OptOut => "opt-out",
        WordClass::Help => "help",
        WordClass::OptIn => "opt-in",
    };
    row.name.as_str() == format!("{}-{class}", row.language)
}

fn put(spec: &mut WordsSpec, row: &WordsRow) {
    let code = row.language.to_string();
    let place = spec.languages.iter().position(|language| language.code == code).unwrap_or_else(|| {
        spec.languages.push(LanguageWords { code, ..LanguageWords::default() });
        spec.languages.len() - 1
    });
    let language = &mut spec.languages[place];
    let (certain, likely) = match row.class {
        WordClass::OptOut => (&mut language.opt_out, Some(&mut language.likely)),
        WordClass::Help => (&mut language.help, None),
        // What likely means it does so where no question is open.
        WordClass::OptIn => (&mut language.opt_in, Some(&mut language.opt_in_idle)),
    };
    let replaced = replaces(row);
    if replaced {
        certain.clear();
    }
    certain.extend(texts(&row.certain));
    if let Some(likely) = likely {
        if replaced {
            likely.clear();
        }
        likely.extend(texts(&row.likely));
    }
    language.none.extend(texts(&row.none));
}

fn texts(words: &[Text<1, 64>]) -> impl Iterator<Item = String> {
    words.iter().map(ToString::to_string)
}

/// The field of a row that an error is about.
fn key_of(error: &WordsError, class: WordClass) -> &'static str {
    let field = match error {
        WordsError::Empty { field, .. } | WordsError::Ambiguous { field, .. } => *field,
        _ => "certain",
    };
    match (field, class) {
        ("none", _) => "none",
        ("likely", WordClass::OptOut) | ("opt_in_idle", WordClass::OptIn) => "likely",
        _ => "certain",
    }
}
