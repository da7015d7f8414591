//! What of a row only the operator gives: secrets of the node, and ways into its own network.

use std::any::Any;

use signalbox_config::catalog::{Owner, WebService, Webhook};
use signalbox_config::value::Secret;

use super::ApiRow;
use crate::api::caller::Caller;
use crate::api::problem::{Problem, ProblemKind};

/// Refuses what a tenant writes into its own row but may not give itself. What the operator gave stays his: with it the
/// row may not lead elsewhere.
///
/// # Errors
/// Which of it is the operator's.
pub(super) fn check_granted<R: ApiRow>(caller: &Caller, row: &R, before: Option<&R>) -> Result<(), Problem> {
    if caller.scope() == Owner::Platform {
        return Ok(());
    }
    let forbidden = |detail: &str| Err(Problem::new(ProblemKind::Forbidden, detail));
    let held = before.map(secrets).unwrap_or_default();
    if secrets(row).into_iter().any(|secret| is_the_nodes(secret) && !held.contains(&secret)) {
        return forbidden("the token may give a secret as text alone");
    }
    let Some(service) = service_of(row) else { return Ok(()) };
    let before = before.and_then(service_of);
    if service.private && !before.is_some_and(|before| before.private) {
        return forbidden("only the operator lets a web service be in a private network (`private`)");
    }
    let granted = service.private || service.headers.values().any(is_the_nodes);
    let leads = |service: &WebService| (service.url.clone(), service.path);
    if granted && before.map(leads) != Some(leads(service)) {
        return forbidden(
            "the operator has let the web service into a private network, or given it a secret: \
                          `url` and `path` are his to change",
        );
    }
    Ok(())
}

fn service_of<R: ApiRow>(row: &R) -> Option<&WebService> {
    (row as &dyn Any).downcast_ref()
}

fn secrets<R: ApiRow>(row: &R) -> Vec<&Secret> {
    let webhook = (row as &dyn Any).downcast_ref::<Webhook>().map(|webhook| &webhook.secret);
    let headers = service_of(row).into_iter().flat_map(|service| service.headers.values());
    webhook.into_iter().chain(headers).collect()
}

/// Whether it stands on the node, and the row only says where.
fn is_the_nodes(secret: &Secret) -> bool {
    match secret {
        Secret::File(_) | Secret::Variable(_) => true,
        Secret::Inline(_) => false,
    }
}
