//! What all rows have in common.

use super::{
    Account, AgentQueue, Approval, Campaign, Carrier, Catalog, CounterPolicy, DncList, Enterprise,
    Jurisdiction, Keyword, Link, Participation, Program, Route, Script, ScriptVersion, SourceAddress,
    SubCampaign, Template, Tester, Token, User, WebService, Webhook, WhiteListEntry, Words,
};
use crate::document::{read_tree, read_tree_with_unknown};
use crate::error::ConfigErrors;
use crate::setting::{Setting, choices};
use crate::tree::Tree;
use crate::value::Name;

choices! {
    /// What a row describes.
    pub enum RowKind {
        /// An enterprise.
        Enterprise = "enterprise",
        /// An account.
        Account = "account",
        /// A person.
        User = "user",
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
        /// An approved use of source addresses.
        Program = "program",
        /// Quiet hours of a place.
        Jurisdiction = "jurisdiction",
        /// Words of consent in a language.
        Words = "words",
        /// A do-not-call list.
        DncList = "dnc_list",
        /// A URL that scripts may call.
        WebService = "web_service",
        /// A text that is sent by its name.
        Template = "template",
        /// A script.
        Script = "script",
        /// A version of a script.
        ScriptVersion = "script_version",
        /// A part of an account's queue for agents.
        AgentQueue = "agent_queue",
        /// A campaign.
        Campaign = "campaign",
        /// A sub-campaign.
        SubCampaign = "sub_campaign",
        /// A source address.
        SourceAddress = "source_address",
        /// A carrier's word about a program.
        Approval = "approval",
        /// A keyword.
        Keyword = "keyword",
        /// A participation campaign.
        Participation = "participation",
        /// A device that programs are tested with.
        Tester = "tester",
    }
}

/// Whose a row is (MQ-31): who is above sees it and may write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// Nobody's in particular: only who sees everything may write it.
    Platform,
    /// An account's.
    Account(&'a Name),
    /// An enterprise's.
    Enterprise(&'a Name),
    /// That of a script.
    Script(&'a Name),
    /// That of a program.
    Program(&'a Name),
}

impl<'a> Owner<'a> {
    fn of(account: Option<&'a Name>, enterprise: Option<&'a Name>) -> Self {
        match (account, enterprise) {
            (Some(account), _) => Self::Account(account),
            (None, Some(enterprise)) => Self::Enterprise(enterprise),
            (None, None) => Self::Platform,
        }
    }
}

/// A row of the catalog.
pub trait Row: Setting + Clone + PartialEq + serde::Serialize + Send + Sync + 'static {
    /// What it describes.
    const KIND: RowKind;

    /// Its name, unique in its kind.
    fn name(&self) -> &Name;

    /// Whose it is.
    fn owner(&self) -> Owner<'_>;

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

/// What is done for rows of each kind.
pub trait KindVisitor {
    /// Does it for one kind.
    fn visit<R: Row>(&mut self);
}

macro_rules! rows {
    ($($row:ident in $field:ident: $kind:ident of |$this:ident| $owner:expr),* $(,)?) => {
        $(
            impl Row for $row {
                const KIND: RowKind = RowKind::$kind;
                fn name(&self) -> &Name {
                    &self.name
                }
                fn owner(&self) -> Owner<'_> {
                    let $this = self;
                    $owner
                }
                fn rows(catalog: &Catalog) -> &[Self] {
                    &catalog.$field
                }
                fn rows_mut(catalog: &mut Catalog) -> &mut Vec<Self> {
                    &mut catalog.$field
                }
            }
        )*

        /// Visits every kind, in an order in which rows refer to kinds that came before, but for source addresses
        /// and sub-campaigns, which may refer to each other.
        pub fn each_kind(visitor: &mut impl KindVisitor) {
            $(visitor.visit::<$row>();)*
        }

        impl RowKind {
            /// Visits this kind alone.
            pub fn visit(self, visitor: &mut impl KindVisitor) {
                match self {
                    $(Self::$kind => visitor.visit::<$row>(),)*
                }
            }
        }

        impl Default for Catalog {
            /// No rows.
            fn default() -> Self {
                Self { $($field: Vec::new(),)* }
            }
        }
    };
}

rows! {
    Carrier in carrier: Carrier of |_row| Owner::Platform,
    Enterprise in enterprise: Enterprise of |row| Owner::Enterprise(&row.name),
    Account in account: Account of |row| Owner::Account(&row.name),
    User in user: User of |row| Owner::of(row.account.as_ref(), row.enterprise.as_ref()),
    Link in link: Link of |_row| Owner::Platform,
    Route in route: Route of |_row| Owner::Platform,
    CounterPolicy in counter_policy: CounterPolicy of |_row| Owner::Platform,
    WhiteListEntry in white_list: WhiteList of |_row| Owner::Platform,
    Token in token: Token of |row| Owner::of(row.account.as_ref(), row.enterprise.as_ref()),
    Webhook in webhook: Webhook of |row| Owner::Account(&row.account),
    Program in program: Program of |row| Owner::of(row.account.as_ref(), row.enterprise.as_ref()),
    Jurisdiction in jurisdiction: Jurisdiction of |_row| Owner::Platform,
    Words in words: Words of |row| Owner::of(row.account.as_ref(), row.enterprise.as_ref()),
    DncList in dnc_list: DncList of |row| Owner::of(row.account.as_ref(), row.enterprise.as_ref()),
    WebService in web_service: WebService of |row| Owner::Account(&row.account),
    Template in template: Template of |row| Owner::Account(&row.account),
    Script in script: Script of |row| Owner::Account(&row.account),
    ScriptVersion in script_version: ScriptVersion of |row| Owner::Script(&row.script),
    AgentQueue in agent_queue: AgentQueue of |row| Owner::Account(&row.account),
    Campaign in campaign: Campaign of |row| Owner::Account(&row.account),
    SubCampaign in sub_campaign: SubCampaign of |row| Owner::Account(&row.account),
    SourceAddress in source_address: SourceAddress of |row| Owner::of(row.account.as_ref(), row.enterprise.as_ref()),
    Approval in approval: Approval of |row| Owner::Program(&row.program),
    Keyword in keyword: Keyword of |row| Owner::Account(&row.account),
    Participation in participation: Participation of |row| Owner::Account(&row.account),
    Tester in tester: Tester of |row| Owner::Account(&row.account),
}
