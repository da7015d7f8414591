//! `GET /v1/program-families`: what follows from programs, approvals, addresses and keywords (PRG-04, PRG-05).

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::Serialize;
use signalbox_config::catalog::{Program, Right};
use signalbox_programs::Family;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::QueryOf;
use super::operations::{Operation, operation};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use super::rows::{View, find};

/// Approvals of one program that hang together by a carrier, an address or a keyword.
#[derive(Debug, Serialize, ToSchema)]
struct FamilyInfo {
    /// The program, and the first address by name.
    id: String,
    /// The program.
    program: String,
    /// The approvals by address and carrier.
    members: Vec<MemberInfo>,
    /// The keywords of the program on the addresses, folded.
    keywords: Vec<String>,
}

/// An approval in a family.
#[derive(Debug, Serialize, ToSchema)]
struct MemberInfo {
    /// The source address.
    source_address: String,
    /// The carrier.
    carrier: String,
    /// The approval.
    approval: String,
    /// Whether messages may go out under it.
    live: bool,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::GET,
            "/v1/program-families",
            "program_family.list",
            "The families that follow from programs, approvals, source addresses and keywords",
            list,
        )
        .right(Right::CatalogRead)
        .tenants()
        .query::<PageQuery>()
        .page::<FamilyInfo>("families"),
    ]
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<FamilyInfo>>, Problem> {
    let limit = api.page_limit(query.limit)?;
    let in_force = api.control().in_force();
    let view = View::of(&caller, &in_force.snapshot);
    let sees = |family: &Family| {
        find::<Program>(&in_force.snapshot, &family.program).is_some_and(|program| view.owns(program))
    };
    let after = query.cursor.unwrap_or_default();
    let mut families = in_force.dialog.programs.families(api.now().wall.0);
    families.retain(|family| family.id > after && sees(family));
    families.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let page = Page::cut(families, limit, |family| family.id.clone());
    let items = page.items.into_iter().map(shown).collect();
    Ok(Json(Page { items, next: page.next }))
}

fn shown(family: Family) -> FamilyInfo {
    let member = |member: signalbox_programs::Member| MemberInfo {
        source_address: member.address,
        carrier: member.carrier,
        approval: member.approval,
        live: member.live,
    };
    FamilyInfo {
        id: family.id,
        program: family.program,
        members: family.members.into_iter().map(member).collect(),
        keywords: family.keywords.into_iter().collect(),
    }
}
