use std::net::SocketAddr;

use super::TlsListener;
use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{Count, Secret, Text};

choices! {
    /// Who judges entries of participation campaigns.
    pub enum JudgedBy {
        /// This node.
        Here = "here",
        /// Another host, which fetches them: `participation.source` there.
        Elsewhere = "elsewhere",
    }
}

settings! {
    /// Entries of participation campaigns that come by forms and over the API.
    pub struct ParticipationSettings {
        /// Entries that may wait to be judged; while there are so many, others are refused for the time being.
        max_waiting: Count<1, 100_000_000> = 1_000_000; restart,
        /// Who judges entries that come to this node: `here`, or another host that fetches them (`elsewhere`).
        judging: JudgedBy = "here"; restart,
        /// Another node whose entries are judged here beside this one's own; there it says `judging = "elsewhere"`.
        source: Option<SourceSettings>; restart,
        /// A listener for public forms, with a page for each campaign that has one; there is none when it is not set.
        forms: Option<FormSettings>; restart,
    }
}

settings! {
    /// Another node whose entries are fetched and judged here.
    pub struct SourceSettings agrees {
        /// Where its API is.
        url: Text<8, 2048> => "https://intake.example.com:8080"; restart,
        /// A token of its catalog with the right `participations:judge`.
        token: Secret => crate::Tree::table([("env", "SIGNALBOX_SECRET_INTAKE".into())]); restart,
    }
}

impl Agreement for SourceSettings {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if !self.url.starts_with("https://") && !self.url.starts_with("http://") {
            problems.conflict(at, "url", "must begin with https:// or http://");
        }
    }
}

settings! {
    /// The listener for public forms. Nobody logs in there: it can be reached by everybody.
    pub struct FormSettings agrees {
        /// Address and port.
        address: SocketAddr => "127.0.0.1:8081"; restart,
        /// TLS; without it the forms are for a proxy that ends TLS.
        tls: Option<TlsListener>; restart,
        /// Plain HTTP on an address that is not loopback is refused unless this is true.
        plain_beyond_loopback: bool = false; restart,
        /// Connections at once; more are closed.
        max_connections: Count<1, 100_000> = 1_000; restart,
        /// Entries that one address (IPv6: its /64) may send in a minute.
        entries_per_minute: Count<1, 100_000> = 10; restart,
        /// The listener stands behind a proxy, and the last address of X-Forwarded-For is who sends.
        behind_proxy: bool = false; restart,
    }
}

impl FormSettings {
    /// Whether numbers would cross a network in the clear.
    pub fn is_exposed(&self) -> bool {
        self.tls.is_none() && !self.address.ip().is_loopback() && !self.plain_beyond_loopback
    }
}

impl Agreement for FormSettings {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.is_exposed() {
            let reason =
                "is not loopback and has no tls; set tls, or plain_beyond_loopback if a proxy ends it";
            problems.conflict(at, "address", reason);
        }
    }
}
