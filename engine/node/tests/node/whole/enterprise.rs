//! An enterprise with a short code and a survey, its devices, and the API as it uses it.

use serde_json::Value;

use super::site::{PATIENCE, Site, rows, wait_for};
use super::smsc::Smsc;
use super::wire::Message;

/// Of a country without quiet hours, so that what begins a conversation leaves at any time of day.
pub const DEVICE: &str = "447400123456";
/// Its short code.
pub const CODE: &str = "60777";
const TOKEN: &str = "key-of-the-enterprise";

/// An enterprise with a short code, an approved program, and sub-campaigns of each kind.
pub fn catalog(smsc: &Smsc) -> String {
    format!(
        "{}{}",
        rows(smsc.address, "enterprise = 'example'", ""),
        r#"
[[enterprise]]
name = 'example'
[[carrier]]
name = 'mobile'
prefixes = ['4']
[[token]]
name = 'app'
secret = 'key-of-the-enterprise'
account = 'demo'
rights = ["messages:send", "messages:read", "messages:reveal", "contacts:read", "contacts:write"]
[[program]]
name = 'survey'
kind = 'interactive'
account = 'demo'
[[source_address]]
name = 'code'
address = '60777'
sharing = 'dedicated'
country = 'GB'
links = ['smsc']
carriers = ['mobile']
programs = ['survey']
account = 'demo'
default_sub_campaign = 'info'
[[approval]]
name = 'survey-code-mobile'
program = 'survey'
source_address = 'code'
carrier = 'mobile'
status = 'approved'
[[campaign]]
name = 'research'
account = 'demo'
[[script]]
name = 'quiz'
account = 'demo'
kind = 'javascript'
published = 1
[[script_version]]
name = 'quiz.1'
script = 'quiz'
version = 1
state = 'published'
body = """
function begin() {
  sendTextMessage('survey', 'Dear ' + getContact().firstName + ', how old are you?');
  getConversation().set('nextAction', 'age');
}
function moHandler() {
  sendTextMessage('survey', 'How old are you?');
  getConversation().set('nextAction', 'age');
}
function age() {
  var text = getContactAttempt().text;
  if (!/^[0-9]+$/.test(text)) { sendTextMessage('survey', 'A number, please.'); return; }
  getConversation().set('age', Number(text));
  getConversation().set('nextAction', 'colour');
  sendTextMessage('survey', 'Your favourite colour?');
}
function colour() {
  getConversation().remove('nextAction');
  sendTextMessage('survey', getConversation().get('age') + ' and ' + getContactAttempt().text + ': thank you.');
  endConversation();
}
function optOutHandler() { sendTextMessage('survey', 'No more texts from us.'); }
function helpHandler() { sendTextMessage('survey', 'A quiz. STOP to end.'); }
"""
[[sub_campaign]]
name = 'quiz-in'
account = 'demo'
campaign = 'research'
kind = 'inbound'
state = 'running'
programs = ['survey']
[sub_campaign.instructions]
script = 'quiz'
[sub_campaign.texts]
opt_in = 'Welcome back.'
[[sub_campaign]]
name = 'quiz-out'
account = 'demo'
campaign = 'research'
kind = 'outbound'
state = 'running'
programs = ['survey']
[sub_campaign.instructions]
script = 'quiz'
[[sub_campaign]]
name = 'info'
account = 'demo'
campaign = 'research'
kind = 'inbound'
state = 'running'
programs = ['survey']
[sub_campaign.instructions]
reply = 'Text QUIZ to begin.'
[sub_campaign.texts]
help = 'Example Ltd. STOP to end.'
opt_out = 'You get no more texts.'
opt_in = 'Welcome back.'
[[keyword]]
name = 'code.quiz'
text = 'quiz'
source_address = 'code'
program = 'survey'
account = 'demo'
sub_campaign = 'quiz-in'
"#
    )
}

/// A device writes to the short code.
pub fn writes(smsc: &Smsc, device: &str, text: &str) {
    writes_to(smsc, device, CODE, text);
}

/// The same to another address.
pub fn writes_to(smsc: &Smsc, device: &str, code: &str, text: &str) {
    let message = Message {
        source: device.into(),
        destination: code.into(),
        text: text.as_bytes().to_vec(),
        ..Message::default()
    };
    smsc.deliver(&message);
}

/// The texts that a device got, in their order.
pub fn got(smsc: &Smsc, device: &str) -> Vec<String> {
    let taken = smsc.taken().into_iter().filter(|taken| taken.message.destination == device);
    taken.map(|taken| String::from_utf8_lossy(&taken.message.text).into_owned()).collect()
}

/// Waits until a device has so many texts, and gives the last.
#[track_caller]
pub fn text(smsc: &Smsc, device: &str, number: usize) -> String {
    wait_for(&format!("text {number}"), PATIENCE, || {
        let got = got(smsc, device);
        (got.len() >= number).then(|| got[number - 1].clone())
    })
}

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The API as the enterprise uses it.
pub struct Api<'a>(pub &'a Site);

impl Api<'_> {
    /// What it answers to a GET.
    pub async fn ask(&self, path: &str) -> reqwest::Response {
        let url = format!("http://{}{path}", self.0.api);
        let answer = client().get(url).bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ask(path).await.json().await.unwrap()
    }

    /// The first page of a list.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        self.get(path).await["items"].as_array().unwrap().clone()
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("http://{}{path}", self.0.api);
        let answer = client().post(url).bearer_auth(TOKEN).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }
}
