use std::net::SocketAddr;

use crate::setting::settings;
use crate::value::{Count, Period, ReadableFile, Secret, Text};

settings! {
    /// Number portability and look-ups.
    pub struct NumberSettings {
        /// Numbers and their carriers in a file.
        portability: Option<PortabilitySettings>,
        /// Numbers and their carriers by DNS (ENUM, RFC 6116).
        dns: Option<EnumSettings>,
        /// Numbers and their carriers by an HTTP service.
        http: Option<HttpLookupSettings>,
        /// A message waits so long for an answer; then the carrier follows from the number plan.
        deadline: Period = "2s",
        /// Answers that are kept.
        cache_entries: Count<0, 100_000_000> = 1_000_000; restart,
        /// How long an answer is kept.
        cache_for: Period = "24h",
        /// How long it is kept that there was none.
        cache_misses_for: Period = "10m",
        /// Look-ups on their way at once; numbers beyond that take their carrier from the number plan.
        max_pending: Count<1, 100_000> = 1_000,
    }
}

settings! {
    /// A table of ported numbers.
    pub struct PortabilitySettings {
        /// CSV file: a number and the name of its carrier on each line.
        file: ReadableFile => "/var/lib/signalbox/ported.csv",
        /// How often it is looked at; a changed file is loaded beside the old one and takes its place at once.
        check_every: Period = "60s",
    }
}

settings! {
    /// Look-ups by DNS (ENUM).
    pub struct EnumSettings {
        /// Zone under which the digits of a number stand in reverse.
        zone: Text<1, 253> => "e164.arpa",
        /// Servers that are asked; none for those of the system.
        servers: Vec<SocketAddr> => ["127.0.0.1:5353"],
        /// Queries that carry no answer within this time are repeated once.
        timeout: Period = "500ms",
    }
}

settings! {
    /// Look-ups by HTTP.
    pub struct HttpLookupSettings {
        /// Address of the service; `{number}` stands for the digits.
        url: Text<8, 2048> => "http://127.0.0.1:8099/carrier/{number}",
        /// Sent as bearer token.
        token: Option<Secret> => crate::Tree::table([("env", "SIGNALBOX_SECRET_LOOKUP".into())]),
        /// Requests on their way at once.
        max_connections: Count<1, 1_000> = 32,
    }
}
