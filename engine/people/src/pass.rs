//! Passes: a sub-campaign is sent to the contacts of a list, each once (requirements CAM-04, D12, MT-02).
//!
//! What is kept here is the pass's place in its list and the completion status of each contact. It begins nothing: the
//! node's runner takes contacts page by page ([`People::take_of_pass`]) and asks the dialog server to begin them, which
//! begins each once however often it is asked. So what a stop interrupts is asked for again ([`People::asked_of_pass`]).

mod attempt;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use sqlx::Row;
use sqlx::any::AnyRow;

pub use attempt::{Attempted, Candidate, Ended, PassDevice};

use crate::device::{DeviceKind, UnknownKind, account_of, words};
use crate::error::{Invalid, PeopleError};
use crate::id::{ListId, PassId, Scope};
use crate::owned::Owned;
use crate::store::People;

words! {
    /// Where a pass is in its life.
    PassState {
        /// It takes contacts from its list, once its time has come.
        Running = "running",
        /// It takes none for the time being.
        Paused = "paused",
        /// All were taken, or its time is over; ends of attempts are waited for.
        Closing = "closing",
        /// Every contact that was taken has its status.
        Done = "done",
        /// It takes none any more; ends of attempts are waited for.
        Cancelling = "cancelling",
        /// It was cancelled, and every contact that was taken has its status.
        Cancelled = "cancelled",
    }
}

/// How fast a pass begins contacts (requirement MT-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PassRate {
    /// So many a second, in thousandths.
    Fixed(u64),
    /// As there is room for their texts.
    Auto,
}

/// A pass as it is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassOrder {
    /// Name of the sub-campaign.
    pub sub_campaign: String,
    /// The list.
    pub list: ListId,
    /// How fast.
    pub rate: PassRate,
    /// Kinds of devices that are attempted, first first; empty: those of the contact's own order (requirement CON-06).
    pub kinds: Vec<DeviceKind>,
    /// Not before.
    pub starts: Option<Micros>,
    /// Begins no contact from then on.
    pub ends: Option<Micros>,
}

/// A pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Its id.
    pub id: PassId,
    /// The account.
    pub account: AccountId,
    /// What was ordered.
    pub order: PassOrder,
    /// Where it is.
    pub state: PassState,
    /// Contacts that were taken from the list.
    pub begun: i64,
    /// Of those, whose device answered.
    pub replied: i64,
    /// Counts the changes of the pass itself.
    pub version: i64,
    /// When it was made.
    pub created: Micros,
    /// When it was over.
    pub ended: Option<Micros>,
}

/// What somebody does to a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassChange {
    /// It takes no contacts for the time being.
    Pause,
    /// It goes on.
    Resume,
    /// It takes none any more.
    Cancel,
}

/// How many attempts of a pass ended in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The completion status.
    pub status: String,
    /// Why; empty where there is nothing to add.
    pub reason: String,
    /// How many.
    pub contacts: i64,
}

const COLUMNS: &str = "id, account, sub_campaign, list, state, rate, kinds, starts_at, ends_at, begun, replied, \
                       version, created_at, ended_at";

impl Owned for Pass {
    const TABLE: &'static str = "pass";
    const COLUMNS: &'static str = COLUMNS;

    fn read(row: &AnyRow) -> Result<Self, PeopleError> {
        read(row)
    }

    fn account(&self) -> AccountId {
        self.account
    }
}

impl People {
    /// Makes a pass; its list is held until it is over.
    ///
    /// # Errors
    /// When its list is not there or another account's, its times cannot be, or the database fails.
    pub async fn create_pass(
        &self,
        scope: &Scope,
        account: AccountId,
        order: PassOrder,
        now: Micros,
    ) -> Result<Pass, PeopleError> {
        if !scope.sees(account) {
            return Err(PeopleError::absent("account", account.0));
        }
        if order.rate == PassRate::Fixed(0) {
            return Err(Invalid::new("rate", "is zero").into());
        }
        if let (Some(starts), Some(ends)) = (order.starts, order.ends)
            && starts >= ends
        {
            return Err(Invalid::new("ends_at", "is not after starts_at").into());
        }
        let found = self.list(&Scope::Accounts([account].into()), order.list).await?;
        if found.is_none() {
            return Err(PeopleError::absent("list", order.list));
        }
        let id = PassId(self.take_ids(1).await?);
        // First, so that the list cannot go in between; what is held for nothing is let go below.
        self.hold_list(scope, order.list, &holder(id), now).await?;
        let made = self.insert_pass(account, id, &order, now).await;
        if made.is_err() {
            self.release_list(order.list, &holder(id)).await?;
        }
        made?;
        let state = PassState::Running;
        let (begun, replied, version, created, ended) = (0, 0, 1, now, None);
        Ok(Pass { id, account, order, state, begun, replied, version, created, ended })
    }

    async fn insert_pass(
        &self,
        account: AccountId,
        id: PassId,
        order: &PassOrder,
        now: Micros,
    ) -> Result<(), PeopleError> {
        let kinds: Vec<&str> = order.kinds.iter().map(|kind| kind.as_str()).collect();
        let rate = match order.rate {
            PassRate::Fixed(rate) => Some(i64::try_from(rate).unwrap_or(i64::MAX)),
            PassRate::Auto => None,
        };
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO pass (id, account, node, sub_campaign, list, state, rate, kinds, starts_at, ends_at, \
             place, begun, replied, version, created_at, ended_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, 1, $11, NULL)",
        )
        .bind(id.0)
        .bind(i64::from(account.0))
        .bind(self.node.as_ref())
        .bind(order.sub_campaign.as_str())
        .bind(order.list.0)
        .bind(PassState::Running.as_str())
        .bind(rate)
        .bind(kinds.join(" "))
        .bind(order.starts.map(|at| at.0))
        .bind(order.ends.map(|at| at.0))
        .bind(now.0)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// A pass by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pass(&self, scope: &Scope, id: PassId) -> Result<Option<Pass>, PeopleError> {
        self.owned_row(scope, id.0).await
    }

    /// Passes of an account, newest first, from the one before `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn passes(
        &self,
        scope: &Scope,
        account: AccountId,
        before: Option<PassId>,
        limit: usize,
    ) -> Result<Vec<Pass>, PeopleError> {
        self.owned_page(scope, account, before.map(|before| before.0), limit).await
    }

    /// Passes of this node that are not over, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_passes(&self) -> Result<Vec<Pass>, PeopleError> {
        let text =
            format!("SELECT {COLUMNS} FROM pass WHERE node = $1 AND state NOT IN ($2, $3) ORDER BY id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(self.node.as_ref())
            .bind(PassState::Done.as_str())
            .bind(PassState::Cancelled.as_str())
            .fetch_all(self.reader())
            .await?;
        rows.iter().map(read).collect()
    }

    /// Pauses a pass, lets it go on, or cancels it; to be where it is already is no error.
    ///
    /// # Errors
    /// When it is not there or over, or the database fails.
    pub async fn change_pass(
        &self,
        scope: &Scope,
        id: PassId,
        change: PassChange,
    ) -> Result<Pass, PeopleError> {
        let pass = self.pass(scope, id).await?.ok_or_else(|| PeopleError::absent("pass", id))?;
        let under_way = [PassState::Running, PassState::Paused];
        // One that has begun every contact may have texts that wait.
        let open = [PassState::Running, PassState::Paused, PassState::Closing];
        let (from, to) = match change {
            PassChange::Pause => (&under_way[..], PassState::Paused),
            PassChange::Resume => (&under_way[..], PassState::Running),
            PassChange::Cancel => (&open[..], PassState::Cancelling),
        };
        if pass.state == to {
            return Ok(pass);
        }
        if !self.move_pass(id, from, to).await? {
            let held = self.pass(scope, id).await?.ok_or_else(|| PeopleError::absent("pass", id))?;
            return Err(PeopleError::PassOver { state: held.state.as_str() });
        }
        self.pass(scope, id).await?.ok_or_else(|| PeopleError::absent("pass", id))
    }

    /// Notes that a pass takes no more contacts; whether it took some until now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close_pass(&self, id: PassId) -> Result<bool, PeopleError> {
        self.move_pass(id, &[PassState::Running, PassState::Paused], PassState::Closing).await
    }

    /// Notes that every contact which a pass took has its status, and lets its list go.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_pass(&self, pass: &Pass, now: Micros) -> Result<(), PeopleError> {
        let mut transaction = self.begin().await?;
        for (from, to) in
            [(PassState::Closing, PassState::Done), (PassState::Cancelling, PassState::Cancelled)]
        {
            sqlx::query(
                "UPDATE pass SET state = $1, ended_at = $2, version = version + 1 WHERE id = $3 AND state = $4",
            )
            .bind(to.as_str())
            .bind(now.0)
            .bind(pass.id.0)
            .bind(from.as_str())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        self.release_list(pass.order.list, &holder(pass.id)).await
    }

    async fn move_pass(&self, id: PassId, from: &[PassState], to: PassState) -> Result<bool, PeopleError> {
        let mut transaction = self.begin().await?;
        let mut moved = 0;
        for from in from {
            let done =
                sqlx::query("UPDATE pass SET state = $1, version = version + 1 WHERE id = $2 AND state = $3")
                    .bind(to.as_str())
                    .bind(id.0)
                    .bind(from.as_str())
                    .execute(&mut *transaction)
                    .await?;
            moved += done.rows_affected();
        }
        transaction.commit().await?;
        Ok(moved > 0)
    }

    /// How many attempts of a pass ended in which way.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tally_of_pass(&self, id: PassId) -> Result<Vec<Tally>, PeopleError> {
        let rows = sqlx::query(
            "SELECT status, reason, contacts FROM pass_tally WHERE pass = $1 ORDER BY status, reason",
        )
        .bind(id.0)
        .fetch_all(self.reader())
        .await?;
        let read = |row: &AnyRow| {
            Ok(Tally { status: row.try_get(0)?, reason: row.try_get(1)?, contacts: row.try_get(2)? })
        };
        rows.iter().map(read).collect()
    }
}

/// Who holds the list.
fn holder(id: PassId) -> String {
    format!("pass {id}")
}

fn read(row: &AnyRow) -> Result<Pass, PeopleError> {
    let damaged = |column| move |_| PeopleError::Damaged { table: "pass", column };
    let kinds: String = row.try_get(6)?;
    let kinds = kinds.split_whitespace().map(str::parse).collect::<Result<_, _>>();
    let rate: Option<i64> = row.try_get(5)?;
    Ok(Pass {
        id: PassId(row.try_get(0)?),
        account: account_of(row, 1, "pass")?,
        order: PassOrder {
            sub_campaign: row.try_get(2)?,
            list: ListId(row.try_get(3)?),
            rate: rate.map_or(PassRate::Auto, |rate| PassRate::Fixed(u64::try_from(rate).unwrap_or(1))),
            kinds: kinds.map_err(damaged("kinds"))?,
            starts: row.try_get::<Option<i64>, _>(7)?.map(Micros),
            ends: row.try_get::<Option<i64>, _>(8)?.map(Micros),
        },
        state: row.try_get::<String, _>(4)?.parse().map_err(damaged("state"))?,
        begun: row.try_get(9)?,
        replied: row.try_get(10)?,
        version: row.try_get(11)?,
        created: Micros(row.try_get(12)?),
        ended: row.try_get::<Option<i64>, _>(13)?.map(Micros),
    })
}
