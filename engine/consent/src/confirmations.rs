//! Confirmations that are owed: one for each opt-out, within five minutes, and never another (OPT-04).

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use signalbox_text::E164;

use crate::id::Tenant;
use crate::suppressions::{Level, levels};
use crate::time::{Micros, Span};

/// So long after the opt-out its confirmation may leave (47 CFR 64.1200(a)(12)).
pub const CONFIRM_WITHIN: Span = Span::minutes(5);

/// A confirmation becomes due or is done with: a row of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmationRow {
    /// The level of the opt-out.
    pub level: Level,
    /// The device.
    pub number: E164,
    /// When the opt-out came; `None` when nothing is owed any more.
    pub opted_out: Option<Micros>,
}

/// The confirmations that are due. Bounded: at the bound those that are too late anyway go first, and then no new one
/// is owed. The opt-out itself holds in any case.
#[derive(Debug)]
pub(crate) struct Confirmations {
    due: FxHashMap<(Level, E164), Micros>,
    max: usize,
    swept: Micros,
    changes: VecDeque<ConfirmationRow>,
}

impl Confirmations {
    pub(crate) fn new(max: usize) -> Self {
        Self { due: FxHashMap::default(), max, swept: Micros(i64::MIN), changes: VecDeque::new() }
    }

    pub(crate) fn restore(&mut self, rows: impl IntoIterator<Item = ConfirmationRow>) {
        for row in rows {
            match row.opted_out {
                Some(at) => self.due.insert((row.level, row.number), at),
                None => self.due.remove(&(row.level, row.number)),
            };
        }
    }

    pub(crate) fn owe(&mut self, level: Level, number: E164, now: Micros) {
        if self.due.len() >= self.max {
            self.forget_late(now);
        }
        if self.due.len() >= self.max {
            return;
        }
        self.due.insert((level, number), now);
        self.changes.push_back(ConfirmationRow { level, number, opted_out: Some(now) });
    }

    pub(crate) fn is_due(&self, tenant: &Tenant, number: E164, now: Micros) -> bool {
        levels(tenant).any(|level| {
            self.due.get(&(level, number)).is_some_and(|at| *at <= now && now <= at.after(CONFIRM_WITHIN))
        })
    }

    /// Forgets those that are too late, once in the time in which one may leave.
    pub(crate) fn sweep(&mut self, now: Micros) {
        if self.due.is_empty() || now < self.swept.after(CONFIRM_WITHIN) {
            return;
        }
        self.swept = now;
        self.forget_late(now);
    }

    fn forget_late(&mut self, now: Micros) {
        let changes = &mut self.changes;
        self.due.retain(|(level, number), at| {
            let in_time = at.after(CONFIRM_WITHIN) >= now;
            if !in_time {
                changes.push_back(ConfirmationRow { level: *level, number: *number, opted_out: None });
            }
            in_time
        });
    }

    /// One confirmation does for all levels of a tenant.
    pub(crate) fn done(&mut self, tenant: &Tenant, number: E164) {
        for level in levels(tenant) {
            self.cancel(level, number);
        }
    }

    pub(crate) fn cancel(&mut self, level: Level, number: E164) {
        if self.due.remove(&(level, number)).is_some() {
            self.changes.push_back(ConfirmationRow { level, number, opted_out: None });
        }
    }

    pub(crate) fn drain_changes(&mut self) -> impl Iterator<Item = ConfirmationRow> + '_ {
        self.changes.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, EnterpriseId};

    const TENANT: Tenant = Tenant { enterprise: EnterpriseId(1), account: AccountId(1), campaign: None };
    const LEVEL: Level = Level::Account(AccountId(1));

    fn number(value: u64) -> E164 {
        E164::from_value(12_025_550_000 + value).unwrap()
    }

    #[test]
    fn a_confirmation_is_due_once_and_for_five_minutes() {
        let mut of = Confirmations::new(10);
        let late = Micros(0).after(CONFIRM_WITHIN);
        assert!(!of.is_due(&TENANT, number(1), Micros(0)));
        of.owe(LEVEL, number(1), Micros(0));
        assert!(of.is_due(&TENANT, number(1), Micros(0)) && of.is_due(&TENANT, number(1), late));
        assert!(!of.is_due(&TENANT, number(1), Micros(late.0 + 1)));
        assert!(!of.is_due(&TENANT, number(2), Micros(0)));
        assert!(!of.is_due(&Tenant { account: AccountId(2), ..TENANT }, number(1), Micros(0)));
        of.done(&TENANT, number(1));
        assert!(!of.is_due(&TENANT, number(1), Micros(0)));
        let rows: Vec<_> = of.drain_changes().collect();
        assert_eq!(rows.iter().map(|row| row.opted_out).collect::<Vec<_>>(), [Some(Micros(0)), None]);
        let mut again = Confirmations::new(10);
        again.restore(rows[..1].iter().copied());
        assert!(again.is_due(&TENANT, number(1), Micros(0)));
        again.restore(rows[1..].iter().copied());
        assert!(!again.is_due(&TENANT, number(1), Micros(0)));
    }

    #[test]
    fn at_the_bound_late_ones_make_room() {
        let mut of = Confirmations::new(1);
        of.owe(LEVEL, number(1), Micros(0));
        of.owe(LEVEL, number(2), Micros(1));
        assert!(!of.is_due(&TENANT, number(2), Micros(1)));
        let later = Micros(CONFIRM_WITHIN.micros() as i64 + 1);
        of.owe(LEVEL, number(3), later);
        assert!(of.is_due(&TENANT, number(3), later));
    }
}
