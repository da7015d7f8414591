//! The pages: plain HTML, everything that is not ours escaped.

use std::fmt::Write;

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, REFRESH, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use signalbox_config::catalog::{EntryForm, ExtractionKind, Participation};

/// Where the style is; no campaign has such a name.
pub(super) const STYLE_PATH: &str = "/.style.css";

pub(super) const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}\n\
label{display:block;margin:1rem 0 0}\ninput,select{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.4rem}\n\
button{font:inherit;margin-top:1.5rem;padding:.4rem 1.5rem}\n.away{position:absolute;left:-100rem}\n.wrong{font-weight:bold}\n";

/// What a page may load and do: its style, and to send its form where it came from.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A text between tags or in an attribute with quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// What was typed, when the form is shown again.
#[derive(Clone, Copy, Default)]
pub(super) struct Typed<'a> {
    pub number: &'a str,
    pub entry: &'a str,
    /// What is wrong with it.
    pub wrong: Option<&'a str>,
}

/// The form of a campaign. `ticket` makes sending it twice the same entry.
pub(super) fn form(row: &Participation, texts: &EntryForm, ticket: &str, typed: Typed<'_>) -> String {
    let mut body = String::new();
    // A string takes whatever is written.
    let _ = write!(
        body,
        "<p>{intro}</p>\n{wrong}<form method=\"post\" action=\"/{name}\" accept-charset=\"utf-8\">\n\
         <input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\n\
         <label>{number}<input name=\"number\" type=\"tel\" autocomplete=\"tel\" required maxlength=\"40\" value=\"{number_typed}\"></label>\n\
         <label>{entry}{field}</label>\n\
         <label class=\"away\" aria-hidden=\"true\">Website<input name=\"website\" tabindex=\"-1\" autocomplete=\"off\"></label>\n\
         <button>{send}</button>\n</form>",
        intro = escaped(texts.intro.as_str()),
        wrong = typed
            .wrong
            .map(|wrong| format!("<p class=\"wrong\">{}</p>\n", escaped(wrong)))
            .unwrap_or_default(),
        name = escaped(row.name.as_str()),
        ticket = escaped(ticket),
        number = escaped(texts.number.as_str()),
        number_typed = escaped(typed.number),
        entry = escaped(texts.entry.as_str()),
        field = field(row, typed.entry),
        send = escaped(texts.send.as_str()),
    );
    whole(texts, &body)
}

/// A list where the campaign asks for one of several things and for nothing else, else a line to write in.
fn field(row: &Participation, typed: &str) -> String {
    let [only] = row.extraction.as_slice() else { return line(typed) };
    match only.kind {
        ExtractionKind::Enumeration => {}
        ExtractionKind::Token
        | ExtractionKind::Regex
        | ExtractionKind::Number
        | ExtractionKind::Date
        | ExtractionKind::Code
        | ExtractionKind::Remainder => return line(typed),
    }
    let mut list = String::from("<select name=\"entry\" required><option></option>");
    for option in &only.options {
        let value = option.value.as_str();
        let label = option.label.as_ref().map_or(value, |label| label.as_str());
        let selected = if value == typed { " selected" } else { "" };
        let _ = write!(list, "<option value=\"{}\"{selected}>{}</option>", escaped(value), escaped(label));
    }
    list.push_str("</select>");
    list
}

fn line(typed: &str) -> String {
    format!("<input name=\"entry\" required maxlength=\"1600\" value=\"{}\">", escaped(typed))
}

/// A page that says something.
pub(super) fn said(texts: &EntryForm, text: &str) -> String {
    whole(texts, &format!("<p>{}</p>", escaped(text)))
}

fn whole(texts: &EntryForm, body: &str) -> String {
    let title = escaped(texts.title.as_str());
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <link rel=\"stylesheet\" href=\"{STYLE_PATH}\">\n</head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n",
        language = escaped(texts.language.as_str()),
    )
}

/// An answer that says what browsers may do with it.
pub(super) fn answer(status: StatusCode, page: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, page).into_response()
}

/// The same, asked for again after some seconds at another place.
pub(super) fn answer_again(page: String, seconds: u32, place: &str) -> Response {
    let mut response = answer(StatusCode::OK, page);
    if let Ok(refresh) = HeaderValue::try_from(format!("{seconds}; url={place}")) {
        response.headers_mut().insert(REFRESH, refresh);
    }
    response
}

/// A page for who is at no campaign's.
pub(super) fn plain(status: StatusCode, text: &str) -> Response {
    answer(
        status,
        format!("<!DOCTYPE html>\n<html lang=\"en\">\n<title>{text}</title>\n<p>{text}</p>\n</html>\n"),
    )
}
