//! References among source addresses, programs, keywords, campaigns and scripts, and what must agree along them.

use std::collections::HashMap;

use super::reference::{Places, Referrer, Rows};
use super::{
    Account, AddressSharing, AgentQueue, Catalog, Enterprise, MessageClass, Owner, Row, SourceAddress,
    SubCampaignKind, Tenancy, Tester, VersionState,
};
use crate::setting::Problems;
use crate::value::{AddressForm, Name};

/// All kinds that rows of a dialog refer to.
struct Known<'a> {
    accounts: Rows<'a, Account>,
    enterprises: Rows<'a, Enterprise>,
    carriers: Rows<'a, super::Carrier>,
    links: Rows<'a, super::Link>,
    users: Rows<'a, super::User>,
    programs: Rows<'a, super::Program>,
    addresses: Rows<'a, SourceAddress>,
    campaigns: Rows<'a, super::Campaign>,
    sub_campaigns: Rows<'a, super::SubCampaign>,
    queues: Rows<'a, AgentQueue>,
    scripts: Rows<'a, super::Script>,
    versions: Rows<'a, super::ScriptVersion>,
    participations: Rows<'a, super::Participation>,
    tenancy: Tenancy<'a>,
}

impl Known<'_> {
    /// Whether an account may use what belongs to an owner: its own, what is above it, and what is nobody's.
    fn may_use(&self, account: &Name, owner: Owner<'_>) -> bool {
        owner == Owner::Platform || self.tenancy.is_within(Owner::Account(account), owner)
    }

    /// Whether an account is one of those that share an address (SRC-15).
    fn shares(&self, account: &Name, address: &SourceAddress) -> bool {
        let within =
            |customer: &Name| self.tenancy.is_within(Owner::Account(account), Owner::Account(customer));
        address.customers.is_empty() || address.customers.iter().any(within)
    }
}

/// Records what does not fit together.
pub(super) fn check(catalog: &Catalog, known: &Catalog, places: Places<'_, '_>, problems: &mut Problems<'_>) {
    // Who is above whom may be told by both; the rows here replace known ones of the same name.
    let mut tree = Catalog::default();
    let tenancy = if known.account.is_empty() && known.enterprise.is_empty() {
        Tenancy::of(catalog)
    } else {
        tree.enterprise = known.enterprise.iter().chain(&catalog.enterprise).cloned().collect();
        tree.account = known.account.iter().chain(&catalog.account).cloned().collect();
        tree.script = known.script.iter().chain(&catalog.script).cloned().collect();
        Tenancy::of(&tree)
    };
    let known = Known {
        accounts: Rows::of(catalog, known, |catalog| &catalog.account),
        enterprises: Rows::of(catalog, known, |catalog| &catalog.enterprise),
        carriers: Rows::of(catalog, known, |catalog| &catalog.carrier),
        links: Rows::of(catalog, known, |catalog| &catalog.link),
        users: Rows::of(catalog, known, |catalog| &catalog.user),
        programs: Rows::of(catalog, known, |catalog| &catalog.program),
        addresses: Rows::of(catalog, known, |catalog| &catalog.source_address),
        campaigns: Rows::of(catalog, known, |catalog| &catalog.campaign),
        sub_campaigns: Rows::of(catalog, known, |catalog| &catalog.sub_campaign),
        queues: Rows::of(catalog, known, |catalog| &catalog.agent_queue),
        scripts: Rows::of(catalog, known, |catalog| &catalog.script),
        versions: Rows::of(catalog, known, |catalog| &catalog.script_version),
        participations: Rows::of(catalog, known, |catalog| &catalog.participation),
        tenancy,
    };
    check_addresses(catalog, &known, places, problems);
    check_campaigns(catalog, &known, places, problems);
    check_scripts(catalog, &known, places, problems);
    check_participation(catalog, &known, places, problems);
    check_queues(catalog, &known, places, problems);
    check_testers(catalog, &known, places, problems);
}

fn check_addresses(
    catalog: &Catalog,
    known: &Known<'_>,
    places: Places<'_, '_>,
    problems: &mut Problems<'_>,
) {
    for (index, row) in catalog.source_address.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.all(&known.links, &row.links, "links");
        at.all(&known.carriers, &row.carriers, "carriers");
        at.all(&known.programs, &row.programs, "programs");
        at.one(&known.accounts, row.account.as_ref(), "account");
        at.one(&known.enterprises, row.enterprise.as_ref(), "enterprise");
        at.all(&known.accounts, &row.customers, "customers");
        for (place, combination) in row.combinations.iter().enumerate() {
            at.one(&known.programs, combination.program.as_ref(), &format!("combinations[{place}].program"));
            at.one(&known.carriers, combination.carrier.as_ref(), &format!("combinations[{place}].carrier"));
        }
        let key = "default_sub_campaign";
        let Some(default) = at.one(&known.sub_campaigns, row.default_sub_campaign.as_ref(), key) else {
            continue;
        };
        if default.kind != SubCampaignKind::Inbound {
            at.conflict(key, format!("`{}` is outbound", default.name));
        }
        let dedicated = row.sharing == AddressSharing::Dedicated;
        let foreign = dedicated && !known.may_use(&default.account, row.owner());
        if foreign || !known.shares(&default.account, row) {
            at.conflict(key, format!("`{}` is of another account (KEY-10)", default.name));
        }
    }
    for (index, row) in catalog.approval.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        let program = at.one(&known.programs, Some(&row.program), "program");
        let address = at.one(&known.addresses, Some(&row.source_address), "source_address");
        at.one(&known.carriers, Some(&row.carrier), "carrier");
        if let (Some(program), Some(address)) = (program, address)
            && program.class == MessageClass::Fteu
            && !address.fteu_capable
        {
            at.conflict("source_address", format!("`{}` is not fteu_capable", address.name));
        }
    }
    for (index, row) in catalog.program.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, row.account.as_ref(), "account");
        at.one(&known.enterprises, row.enterprise.as_ref(), "enterprise");
    }
    for (index, row) in catalog.words.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, row.account.as_ref(), "account");
        at.one(&known.enterprises, row.enterprise.as_ref(), "enterprise");
    }
    for (index, row) in catalog.dnc_list.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, row.account.as_ref(), "account");
        at.one(&known.enterprises, row.enterprise.as_ref(), "enterprise");
    }
    for (index, row) in catalog.keyword.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, Some(&row.account), "account");
        if let Some(program) = at.one(&known.programs, row.program.as_ref(), "program") {
            check_usable(&mut at, known, program, "program", &row.account);
        }
        if let Some(address) = at.one(&known.addresses, Some(&row.source_address), "source_address") {
            check_address(&mut at, known, address, "source_address", &row.account);
            if let Some(program) = row.program.as_ref().filter(|program| !address.programs.contains(program))
            {
                at.conflict("program", format!("`{program}` does not run on `{}` (SRC-05)", address.name));
            }
            if address.address.form() == AddressForm::Alphanumeric {
                at.conflict("source_address", "is a name, which nobody can send to");
            }
        }
        let Some(begun) = at.one(&known.sub_campaigns, Some(&row.sub_campaign), "sub_campaign") else {
            continue;
        };
        if begun.kind != SubCampaignKind::Inbound {
            at.conflict("sub_campaign", format!("`{}` is outbound", begun.name));
        }
        if begun.account != row.account {
            at.conflict("sub_campaign", format!("`{}` is of the account `{}`", begun.name, begun.account));
        }
    }
}

/// Records an address that the account may not use.
fn check_address<R: Row>(
    at: &mut Referrer<'_, '_, '_, '_, R>,
    known: &Known<'_>,
    address: &SourceAddress,
    path: &str,
    account: &Name,
) {
    if known.shares(account, address) {
        return check_usable(at, known, address, path, account);
    }
    at.conflict(path, format!("the source_address `{}` is not for the account `{account}`", address.name));
}

/// Records a row that the account may not use.
fn check_usable<R: Row, T: Row>(
    at: &mut Referrer<'_, '_, '_, '_, R>,
    known: &Known<'_>,
    used: &T,
    path: &str,
    account: &Name,
) {
    if !known.may_use(account, used.owner()) {
        at.conflict(path, format!("the {} `{}` is not for the account `{account}`", T::KIND, used.name()));
    }
}

fn check_campaigns(
    catalog: &Catalog,
    known: &Known<'_>,
    places: Places<'_, '_>,
    problems: &mut Problems<'_>,
) {
    for (index, row) in catalog.campaign.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, Some(&row.account), "account");
    }
    for (index, row) in catalog.sub_campaign.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, Some(&row.account), "account");
        if let Some(campaign) = at.one(&known.campaigns, row.campaign.as_ref(), "campaign") {
            check_usable(&mut at, known, campaign, "campaign", &row.account);
        }
        if let Some(address) = at.one(&known.addresses, row.source_address.as_ref(), "source_address") {
            check_address(&mut at, known, address, "source_address", &row.account);
        }
        for program in &row.programs {
            if let Some(program) = at.one(&known.programs, Some(program), "programs") {
                check_usable(&mut at, known, program, "programs", &row.account);
            }
        }
        if let Some(queue) = at.one(&known.queues, row.agent_queue.as_ref(), "agent_queue")
            && queue.account != row.account
        {
            at.conflict("agent_queue", format!("`{}` is of the account `{}`", queue.name, queue.account));
        }
        let path = "instructions.script";
        let Some(script) = at.one(&known.scripts, row.instructions.script.as_ref(), path) else { continue };
        check_usable(&mut at, known, script, path, &row.account);
        let Some(version) = row.instructions.version else { continue };
        match version_of(known, &script.name, version.get()) {
            None => at.conflict(
                "instructions.version",
                format!("there is no version {version} of `{}`", script.name),
            ),
            Some(found) if found.state == VersionState::Draft => {
                at.conflict("instructions.version", format!("the version {version} is a draft"));
            }
            Some(_) => {}
        }
    }
}

fn version_of<'a>(known: &Known<'a>, script: &Name, version: u64) -> Option<&'a super::ScriptVersion> {
    known.versions.get(&format!("{script}.{version}").parse().ok()?)
}

fn check_scripts(catalog: &Catalog, known: &Known<'_>, places: Places<'_, '_>, problems: &mut Problems<'_>) {
    for (index, row) in catalog.script.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, Some(&row.account), "account");
        for (key, version) in [("published", row.published), ("testing", row.testing)] {
            let Some(version) = version else { continue };
            let state = version_of(known, &row.name, version.get()).map(|version| version.state);
            let right = match state {
                None => {
                    at.conflict(key, format!("there is no version {version}"));
                    continue;
                }
                Some(VersionState::Draft) => false,
                Some(VersionState::Test) => key == "testing",
                Some(VersionState::Published) => true,
            };
            if !right {
                at.conflict(key, format!("the version {version} is not in that state"));
            }
        }
    }
    for (index, row) in catalog.script_version.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.scripts, Some(&row.script), "script");
    }
    for (index, row) in catalog.template.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, Some(&row.account), "account");
        at.one(&known.users, row.agent.as_ref(), "agent");
    }
    for (index, row) in catalog.web_service.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, Some(&row.account), "account");
    }
}

fn check_participation(
    catalog: &Catalog,
    known: &Known<'_>,
    places: Places<'_, '_>,
    problems: &mut Problems<'_>,
) {
    let mut databases = HashMap::new();
    for (index, row) in catalog.participation.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, Some(&row.account), "account");
        // A file has the submissions of one campaign (CM-07).
        let database = row.database.as_ref().unwrap_or(&row.name);
        if database.as_str() == "unmatched" {
            at.conflict("database", "`unmatched` has the entries for no campaign".to_owned());
        }
        if let Some(other) = databases.insert(database, &row.name) {
            at.conflict("database", format!("the participation `{other}` has `{database}` already"));
        }
        if let Some(program) = at.one(&known.programs, row.program.as_ref(), "program") {
            check_usable(&mut at, known, program, "program", &row.account);
        }
        for (place, point) in row.entry_points.iter().enumerate() {
            let path = format!("entry_points[{place}].source_address");
            if let Some(address) = at.one(&known.addresses, point.source_address.as_ref(), &path) {
                check_address(&mut at, known, address, &path, &row.account);
            }
        }
        for (place, requirement) in row.requirements.iter().enumerate() {
            at.all(&known.carriers, &requirement.carriers, &format!("requirements[{place}].carriers"));
            let path = format!("requirements[{place}].step");
            // Who took part elsewhere is not told to other accounts.
            if let Some(step) = at.one(&known.participations, requirement.step.as_ref(), &path) {
                check_usable(&mut at, known, step, &path, &row.account);
            }
        }
    }
}

/// A keyword is watched for once on an address of an account, and once on all: it leads to one queue (KEY-13).
fn check_queues(catalog: &Catalog, known: &Known<'_>, places: Places<'_, '_>, problems: &mut Problems<'_>) {
    let mut watched = HashMap::new();
    for (index, row) in catalog.agent_queue.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, Some(&row.account), "account");
        for (place, watch) in row.watch.iter().enumerate() {
            let address = watch.source_address.as_ref();
            let path = format!("watch[{place}].source_address");
            if let Some(address) = at.one(&known.addresses, address, &path) {
                check_address(&mut at, known, address, &path, &row.account);
            }
            let words = watch.keyword.folded().to_owned();
            let other = watched.insert((&row.account, address, words), &row.name);
            if let Some(other) = other.filter(|other| **other != row.name) {
                let reason = format!("the queue `{other}` watches for it already");
                at.conflict(&format!("watch[{place}].keyword"), reason);
            }
        }
    }
}

/// A device is a tester of an account once, and an account has no more than it may.
fn check_testers(catalog: &Catalog, known: &Known<'_>, places: Places<'_, '_>, problems: &mut Problems<'_>) {
    let mut of_accounts: HashMap<&Name, Vec<&Tester>> = HashMap::new();
    for (index, row) in catalog.tester.iter().enumerate() {
        let mut at = Referrer::of(row, index, places, &mut *problems);
        at.one(&known.accounts, Some(&row.account), "account");
        for program in &row.programs {
            if let Some(program) = at.one(&known.programs, Some(program), "programs") {
                check_usable(&mut at, known, program, "programs", &row.account);
            }
        }
        let held = of_accounts.entry(&row.account).or_default();
        if let Some(other) = held.iter().find(|other| other.device == row.device) {
            at.conflict("device", format!("the tester `{}` is this device", other.name));
        }
        if held.len() >= Tester::MOST {
            at.conflict("account", format!("`{}` has {} testers, the limit", row.account, Tester::MOST));
        }
        held.push(row);
    }
}
