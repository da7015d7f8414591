//! Web services by name, with their secrets (TXS-17).

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use rustc_hash::FxHashMap;
use signalbox_config::catalog::{ServiceMethod, Tenancy, WebService};
use signalbox_config::value::{Rate, SecretPlaces};
use signalbox_core::backend::Kind;

use super::RowFaults;
use crate::catalog::Snapshot;

/// A web service, ready to be called.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub url: Url,
    /// How it is called.
    pub method: Method,
    /// Who calls may put a path behind the URL.
    pub path: bool,
    /// Headers of each request, marked as secrets.
    pub headers: HeaderMap,
    /// It must answer within this time.
    pub timeout: Duration,
    /// Calls a second from all conversations; `None` for no bound.
    pub rate: Option<Rate>,
    /// Calls on their way at once.
    pub window: usize,
    /// Calls of one conversation between two messages of its device.
    pub calls: u32,
    /// Largest body of a request in octets.
    pub max_request: usize,
    /// Largest body of an answer in octets.
    pub max_answer: usize,
    /// It may be at an address of a private network or of this machine.
    pub private: bool,
}

/// The web services that are switched on.
#[derive(Clone, Debug, Default)]
pub struct Services {
    by_name: FxHashMap<String, (u32, Arc<Service>)>,
    /// Accounts above each, nearest first.
    above: FxHashMap<u32, Vec<u32>>,
}

impl Services {
    /// The services of a catalog. One whose secret cannot be had is left out, and added to `missing`.
    pub fn new(
        places: SecretPlaces<'_>,
        snapshot: &Snapshot,
        faults: &mut RowFaults,
        missing: &mut RowFaults,
    ) -> Self {
        let mut services = Self::default();
        for row in snapshot.rows.web_service.iter().filter(|row| row.enabled) {
            let Some(account) = snapshot.ids.account(row.account.as_str()) else { continue };
            match Service::new(row, places) {
                Ok(service) => {
                    services.by_name.insert(row.name.to_string(), (account.0, Arc::new(service)));
                }
                Err(Unusable::Row(key, reason)) => faults.add(Kind::WebService, &row.name, key, reason),
                Err(Unusable::Secret(reason)) => missing.add(Kind::WebService, &row.name, "headers", reason),
            }
        }
        let tenancy = Tenancy::of(&snapshot.rows);
        let number = |name: &str| snapshot.ids.account(name).map(|account| account.0);
        for row in snapshot.rows.account.iter().filter(|row| row.parent.is_some()) {
            let above = tenancy.accounts_above(&row.name).skip(1);
            let above = above.filter_map(|row| number(row.name.as_str())).collect();
            services.above.extend(number(row.name.as_str()).map(|account| (account, above)));
        }
        services
    }

    /// The service that instructions of an account call so: its own, or that of an account above, whose scripts it
    /// may run.
    #[must_use]
    pub fn get(&self, account: u32, name: &str) -> Option<&Arc<Service>> {
        let (owner, service) = self.by_name.get(name)?;
        let is_above = || self.above.get(&account).is_some_and(|above| above.contains(owner));
        (*owner == account || is_above()).then_some(service)
    }
}

/// Why a service cannot be called.
enum Unusable {
    /// By what its row says, at this field.
    Row(&'static str, String),
    /// By a secret as it is on this machine.
    Secret(String),
}

impl Service {
    fn new(row: &WebService, places: SecretPlaces<'_>) -> Result<Self, Unusable> {
        let url: Url = row.url.as_str().parse().map_err(|error| Unusable::Row("url", format!("{error}")))?;
        let mut headers = HeaderMap::with_capacity(row.headers.len());
        for (name, secret) in &row.headers {
            let wrong = |reason: String| Unusable::Secret(format!("{name}: {reason}"));
            let secret = secret.reveal(places).map_err(|error| wrong(error.to_string()))?;
            // What is wrong with a secret must not tell it.
            let mut value = HeaderValue::from_str(&secret)
                .map_err(|_| wrong("the secret has signs that no header takes".to_owned()))?;
            value.set_sensitive(true);
            let name: HeaderName = name
                .as_str()
                .parse()
                .map_err(|error| Unusable::Row("headers", format!("{name}: {error}")))?;
            headers.append(name, value);
        }
        Ok(Self {
            name: row.name.to_string(),
            url,
            method: match row.method {
                ServiceMethod::Get => Method::GET,
                ServiceMethod::Post => Method::POST,
                ServiceMethod::Put => Method::PUT,
                ServiceMethod::Patch => Method::PATCH,
                ServiceMethod::Delete => Method::DELETE,
            },
            path: row.path,
            headers,
            timeout: row.timeout.duration(),
            rate: row.rate,
            window: row.window.as_usize(),
            calls: row.calls.as_u32(),
            max_request: row.max_request.as_usize(),
            max_answer: row.max_answer.as_usize(),
            private: row.private,
        })
    }
}
