use crate::setting::settings;
use crate::value::ReadableFile;

settings! {
    /// How an empty catalog is filled.
    pub struct CatalogSettings {
        /// File of accounts, links and routes that a node without any starts with. A catalog that has rows is not
        /// touched: change it by the API or by `signalbox apply`.
        seed: Option<ReadableFile> => "config/demo-catalog.toml"; restart,
    }
}
