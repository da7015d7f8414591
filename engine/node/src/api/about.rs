//! What a client asks about the API itself.

use axum::Json;
use axum::http::Method;
use serde::Serialize;
use signalbox_config::catalog::Right;
use utoipa::ToSchema;

use super::caller::Caller;
use super::openapi::document;
use super::operations::{Operation, operation};

/// The token of the request.
#[derive(Debug, Serialize, ToSchema)]
struct TokenInfo {
    /// Its name.
    name: String,
    /// The person whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// What it lets do.
    rights: Vec<&'static str>,
    /// The account that it sends for and sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// The enterprise whose rows it sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    enterprise: Option<String>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/v1/token", "about.token", "The token of the request and its rights", token)
            .tenants()
            .answer::<TokenInfo>(200, "the token"),
        operation(Method::GET, "/v1/openapi.json", "about.openapi", "This document", openapi).answer_of(
            200,
            "the document",
            |_| serde_json::json!({ "type": "object" }),
        ),
    ]
}

async fn token(caller: Caller) -> Json<TokenInfo> {
    let rights = Right::ALL.iter().filter(|right| caller.may(**right)).map(|right| right.as_str()).collect();
    let enterprise = caller.enterprise().map(ToString::to_string);
    let account = caller.account.map(|account| account.name);
    Json(TokenInfo { name: caller.token, user: caller.user, rights, account, enterprise })
}

async fn openapi() -> Json<serde_json::Value> {
    Json(document())
}
