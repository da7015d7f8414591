//! HTTP targets of receipts and MO messages.

use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::settings::RetrySchedule;
use crate::value::{Count, Name, Period, Rate, Secret, Text};

choices! {
    /// What is delivered to a target.
    pub enum WebhookEvent {
        /// Receipts of messages that its account sent over HTTP.
        Receipt = "receipt",
        /// MO messages for its account.
        Mo = "mo",
    }
}

settings! {
    /// An HTTP target of receipts and MO messages.
    pub struct Webhook agrees {
        /// Name in logs, metrics and the API.
        name: Name => "demo-events",
        /// Whose events they are.
        account: Name => "demo",
        /// False holds its events.
        enabled: bool = true,
        /// Where they are posted.
        url: Text<8, 2048> => "https://app.example.com/signalbox",
        /// What is delivered.
        events: Vec<WebhookEvent> = ["receipt", "mo"],
        /// Key of the signature (HMAC-SHA-256 of time and body).
        secret: Secret => crate::Tree::table([("env", "SIGNALBOX_SECRET_DEMO_EVENTS".into())]),
        /// It must answer within this time; `webhooks.timeout` of the settings when it is not set.
        timeout: Option<Period> => "10s",
        /// Requests on their way at once.
        window: Count<1, 1_000> = 16,
        /// Requests a second; no bound when it is not set.
        rate: Option<Rate> => "100/s",
        /// Waits between attempts.
        retry: RetrySchedule = crate::settings::webhook_retry(),
        /// An event is given up after this time.
        give_up_after: Period = "24h",
        /// Events that may wait; at the bound receipts of new messages are refused with their messages.
        max_messages: Count<1, 100_000_000> = 1_000_000,
    }
}

impl Agreement for Webhook {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if !self.url.starts_with("https://") && !self.url.starts_with("http://") {
            problems.conflict(at, "url", "must begin with https:// or http://");
        }
        if self.events.is_empty() {
            problems.conflict(at, "events", "must name at least one kind of event");
        }
    }
}
