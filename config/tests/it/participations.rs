//! Rows of participation campaigns, and what they refer to.

use signalbox_config::catalog::RejectCode;

use crate::dialog::{errors, parse};

#[test]
fn requirements_of_participation_have_what_their_kind_needs() {
    let with = |rule: &str, requirement: &str| {
        format!(
            "[[participation]]\nname = 'p'\naccount = 'bank'\nkind = 'vote'\nstate = 'ready'\n\
             extraction = [{rule}]\nrequirements = [{requirement}]\n"
        )
    };
    assert_eq!(
        errors(&with(
            "{ field = 'f', kind = 'regex' }, { field = 'f', kind = 'enumeration' }",
            "{ kind = 'one_of', field = 'g' }, { kind = 'max_total' }, { kind = 'range', min = 2, max = 1 }"
        )),
        [
            "participation[0].entry_points: must name at least one",
            "participation[0].extraction: the field `f` is there twice",
            "participation[0].extraction[0].kind: regex needs a pattern",
            "participation[0].extraction[1].kind: enumeration needs options",
            "participation[0].requirements: no rule of extraction gives the field `g`",
            "participation[0].requirements[0].kind: one_of needs values",
            "participation[0].requirements[1].kind: max_total needs a limit",
            "participation[0].requirements[2].kind: range needs a field",
            "participation[0].requirements[2].max: must not be below min, which is 2",
        ]
    );
    let catalog = parse(
        &with(
            "{ field = 'f', kind = 'number' }",
            "{ kind = 'range', field = 'f', min = 1 }, { kind = 'max_total', limit = 9, reject = 'CLOSED' }",
        )
        .replace("'ready'", "'draft'"),
    );
    let codes: Vec<RejectCode> =
        catalog.participation[0].requirements.iter().map(|requirement| requirement.reject()).collect();
    assert_eq!(codes, [RejectCode::BadFormat, RejectCode::Closed]);
}

/// Who took part in a campaign is for its own account, and for who is above it.
#[test]
fn a_step_is_a_campaign_that_the_account_may_use() {
    let campaign = |name: &str, account: &str, more: &str| {
        format!(
            "[[participation]]\nname = '{name}'\naccount = '{account}'\nkind = 'vote'\nstate = 'draft'\n{more}\n"
        )
    };
    let step = "requirements = [{ kind = 'step_done', step = 'first' }]";
    parse(&(campaign("first", "bank", "") + &campaign("second", "bank", step)));
    assert_eq!(
        errors(&(campaign("first", "shop", "") + &campaign("second", "bank", step))),
        ["participation[1].requirements[0].step: the participation `first` is not for the account `bank`"]
    );
}

/// CM-07: each campaign's submissions are in a file of their own.
#[test]
fn a_database_has_one_campaign() {
    let campaign = |name: &str, more: &str| {
        format!(
            "[[participation]]\nname = '{name}'\naccount = 'bank'\nkind = 'vote'\nstate = 'draft'\n{more}\n"
        )
    };
    parse(&(campaign("song", "") + &campaign("dance", "database = 'ballet'")));
    let told =
        |first: &str| [format!("participation[1].database: the participation `{first}` has `song` already")];
    assert_eq!(errors(&(campaign("song", "") + &campaign("dance", "database = 'song'"))), told("song"));
    assert_eq!(errors(&(campaign("dance", "database = 'song'") + &campaign("song", ""))), told("dance"));
    assert_eq!(
        errors(&campaign("unmatched", "")),
        ["participation[0].database: `unmatched` has the entries for no campaign"]
    );
}
