//! The list of operations: router and OpenAPI document are both made of it, so that neither has what the other
//! lacks.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use signalbox_config::catalog::{Right, Row};
use signalbox_config::setting::Setting;
use utoipa::ToSchema;

use super::caller::{Admission, authorize};
use super::openapi::Components;
use super::problem::ProblemKind;
use super::{Api, limits, once};

/// Gives a schema its place among the components, and how it is referred to.
pub(super) type SchemaOf = fn(&mut Components) -> serde_json::Value;

/// One operation.
pub(super) struct Operation {
    pub method: Method,
    pub path: &'static str,
    /// Its name in metrics, in the audit and in the document.
    pub id: &'static str,
    pub summary: &'static str,
    pub right: Option<Right>,
    /// Its callers have no token of ours: it sees itself who they are.
    pub open: bool,
    /// Tokens of enterprises may call it: it tells their rows apart.
    pub tenants: bool,
    pub query: Option<SchemaOf>,
    pub headers: Vec<RequestHeader>,
    pub body: Option<(&'static str, SchemaOf)>,
    pub answers: Vec<Answer>,
    pub problems: Vec<ProblemKind>,
    /// Asked twice with one key it is carried out once, and answered out of memory.
    once: bool,
    handler: MethodRouter<Api>,
}

/// An answer that is no problem.
pub(super) struct Answer {
    pub status: u16,
    pub what: &'static str,
    pub schema: Option<SchemaOf>,
    pub headers: Vec<&'static str>,
}

/// A header that a request may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestHeader {
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    /// If-None-Match with an ETag.
    Known,
}

/// An operation that a handler carries out.
pub(super) fn operation<H, T>(
    method: Method,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    handler: H,
) -> Operation
where
    H: Handler<T, Api>,
    T: 'static,
{
    // Only methods of axum's own list are used below.
    let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
    Operation {
        method,
        path,
        id,
        summary,
        right: None,
        open: false,
        tenants: false,
        query: None,
        headers: Vec::new(),
        body: None,
        answers: Vec::new(),
        problems: Vec::new(),
        once: false,
        handler: on(filter, handler),
    }
}

impl Operation {
    pub(super) fn right(mut self, right: Right) -> Self {
        self.right = Some(right);
        self
    }

    pub(super) fn open(mut self) -> Self {
        self.open = true;
        self
    }

    pub(super) fn tenants(mut self) -> Self {
        self.tenants = true;
        self
    }

    pub(super) fn query<T: ToSchema>(mut self) -> Self {
        self.query = Some(super::openapi::inline::<T>);
        self.problems.extend([ProblemKind::Malformed, ProblemKind::Invalid]);
        self
    }

    pub(super) fn header(mut self, header: RequestHeader) -> Self {
        self.headers.push(header);
        self
    }

    /// It makes something: with an Idempotency-Key it does so once, however often it is asked.
    pub(super) fn once(mut self) -> Self {
        self.once = true;
        self.problems.push(ProblemKind::IdempotencyKeyReused);
        self.header(RequestHeader::IdempotencyKey)
    }

    pub(super) fn body<T: ToSchema>(self) -> Self {
        self.body_of("application/json", super::openapi::reference::<T>)
    }

    pub(super) fn body_of(mut self, media: &'static str, schema: SchemaOf) -> Self {
        self.body = Some((media, schema));
        self.problems.extend([
            ProblemKind::Malformed,
            ProblemKind::TooLarge,
            ProblemKind::UnsupportedMediaType,
            ProblemKind::Invalid,
        ]);
        self
    }

    pub(super) fn answer<T: ToSchema>(self, status: u16, what: &'static str) -> Self {
        self.answer_of(status, what, super::openapi::reference::<T>)
    }

    pub(super) fn page<T: ToSchema>(self, what: &'static str) -> Self {
        self.answer_of(200, what, super::openapi::page::<T>)
    }

    pub(super) fn row<R: Row>(self, status: u16, what: &'static str) -> Self {
        self.answer_of(status, what, super::openapi::row::<R>)
    }

    pub(super) fn answer_of(mut self, status: u16, what: &'static str, schema: SchemaOf) -> Self {
        self.answers.push(Answer { status, what, schema: Some(schema), headers: Vec::new() });
        self
    }

    pub(super) fn nothing(mut self, what: &'static str) -> Self {
        self.answers.push(Answer { status: 204, what, schema: None, headers: Vec::new() });
        self
    }

    pub(super) fn unchanged(mut self, what: &'static str) -> Self {
        self.answers.push(Answer { status: 304, what, schema: None, headers: Vec::new() });
        self
    }

    /// The last answer has this header.
    pub(super) fn with(mut self, header: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push(header);
        }
        self
    }

    pub(super) fn problems(mut self, kinds: &[ProblemKind]) -> Self {
        self.problems.extend_from_slice(kinds);
        self
    }
}

/// The component's name of a kind of rows.
pub(super) fn row_component<R: Row + Setting>() -> &'static str {
    std::any::type_name::<R>().rsplit("::").next().unwrap_or("Row")
}

/// All operations.
pub(super) fn all() -> Vec<Operation> {
    let mut all = Vec::new();
    all.extend(super::messages::operations());
    all.extend(super::queue::operations());
    all.extend(super::suppressions::operations());
    all.extend(super::links::operations());
    all.extend(super::callbacks::operations());
    all.extend(super::rows::operations());
    all.extend(super::sub_campaigns::operations());
    all.extend(super::scripts::operations());
    all.extend(super::bundles::operations());
    all.extend(super::rehearsal::operations());
    all.extend(super::people::operations());
    all.extend(super::conversations::operations());
    all.extend(super::agents::operations());
    all.extend(super::passes::operations());
    all.extend(super::participations::operations());
    all.extend(super::participation_queue::operations());
    all.extend(super::tenants::operations());
    all.extend(super::families::operations());
    all.extend(super::bindings::operations());
    all.extend(super::dnc::operations());
    all.extend(super::apply::operations());
    all.extend(super::routing::operations());
    all.extend(super::numbers::operations());
    all.extend(super::counters::operations());
    all.extend(super::trace::operations());
    all.extend(super::audit::operations());
    all.extend(super::sessions::operations());
    all.extend(super::about::operations());
    all
}

/// The router of all operations.
pub(super) fn router(api: &Api) -> Router {
    let mut router = Router::new();
    for operation in all() {
        let admission = Admission { api: api.clone(), right: operation.right, tenants: operation.tenants };
        let handler = match operation.once {
            true => operation.handler.layer(from_fn_with_state(api.clone(), once::once)),
            false => operation.handler,
        };
        let handler = match operation.open {
            true => handler,
            false => handler.layer(from_fn_with_state(admission, authorize)),
        };
        let handler = handler.layer(from_fn_with_state(operation.id, limits::observe));
        router = router.route(operation.path, handler);
    }
    router.with_state(api.clone())
}
