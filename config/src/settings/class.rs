use crate::setting::settings;
use crate::value::Count;

settings! {
    /// Traffic classes: one-time passwords go before replies, these before transactional and these before bulk.
    pub struct ClassSettings {
        /// Bound on starvation: while a lower class waits, at least one of so many releases is its.
        lower_class_one_in: Count<2, 10_000> = 20,
    }
}
