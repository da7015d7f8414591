use crate::setting::settings;
use crate::value::Currency;

settings! {
    /// What holds for all routing rules.
    pub struct RoutingSettings {
        /// Currency of all costs (ISO 4217); needed as soon as a cost is written anywhere.
        currency: Option<Currency> => "EUR",
    }
}
