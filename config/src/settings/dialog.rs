use crate::setting::settings;
use crate::value::{Count, Period};

settings! {
    /// Bounds of the dialog server: conversations, their runs, first messages and passes.
    pub struct DialogSettings {
        /// Conversations in memory; the oldest idle ones go to the store first.
        hot: Count<1, 10_000_000> = 100_000,
        /// A conversation that nothing happens to leaves the memory after this time.
        hot_for: Period = "90s",
        /// Messages of a device that wait for the answers to earlier ones; further ones are refused for the time being.
        waiting: Count<1, 1_000> = 16,
        /// Messages that a conversation remembers.
        history: Count<1, 200> = 20,
        /// Runs of instructions that are under way at once; others wait in their order.
        runs: Count<1, 1_000_000> = 4_096,
        /// A run that came to no end in this time is begun again.
        run: Period = "30s",
        /// So many times a run is begun before it is parked as failed.
        tries: Count<1, 100> = 3,
        /// A web service must answer instructions within this time.
        call: Period = "20s",
        /// First messages whose instructions are under way.
        first_messages: Count<1, 10_000_000> = 100_000,
        /// Attempts of passes that have not come to their end.
        attempts: Count<1, 10_000_000> = 200_000,
        /// A text that the exchange has no room for is offered again after this time.
        offer_again: Period = "1s",
        /// And is filtered after this time.
        offer_for: Period = "2m",
        /// How long a device's use of a source address counts when an address is chosen (decision D4).
        address_memory: Period = "720h",
        /// Contacts of a pass whose texts wait for a link; an auto-paced pass begins contacts up to there.
        pass_window: Count<1, 1_000_000> = 1_000,
        /// Contacts of a pass whose texts wait for the end of quiet hours; at the bound it begins no more.
        pass_deferred: Count<1, 10_000_000> = 100_000,
    }
}
