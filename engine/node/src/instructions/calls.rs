//! Calls of web services that instructions ask for (TXS-17): named ones of the catalog, never an address that a script
//! makes up, and never one of a private network unless the row says so.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use signalbox_core::backend::Clock;
use signalbox_core::time::Micros;
use signalbox_dialog::{Event, RunId, Whose};
use signalbox_invocation::{WebAnswer, WebCall};
use tokio::sync::mpsc;

use self::doors::Doors;
use crate::control::Control;
use crate::dialog::Service;
use crate::webhooks::{GuardedResolver, check_literal};

mod doors;

/// A connection is made within this time.
const CONNECT: Duration = Duration::from_secs(10);

pub(super) struct Calls {
    control: Arc<Control>,
    clock: Arc<dyn Clock>,
    ends: mpsc::Sender<Event>,
    doors: Doors,
    /// For services of public networks, and for those that may be in private ones.
    clients: [reqwest::Client; 2],
}

impl Calls {
    pub(super) fn new(control: Arc<Control>, clock: Arc<dyn Clock>, ends: mpsc::Sender<Event>) -> Self {
        let clients = [false, true].map(client);
        Self { control, clock, ends, doors: Doors::default(), clients }
    }

    /// Makes one call, and tells its end.
    pub(super) async fn make(
        self: Arc<Self>,
        whose: Whose,
        run: RunId,
        account: u32,
        (call, number): (WebCall, u8),
        until: Micros,
    ) {
        let left = until.since(self.clock.now().wall);
        let service = self.control.in_force().dialog.services.get(account, &call.service).cloned();
        let answered = match service {
            None => Err(format!("the account has no web service `{}`", call.service)),
            Some(service) => {
                let within = service.timeout.min(left);
                let answered = tokio::time::timeout(within, self.ask(&service, &call, number));
                answered.await.unwrap_or_else(|_| Err(format!("no answer within {within:?}")))
            }
        };
        let result = if answered.is_ok() { "answered" } else { "failed" };
        metrics::counter!("dialog_web_calls_total", "result" => result).increment(1);
        let answer = match answered {
            Ok((status, body)) => WebAnswer { service: call.service, status, body, error: String::new() },
            Err(error) => WebAnswer { service: call.service, status: 0, body: String::new(), error },
        };
        // Closed when the node ends; the call is made again by the next one.
        let _ = self.ends.send(Event::Called { whose, run, answer }).await;
    }

    async fn ask(&self, service: &Service, call: &WebCall, number: u8) -> Result<(u16, String), String> {
        check_budget(service, number)?;
        if call.body.len() > service.max_request {
            return Err(format!(
                "the body has {} octets, the limit is {}",
                call.body.len(),
                service.max_request
            ));
        }
        let url = address(service, &call.path)?;
        let _room = self.doors.enter(&*self.clock, service).await?;
        if !service.private {
            check_literal(&url).map_err(|error| error.to_string())?;
        }
        let client = &self.clients[usize::from(service.private)];
        let request = client
            .request(service.method.clone(), url)
            .headers(service.headers.clone())
            .body(call.body.clone());
        let mut response = request.send().await.map_err(told)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(told)? {
            if body.len() + chunk.len() > service.max_answer {
                return Err(format!(
                    "{} answered with more than {} octets",
                    service.name, service.max_answer
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// Why a request failed, without the address: scripts do not see it, and it may hold a secret.
fn told(error: reqwest::Error) -> String {
    crate::links::describe(&error.without_url())
}

fn client(private: bool) -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(GuardedResolver { private }))
        .connect_timeout(CONNECT)
        .build()
        .expect("a client of these settings can be made, as those of webhooks are")
}

/// A conversation has so many calls of a service between two messages of its device.
fn check_budget(service: &Service, number: u8) -> Result<(), String> {
    if u32::from(number) > service.calls {
        let Service { name, calls, .. } = service;
        return Err(format!("web service `{name}` takes {calls} calls between two messages of a device"));
    }
    Ok(())
}

/// The service's address with a path behind it, where it takes one. The path stays below the service's own.
fn address(service: &Service, path: &str) -> Result<reqwest::Url, String> {
    if path.is_empty() {
        return Ok(service.url.clone());
    }
    if !service.path {
        return Err(format!("web service `{}` takes no path", service.name));
    }
    let base = service.url.as_str().trim_end_matches('/');
    let url = reqwest::Url::parse(&format!("{base}/{}", path.trim_start_matches('/')))
        .map_err(|error| format!("the path makes no address: {error}"))?;
    let inside = format!("{}/", service.url.path().trim_end_matches('/'));
    let below = url.origin() == service.url.origin() && url.path().starts_with(&inside);
    if below { Ok(url) } else { Err("the path leads out of the web service".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn service(path: bool) -> Service {
        Service {
            name: "crm".to_owned(),
            url: "https://crm.example.com/api/v2".parse().unwrap(),
            method: reqwest::Method::GET,
            path,
            headers: reqwest::header::HeaderMap::new(),
            timeout: Duration::from_secs(1),
            rate: None,
            window: 1,
            calls: 1,
            max_request: 10,
            max_answer: 10,
            private: false,
        }
    }

    #[tokio::test]
    async fn a_failure_does_not_tell_the_address() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Nothing listens on port 1.
        let request = client(true).get("http://127.0.0.1:1/balances?key=s3cret");
        let error = told(request.send().await.err().unwrap());
        assert!(!error.is_empty() && !error.contains("s3cret") && !error.contains("balances"), "{error}");
    }

    #[test]
    fn a_path_stays_below_its_service() {
        let told = |path: &str| address(&service(true), path).map(|url| url.to_string());
        assert_eq!(told("").as_deref(), Ok("https://crm.example.com/api/v2"));
        assert_eq!(told("/who?n=1").as_deref(), Ok("https://crm.example.com/api/v2/who?n=1"));
        for out in ["../../admin", "/../../x", "%2e%2e/%2e%2e/x", "../v2x"] {
            assert!(told(out).is_err(), "{out}");
        }
        // Another host is only a path.
        assert!(
            told("//evil.example.com/").is_ok_and(|url| url.starts_with("https://crm.example.com/api/v2/"))
        );
        assert!(address(&service(false), "/x").is_err());
    }

    #[test]
    fn a_conversation_has_so_many_calls_of_a_service() {
        assert_eq!(check_budget(&service(false), 1), Ok(()));
        assert!(check_budget(&service(false), 2).is_err_and(|error| error.contains("takes 1 calls")));
    }
}
