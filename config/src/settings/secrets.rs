use std::path::PathBuf;

use crate::setting::settings;

settings! {
    /// Where secrets are kept. A secret is written as `{ file = "name" }` for a file below this directory, as
    /// `{ env = "SIGNALBOX_SECRET_..." }` for a variable of the environment, or as the text itself.
    pub struct SecretSettings {
        /// Directory of secret files.
        directory: PathBuf = "/etc/signalbox/secrets",
    }
}
