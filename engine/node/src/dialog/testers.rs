//! From the rows of testers to what the dialog server asks (MQ-10).

use signalbox_config::catalog::{Owner, Tenancy};
use signalbox_core::address::{Address, ton};
use signalbox_core::time::Micros;
use signalbox_dialog::{Tester, Testers};

use crate::catalog::Snapshot;

/// The testers of a catalog: each of its account and of all accounts below it.
pub(super) fn testers(snapshot: &Snapshot) -> Testers {
    let mut testers = Testers::default();
    let rows = &snapshot.rows;
    if rows.tester.is_empty() {
        return testers;
    }
    let tenancy = Tenancy::of(rows);
    for row in rows.tester.iter().filter(|row| row.enabled) {
        let Ok(device) = Address::new(ton::INTERNATIONAL, 1, row.device.as_str().as_bytes()) else {
            continue;
        };
        for account in &rows.account {
            if !tenancy.is_within(Owner::Account(&account.name), Owner::Account(&row.account)) {
                continue;
            }
            let Some(id) = snapshot.ids.account(account.name.as_str()) else { continue };
            testers.add(
                device.key(),
                Tester {
                    account: id.0,
                    programs: row.programs.iter().map(ToString::to_string).collect(),
                    until: row.ends.map(|ends| Micros(ends.as_microsecond())),
                },
            );
        }
    }
    testers
}
