//! What all rows have in common.

use super::{Account, Carrier, Catalog, CounterPolicy, Link, Route, Token, Webhook, WhiteListEntry};
use crate::document::{read_tree, read_tree_with_unknown};
use crate::error::ConfigErrors;
use crate::setting::{Setting, choices};
use crate::tree::Tree;
use crate::value::Name;

choices! {
    /// What a row describes.
    pub enum RowKind {
        /// An account.
        Account = "account",
        /// A link.
        Link = "link",
        /// A routing rule.
        Route = "route",
        /// A carrier.
        Carrier = "carrier",
        /// A policy of the counters.
        CounterPolicy = "counter_policy",
        /// An entry of the white list.
        WhiteList = "white_list",
        /// A token of the API.
        Token = "token",
        /// An HTTP target.
        Webhook = "webhook",
    }
}

/// A row of the catalog.
pub trait Row: Setting + Clone + PartialEq {
    /// What it describes.
    const KIND: RowKind;

    /// Its name, unique in its kind.
    fn name(&self) -> &Name;

    /// The rows of this kind in a catalog.
    fn rows(catalog: &Catalog) -> &[Self];

    /// The rows of this kind in a catalog, to change them.
    fn rows_mut(catalog: &mut Catalog) -> &mut Vec<Self>;

    /// The document that the catalog's store keeps: JSON **with its secrets**. What leaves the node is the
    /// row's `Serialize`, which masks them.
    fn to_document(&self) -> String {
        self.to_tree().to_json_with_secrets().to_string()
    }

    /// Reads what [`to_document`](Row::to_document) wrote.
    ///
    /// # Errors
    /// When the document is not one, or of a version of the program that knew other fields.
    fn from_document(document: &str) -> Result<Self, ConfigErrors> {
        read_tree(&from_json(document)?, Self::KIND.as_str())
    }

    /// Reads what [`to_document`](Row::to_document) of this or an older version of the program wrote: keys that are
    /// gone since are passed over, and named beside the row by their paths.
    ///
    /// # Errors
    /// When the document is not one, or a value of it is not what its key takes.
    fn from_stored(document: &str) -> Result<(Self, Vec<String>), ConfigErrors> {
        read_tree_with_unknown(&from_json(document)?, Self::KIND.as_str())
    }

    /// Reads a row that a client sends; secrets that it sends back masked are those of `before`.
    ///
    /// # Errors
    /// Everything that is wrong, with the path of each field.
    fn from_request(json: &str, before: Option<&Self>) -> Result<Self, ConfigErrors> {
        let mut tree = from_json(json)?;
        if let Some(before) = before {
            tree.restore_secrets(&before.to_tree());
        }
        read_tree(&tree, "request")
    }
}

fn from_json(text: &str) -> Result<Tree, ConfigErrors> {
    serde_json::from_str(text).map_err(|error| {
        crate::ConfigError {
            file: "request".to_owned(),
            place: Some(crate::Place { line: error.line(), column: error.column() }),
            key: String::new(),
            problem: crate::Problem::Syntax(error.to_string()),
        }
        .into()
    })
}

macro_rules! rows {
    ($($row:ident in $field:ident: $kind:ident),* $(,)?) => {$(
        impl Row for $row {
            const KIND: RowKind = RowKind::$kind;
            fn name(&self) -> &Name {
                &self.name
            }
            fn rows(catalog: &Catalog) -> &[Self] {
                &catalog.$field
            }
            fn rows_mut(catalog: &mut Catalog) -> &mut Vec<Self> {
                &mut catalog.$field
            }
        }
    )*};
}

rows! {
    Account in account: Account,
    Link in link: Link,
    Route in route: Route,
    Carrier in carrier: Carrier,
    CounterPolicy in counter_policy: CounterPolicy,
    WhiteListEntry in white_list: WhiteList,
    Token in token: Token,
    Webhook in webhook: Webhook,
}
