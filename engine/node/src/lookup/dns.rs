use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{RData, RecordType};
use signalbox_config::settings::EnumSettings;
use signalbox_routing::lookup::{
    EnumServices, EnumStep, LookupAnswer, LookupReply, LookupSource, Naptr, TelUri, enum_domain, next_step,
};
use signalbox_routing::{E164, Names, UtcMicros};

/// Names that one look-up may lead through (RFC 6116 cl. 5.2.1).
const STEPS: usize = 5;

/// Look-ups by DNS (ENUM, RFC 6116).
pub struct DnsLookup {
    resolver: TokioResolver,
    zone: String,
    services: EnumServices,
}

impl DnsLookup {
    /// A resolver for these servers, or for the system's.
    ///
    /// # Errors
    /// When the system's servers cannot be found out.
    pub fn new(settings: &EnumSettings) -> Result<Self, NetError> {
        let mut builder = if settings.servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let servers = settings.servers.iter().map(|server| {
                let mut udp = ConnectionConfig::udp();
                let mut tcp = ConnectionConfig::tcp();
                udp.port = server.port();
                tcp.port = server.port();
                NameServerConfig::new(server.ip(), true, vec![udp, tcp])
            });
            let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
            TokioResolver::builder_with_config(config, Default::default())
        };
        let options: &mut ResolverOpts = builder.options_mut();
        options.timeout = settings.timeout.duration();
        options.attempts = 1;
        // The node's own cache decides what is remembered, and for how long.
        options.cache_size = 0;
        options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
        let resolver = builder.build()?;
        Ok(Self { resolver, zone: settings.zone.to_string(), services: EnumServices::default() })
    }

    /// Asks for a number.
    pub async fn ask(&self, number: E164, names: &Names, at: UtcMicros) -> LookupReply {
        let mut name = enum_domain(number, &self.zone);
        for _ in 0..STEPS {
            let (records, ttl_seconds) = match self.naptr(&name).await {
                Ok(found) => found,
                Err(error) if error.is_no_records_found() || error.is_nx_domain() => {
                    return LookupReply::NotFound;
                }
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "enum look-up");
                    return LookupReply::Failed;
                }
            };
            match next_step(&records, number, &self.services) {
                Ok(EnumStep::Uri(uri)) => {
                    let finding = TelUri::parse(&uri).ok().and_then(|uri| uri.finding(Some("spn"), names));
                    return finding.map_or(LookupReply::NotFound, |finding| {
                        LookupReply::Found(LookupAnswer {
                            finding,
                            source: LookupSource::Enum,
                            as_of: at,
                            ttl_seconds,
                        })
                    });
                }
                Ok(EnumStep::Ask(next)) => name = next,
                Ok(EnumStep::Nothing) => return LookupReply::NotFound,
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "enum look-up");
                    return LookupReply::NotFound;
                }
            }
        }
        LookupReply::Failed
    }

    async fn naptr(&self, name: &str) -> Result<(Vec<Naptr>, u32), NetError> {
        let found = self.resolver.lookup(format!("{name}."), RecordType::NAPTR).await?;
        let mut ttl = u32::MAX;
        let mut records = Vec::new();
        for record in found.answers() {
            let RData::NAPTR(naptr) = &record.data else { continue };
            ttl = ttl.min(record.ttl);
            records.push(Naptr {
                order: naptr.order,
                preference: naptr.preference,
                flags: text(&naptr.flags),
                services: text(&naptr.services),
                regexp: text(&naptr.regexp),
                replacement: naptr.replacement.to_utf8(),
            });
        }
        Ok((records, ttl))
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
