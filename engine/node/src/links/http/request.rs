//! The requests of a link, and the client that sends them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Client, Method, Request, Url};
use signalbox_config::catalog::{BodyTemplate, HttpMethod};
use signalbox_core::backend::Clock;
use signalbox_core::time::Mono;

use super::fields::{Fields, NotSayable};
use super::render::{self, Escape};
use super::settings::HttpSettings;
use crate::links::settings::{ClientTls, LinkSettings};
use crate::tls::{self, TlsError};

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("tls cannot be set up")]
    Tls(#[from] TlsError),
    #[error("no client can be made")]
    Client(#[from] reqwest::Error),
}

/// The client of a link: pooled connections, no proxy, no redirects.
pub(super) fn client(link: &LinkSettings, settings: &HttpSettings) -> Result<Client, ClientError> {
    let secure = settings.row.url.to_string().starts_with("https://");
    let tls = match (&link.tls, secure) {
        (Some(own), true) => tls::client(own)?,
        (None, true) => tls::client(&ClientTls::default())?,
        (_, false) => tls::no_peers()?,
    };
    let builder = Client::builder()
        .tls_backend_preconfigured((*tls).clone())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(link.times.bind)
        .pool_idle_timeout(settings.row.idle.duration())
        .pool_max_idle_per_host(link.window as usize)
        .local_address(link.local_address)
        .tcp_nodelay(true)
        .user_agent(concat!("signalbox/", env!("CARGO_PKG_VERSION")));
    Ok(builder.build()?)
}

/// Whether a request may have reached the other end.
#[derive(Debug, Default)]
pub(super) struct Written(AtomicBool);

impl Written {
    /// True once its body, or all of it where it has none, may be on its way.
    pub(super) fn maybe(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A body that is handed out once, when the connection is there, and not after its permit's deadline.
struct Permitted {
    octets: Option<Bytes>,
    deadline: Mono,
    clock: Arc<dyn Clock>,
    written: Arc<Written>,
}

/// The permit ran out before the connection was there.
#[derive(Debug, thiserror::Error)]
#[error("the permit ran out before the request could be written")]
pub(super) struct TooLate;

impl http_body::Body for Permitted {
    type Data = Bytes;
    type Error = TooLate;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TooLate>>> {
        let Some(octets) = self.octets.take() else { return Poll::Ready(None) };
        if self.clock.now().mono >= self.deadline {
            return Poll::Ready(Some(Err(TooLate)));
        }
        self.written.set();
        Poll::Ready(Some(Ok(Frame::data(octets))))
    }

    fn is_end_stream(&self) -> bool {
        self.octets.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.octets.as_ref().map_or(0, |octets| octets.len() as u64))
    }
}

/// Makes a request of a message; what it is written with, and what tells that it may be on its way.
pub(super) fn request(
    fields: &Fields,
    settings: &HttpSettings,
    clock: &Arc<dyn Clock>,
    deadline: Mono,
) -> Result<(Request, Arc<Written>), NotSayable> {
    let row = &settings.row;
    let url: Url =
        render::text(&row.url, Escape::Percent, fields, settings).parse().map_err(|_| NotSayable::Request)?;
    let method = match row.method {
        HttpMethod::Post => Method::POST,
        HttpMethod::Get => Method::GET,
        HttpMethod::Put => Method::PUT,
    };
    let written = Arc::new(Written::default());
    let mut request = Request::new(method, url);
    *request.headers_mut() = headers(fields, settings)?;
    let template = if fields.is_said_as_text(row.parts) {
        &settings.text
    } else {
        settings.binary.as_ref().ok_or(NotSayable::NoBinary)?
    };
    if row.method == HttpMethod::Get {
        return Ok((request, written));
    }
    let (octets, media) = body(template, fields, settings)?;
    request.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(media));
    let body =
        Permitted { octets: Some(octets.into()), deadline, clock: clock.clone(), written: written.clone() };
    *request.body_mut() = Some(Body::wrap(body));
    Ok((request, written))
}

/// The text of a body, and its media type.
fn body(
    template: &BodyTemplate,
    fields: &Fields,
    settings: &HttpSettings,
) -> Result<(Vec<u8>, &'static str), NotSayable> {
    match template {
        BodyTemplate::Json(template) => {
            let value = render::json(template, fields, settings).ok_or(NotSayable::Request)?;
            let text = serde_json::to_vec(&value).map_err(|_| NotSayable::Request)?;
            Ok((text, "application/json"))
        }
        BodyTemplate::Form(template) => {
            let text = render::text(template, Escape::Percent, fields, settings);
            Ok((text.into_bytes(), "application/x-www-form-urlencoded"))
        }
        BodyTemplate::Xml(template) => {
            let text = render::text(template, Escape::Xml, fields, settings);
            Ok((text.into_bytes(), "application/xml; charset=utf-8"))
        }
    }
}

fn headers(fields: &Fields, settings: &HttpSettings) -> Result<HeaderMap, NotSayable> {
    let mut headers = HeaderMap::new();
    for (name, template) in &settings.row.headers {
        let value = render::text(template, Escape::Header, fields, settings);
        let name = HeaderName::try_from(name.as_str()).map_err(|_| NotSayable::Request)?;
        headers.insert(name, secret_value(&value)?);
    }
    if let Some(token) = &settings.token {
        headers.insert(AUTHORIZATION, secret_value(&format!("Bearer {}", token.0))?);
    }
    if let (Some(user), Some(password)) = (&settings.row.user, &settings.password) {
        let pair = base64(format!("{user}:{}", password.0).as_bytes());
        headers.insert(AUTHORIZATION, secret_value(&format!("Basic {pair}"))?);
    }
    Ok(headers)
}

/// A value that logs hide.
fn secret_value(text: &str) -> Result<HeaderValue, NotSayable> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| NotSayable::Request)?;
    value.set_sensitive(true);
    Ok(value)
}

/// RFC 4648 cl. 4.
fn base64(octets: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for three in octets.chunks(3) {
        let word =
            three.iter().fold(0_u32, |word, &octet| word << 8 | u32::from(octet)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

/// Marks a request without a body as one that may be on its way from now on.
pub(super) fn begin_without_body(request: &Request, written: &Written) {
    if request.body().is_none() {
        written.set();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648 cl. 10.
        for (octets, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
        ] {
            assert_eq!(base64(octets.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xef, 0xbe]), "/+++");
    }
}
