//! Web services that scripts may call, by name (TXS-17).

use std::collections::BTreeMap;

use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::tree::Tree;
use crate::value::{ByteSize, Count, HeaderName, Name, Period, Rate, Secret, Text};

choices! {
    /// The method of a request.
    pub enum ServiceMethod {
        /// GET.
        Get = "get",
        /// POST.
        Post = "post",
        /// PUT.
        Put = "put",
        /// PATCH.
        Patch = "patch",
        /// DELETE.
        Delete = "delete",
    }
}

settings! {
    /// A URL that scripts and flows may call by its name. They give the body and what follows the URL; they see
    /// neither its headers nor its secrets.
    pub struct WebService agrees {
        /// Name in scripts and flows.
        name: Name => "balances",
        /// The account whose scripts may call it.
        account: Name => "demo",
        /// False refuses calls.
        enabled: bool = true,
        /// Where it is.
        url: Text<8, 2048> => "https://bank.example.com/balances/",
        /// How it is called.
        method: ServiceMethod = "post",
        /// Scripts may put a path behind the URL; `..` and another host are refused.
        path: bool = false,
        /// Headers of each request; their values are secrets.
        headers: BTreeMap<HeaderName, Secret> => Tree::table([
            ("Authorization", Tree::table([("env", "SIGNALBOX_SECRET_BALANCES".into())])),
        ]),
        /// It must answer within this time.
        timeout: Period = "5s",
        /// Calls a second from all conversations; no bound when it is not set.
        rate: Option<Rate> => "50/s",
        /// Calls on their way at once.
        window: Count<1, 1_000> = 16,
        /// Calls of one conversation between two messages of its device.
        calls: Count<1, 100> = 5,
        /// Largest body of a request, 1MiB at most.
        max_request: ByteSize = "64KiB",
        /// Largest body of an answer, 1MiB at most.
        max_answer: ByteSize = "64KiB",
        /// It may be at an address of a private network or of this machine. Only the operator sets it; `url` and
        /// `path` are then his, too.
        private: bool = false,
    }
}

/// A body is in memory whole, and an answer is stored with the conversation.
const MOST: ByteSize = ByteSize::new(1 << 20);

impl Agreement for WebService {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if !self.url.starts_with("https://") && !self.url.starts_with("http://") {
            problems.conflict(at, "url", "must begin with https:// or http://");
        }
        for (key, size) in [("max_request", self.max_request), ("max_answer", self.max_answer)] {
            if size > MOST {
                problems.conflict(at, key, "must be 1MiB at most");
            }
        }
    }
}
