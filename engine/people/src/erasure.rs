//! Erasure of a person (GDPR, article 17): what identifies them goes, what proves an opt-out stays under a pseudonym.

use rustc_hash::FxHashSet;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use crate::bulk::Values;
use crate::consent::Level;
use crate::contact::Contact;
use crate::contact::write::remove;
use crate::error::PeopleError;
use crate::id::{ContactId, Scope};
use crate::pseudonym::{self, ErasureKey};
use crate::store::People;
use crate::upload::SUPPRESSED;

/// What an erasure took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Devices; those that another contact has stay.
    pub devices: u64,
    /// Lines of history whose words were erased.
    pub history: u64,
    /// Entries of the consent ledger that have a pseudonym now.
    pub consents: u64,
    /// Suppressions that hold for a pseudonym now.
    pub suppressions: u64,
}

impl People {
    /// Erases a contact: itself, its fields and memberships, the devices that nobody else has, and the words of its
    /// history. Ledger, suppressions and history tell of a pseudonym instead of its numbers and client id. One that
    /// was erased is not there any more; whoever writes again is a new contact, and their opt-out still holds.
    ///
    /// A device that another contact has stays with it, and so does what was said with it under no client id.
    ///
    /// # Errors
    /// When it is not there, was changed meanwhile, no key is set, or the database fails.
    pub async fn erase_contact(
        &self,
        scope: &Scope,
        id: ContactId,
        version: Option<i64>,
    ) -> Result<Erased, PeopleError> {
        let key = self.key.as_ref().ok_or(PeopleError::NoKey)?;
        let contact = self.contact(scope, id).await?.ok_or_else(|| PeopleError::absent("contact", id))?;
        let _changing = self.changing();
        let mut transaction = self.begin().await?;
        // The version that was read, so that no device is missed that came meanwhile; and none comes from here on.
        let (_, held, _) =
            self.held(&mut transaction, scope, id, Some(version.unwrap_or(contact.version))).await?;
        let locked = sqlx::query("UPDATE contact SET version = version + 1 WHERE id = $1 AND version = $2")
            .bind(id.0)
            .bind(held)
            .execute(&mut *transaction)
            .await?;
        if locked.rows_affected() == 0 {
            return Err(PeopleError::Changed { what: "contact", held: held + 1 });
        }
        let account = i64::from(contact.account.0);
        let mut erased = Erased::default();
        let own = own_addresses(&mut transaction, &contact).await?;
        let subjects = own.iter().map(String::as_str).chain([contact.client_id.as_str()]);
        for subject in subjects {
            let pseudonym = key.pseudonym(subject);
            erased.suppressions += move_suppressions(&mut transaction, account, subject, &pseudonym).await?;
            let renamed = sqlx::query("UPDATE consent SET subject = $1 WHERE account = $2 AND subject = $3")
                .bind(pseudonym.as_str())
                .bind(account)
                .bind(subject)
                .execute(&mut *transaction)
                .await?;
            erased.consents += renamed.rows_affected();
        }
        let by_client = sqlx::query(
            "UPDATE trace SET client_id = NULL, body = NULL, detail = NULL, erased = 1 \
             WHERE account = $1 AND client_id = $2",
        )
        .bind(account)
        .bind(contact.client_id.as_str())
        .execute(&mut *transaction)
        .await?;
        erased.history += by_client.rows_affected();
        for address in &own {
            // Those of another client id are another's words by this device; those of none are its holder's.
            let already =
                sqlx::query("SELECT COUNT(*) FROM trace WHERE account = $1 AND device = $2 AND erased = 0")
                    .bind(account)
                    .bind(address.as_str())
                    .fetch_one(&mut *transaction)
                    .await?;
            let more: i64 = already.try_get(0)?;
            erased.history += u64::try_from(more).unwrap_or(0);
            sqlx::query(
                "UPDATE trace SET device = $1, client_id = NULL, body = NULL, detail = NULL, erased = 1 \
                 WHERE account = $2 AND device = $3",
            )
            .bind(key.pseudonym(address))
            .bind(account)
            .bind(address.as_str())
            .execute(&mut *transaction)
            .await?;
            sqlx::query(
                "UPDATE episode SET device = $1, client_id = NULL, variables = '{}', erased = 1 \
                 WHERE account = $2 AND device = $3",
            )
            .bind(key.pseudonym(address))
            .bind(account)
            .bind(address.as_str())
            .execute(&mut *transaction)
            .await?;
        }
        crate::asked::erase(&mut transaction, contact.account).await?;
        erased.devices = remove(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(erased)
    }

    /// Addresses of a contact's devices that no other contact of its account has: those that an erasure takes away.
    ///
    /// # Errors
    /// When the contact is not there, or the database fails.
    pub async fn own_devices(&self, scope: &Scope, id: ContactId) -> Result<Vec<String>, PeopleError> {
        let contact = self.contact(scope, id).await?.ok_or_else(|| PeopleError::absent("contact", id))?;
        let mut transaction = self.begin().await?;
        let own = own_addresses(&mut transaction, &contact).await?;
        transaction.commit().await?;
        Ok(own)
    }

    /// A subject and, where a key is set, its pseudonym: what is asked of one is asked of both.
    pub(crate) fn both_names(&self, subject: &str) -> [String; 2] {
        let pseudonym = self.key.as_ref().map(|key| key.pseudonym(subject));
        [subject.to_owned(), pseudonym.unwrap_or_else(|| subject.to_owned())]
    }

    /// Those of the subjects that were erased and are suppressed at a level under their pseudonym.
    pub(crate) async fn shut_erased<'s>(
        &self,
        transaction: &mut Transaction<'static, Any>,
        level: Level,
        id: &str,
        subjects: &[&'s str],
    ) -> Result<Vec<&'s str>, PeopleError> {
        let Some(key) = &self.key else { return Ok(Vec::new()) };
        let (from, to) = pseudonym::range();
        let any = sqlx::query(
            "SELECT 1 FROM suppression WHERE level = $1 AND level_id = $2 AND subject >= $3 AND subject < $4 LIMIT 1",
        )
        .bind(level.as_str())
        .bind(id)
        .bind(from)
        .bind(to)
        .fetch_optional(&mut **transaction)
        .await?;
        if any.is_none() {
            return Ok(Vec::new());
        }
        let hidden: Vec<String> = subjects.iter().map(|subject| key.pseudonym(subject)).collect();
        let mut shut: FxHashSet<String> = FxHashSet::default();
        let first = |values: &mut Values| {
            values.push(level.as_str()).push(id);
        };
        let bind = |subject: &String, values: &mut Values| {
            values.push(subject.as_str());
        };
        let take = |row: &AnyRow| {
            shut.insert(row.try_get(0)?);
            Ok(())
        };
        SUPPRESSED.run(transaction, self.dialect, &hidden, first, bind, take).await?;
        let both = subjects.iter().zip(&hidden);
        Ok(both.filter(|(_, hidden)| shut.contains(*hidden)).map(|(subject, _)| *subject).collect())
    }

    /// Sets the key of pseudonyms; without one nobody is erased, and what was erased is not found by its number.
    #[must_use]
    pub fn with_key(mut self, key: ErasureKey) -> Self {
        self.key = Some(key);
        self
    }
}

/// Addresses that no other contact of the account has.
async fn own_addresses(
    transaction: &mut Transaction<'static, Any>,
    contact: &Contact,
) -> Result<Vec<String>, PeopleError> {
    let rows = sqlx::query(
        "SELECT DISTINCT d.address FROM contact_device cd JOIN device d ON d.id = cd.device WHERE cd.contact = $1 \
         AND NOT EXISTS (SELECT 1 FROM contact_device o WHERE o.device = cd.device AND o.contact <> $1)",
    )
    .bind(contact.id.0)
    .fetch_all(&mut **transaction)
    .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Suppressions that the account's ledger made for the subject hold for its pseudonym; where it has one from an
/// earlier erasure they come to one.
async fn move_suppressions(
    transaction: &mut Transaction<'static, Any>,
    account: i64,
    subject: &str,
    pseudonym: &str,
) -> Result<u64, PeopleError> {
    const OF_ACCOUNT: &str = "EXISTS (SELECT 1 FROM consent c WHERE c.account = $1 AND c.subject = $2 \
                              AND c.level = suppression.level AND c.level_id = suppression.level_id)";
    let copy = format!(
        "INSERT INTO suppression (level, level_id, subject, channels, since) \
         SELECT level, level_id, $3, channels, since FROM suppression WHERE subject = $2 AND {OF_ACCOUNT} \
         ON CONFLICT (level, level_id, subject) DO UPDATE SET \
         channels = suppression.channels | excluded.channels, \
         since = CASE WHEN excluded.since < suppression.since THEN excluded.since ELSE suppression.since END"
    );
    let copied = sqlx::query(sqlx::AssertSqlSafe(copy))
        .bind(account)
        .bind(subject)
        .bind(pseudonym)
        .execute(&mut **transaction)
        .await?;
    sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM suppression WHERE subject = $2 AND {OF_ACCOUNT}")))
        .bind(account)
        .bind(subject)
        .execute(&mut **transaction)
        .await?;
    Ok(copied.rows_affected())
}
