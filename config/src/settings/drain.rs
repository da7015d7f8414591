use crate::setting::settings;
use crate::value::Period;

settings! {
    /// What SIGTERM does: nothing new is taken, windows are finished, sessions unbound, the outbox written.
    pub struct DrainSettings {
        /// After this time what is left stays in the store for the next start.
        deadline: Period = "30s",
        /// How long the node says that it is not ready before it stops listening, for load balancers.
        not_ready_for: Period = "0s",
    }
}
