use std::collections::BTreeMap;

use crate::setting::{choices, settings};
use crate::value::Text;

choices! {
    /// The least severe lines that are written.
    pub enum LogLevel {
        /// Only what needs a person.
        Error = "error",
        /// And what may soon.
        Warn = "warn",
        /// And what happened to links, reloads and the like; nothing for each message.
        Info = "info",
        /// And each message.
        Debug = "debug",
        /// And each PDU.
        Trace = "trace",
    }
}

choices! {
    /// The form of the lines.
    pub enum LogFormat {
        /// One JSON object a line.
        Json = "json",
        /// For people.
        Text = "text",
    }
}

settings! {
    /// What is written to standard output.
    pub struct LogSettings {
        /// The least severe lines that are written.
        level: LogLevel = "info",
        /// Other levels for parts of the program, by the beginning of their names.
        targets: BTreeMap<Text<1, 200>, LogLevel>,
        /// The form of the lines.
        format: LogFormat = "json"; restart,
        /// Phone numbers are shortened to their first and last digits. Switching it off is for laboratories. Texts of
        /// messages are never written.
        mask_numbers: bool = true,
    }
}
