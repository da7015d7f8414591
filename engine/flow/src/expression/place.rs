/// Something that an invocation holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    FirstName,
    LastName,
    FullName,
    Company,
    Email,
    ClientId,
    ContactField(String),
    DeviceAddress,
    DeviceKind,
    DeviceLine,
    DeviceCarrier,
    DeviceCountry,
    AccountName,
    CampaignName,
    SubCampaignName,
    PassName,
    PassId,
    PassStartedAt,
    SourceAddress,
    ConversationId,
    Answer,
    Keyword,
    WebStatus,
    WebBody,
    WebError,
    Now,
    Test,
    Stored(String),
    Variable(String),
}

/// First names that are no variables.
const ROOTS: [&str; 14] = [
    "contact",
    "device",
    "account",
    "campaign",
    "sub_campaign",
    "pass",
    "conversation",
    "answer",
    "keyword",
    "web",
    "stored",
    "variables",
    "now",
    "test",
];

/// What a path names.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn place(path: &[String]) -> Result<Place, String> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    Ok(match parts.as_slice() {
        ["contact", "first_name"] => Place::FirstName,
        ["contact", "last_name"] => Place::LastName,
        ["contact", "name"] => Place::FullName,
        ["contact", "company"] => Place::Company,
        ["contact", "email"] => Place::Email,
        ["contact", "client_id"] => Place::ClientId,
        ["contact", "fields", field] => Place::ContactField((*field).to_owned()),
        ["device", "address"] => Place::DeviceAddress,
        ["device", "kind"] => Place::DeviceKind,
        ["device", "line"] => Place::DeviceLine,
        ["device", "carrier"] => Place::DeviceCarrier,
        ["device", "country"] => Place::DeviceCountry,
        ["account", "name"] => Place::AccountName,
        ["campaign", "name"] => Place::CampaignName,
        ["sub_campaign", "name"] => Place::SubCampaignName,
        ["pass", "name"] => Place::PassName,
        ["pass", "id"] => Place::PassId,
        ["pass", "started_at"] => Place::PassStartedAt,
        ["conversation", "id"] => Place::ConversationId,
        ["conversation", "source_address"] => Place::SourceAddress,
        ["answer"] => Place::Answer,
        ["keyword"] => Place::Keyword,
        ["web", "status"] => Place::WebStatus,
        ["web", "body"] => Place::WebBody,
        ["web", "error"] => Place::WebError,
        ["now"] => Place::Now,
        ["test"] => Place::Test,
        ["stored", name] => Place::Stored((*name).to_owned()),
        ["variables", name] => Place::Variable((*name).to_owned()),
        [name] if is_variable(name) => Place::Variable((*name).to_owned()),
        [root, rest @ ..] if ROOTS.contains(root) && rest.is_empty() => {
            return Err(format!("`{root}` needs a name behind it, as in `{}`", example(root)));
        }
        [root, ..] if ROOTS.contains(root) => {
            return Err(format!("`{root}` has no `{}`; it has {}", parts[1..].join("."), known(root)));
        }
        [root, ..] => return Err(format!("`{root}` is a variable and has nothing behind a dot")),
        [] => return Err("a name was expected".to_owned()),
    })
}

/// True for the names that session variables may have.
pub(crate) fn is_variable(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let reserved = ROOTS.contains(&name) || ["and", "or", "not", "true", "false"].contains(&name);
    first && name.chars().all(super::lexer::is_name) && !reserved
}

fn known(root: &str) -> &'static str {
    match root {
        "contact" => "first_name, last_name, name, company, email, client_id and fields.NAME",
        "device" => "address, kind, line, carrier and country",
        "web" => "status, body and error",
        "conversation" => "id and source_address",
        "pass" => "id, name and started_at",
        "stored" | "variables" => "one name behind it",
        "answer" | "keyword" | "now" | "test" => "nothing behind it",
        _ => "name",
    }
}

fn example(root: &str) -> &'static str {
    match root {
        "contact" => "contact.first_name",
        "device" => "device.country",
        "web" => "web.body",
        "conversation" => "conversation.id",
        "stored" => "stored.verified",
        "variables" => "variables.score",
        "account" => "account.name",
        "campaign" => "campaign.name",
        "pass" => "pass.name",
        _ => "sub_campaign.name",
    }
}
