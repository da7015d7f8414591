//! Lists in pages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::problem::Problem;

/// One page of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    /// Given back as `cursor` it brings the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Everything, where that is few.
    pub(super) fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// The page that is asked for of a list that is there as a whole, in the order of keys of its own: an item that
    /// comes or goes between two pages moves no other.
    pub(super) fn of(
        api: &Api,
        query: &PageQuery,
        mut items: Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> Result<Self, Problem> {
        let limit = api.page_limit(query.limit)?;
        items.sort_by_cached_key(|item| key(item));
        if let Some(cursor) = &query.cursor {
            let after = cursor.strip_prefix(BEHIND).ok_or_else(odd_cursor)?;
            items.retain(|item| key(item).as_str() > after);
        }
        Ok(Self::cut(items, limit, |last| format!("{BEHIND}{}", key(last))))
    }

    /// A page of at most `limit` from a list of up to `limit + 1`; `cursor` names the last item of the page.
    pub(super) fn cut(mut items: Vec<T>, limit: usize, cursor: impl FnOnce(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// Where to go on: `next` of the page before.
    pub cursor: Option<String>,
    /// Items in the page at most; bounded by `api.max_page`.
    pub limit: Option<usize>,
}

/// What cursors of whole lists begin with, so that those of other lists are not taken for theirs.
const BEHIND: &str = "behind:";

/// Items in a page when the request does not say.
const USUAL: usize = 100;

impl Api {
    /// How many items a page has at most.
    pub(super) fn page_limit(&self, asked: Option<usize>) -> Result<usize, Problem> {
        let most = self.control().in_force().settings.api.max_page.as_usize();
        match asked {
            None => Ok(USUAL.min(most)),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(Problem::field("limit", format!("must be from 1 to {most}"))),
        }
    }
}

/// The cursor's own form, read back.
pub(super) fn read_cursor<T: std::str::FromStr>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    cursor.map(str::parse).transpose().map_err(|_| odd_cursor())
}

/// A cursor that no page gave.
pub(super) fn odd_cursor() -> Problem {
    Problem::unreadable("cursor", "is not one that a page gave")
}
