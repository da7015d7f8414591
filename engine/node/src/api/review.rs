//! What is said of rows before they are kept: errors refuse a change, warnings come back with its answer.

use signalbox_config::Catalog as Rows;
use signalbox_config::catalog::RowKind;
use signalbox_config::value::Name;

use super::Api;
use super::problem::{FieldError, Problem, ProblemKind};
use crate::scripts::{Remark, ReviewError, review};

impl Api {
    /// Looks at what a change adds to the rows `before` (TXS-02, KEY-14). Remarks about `own`, the row that is
    /// written, name the field alone.
    ///
    /// # Errors
    /// When the text of a script or a flow is not one that can be kept.
    pub(super) async fn review(
        &self,
        rows: &Rows,
        before: &Rows,
        own: Option<(RowKind, &str)>,
    ) -> Result<Vec<FieldError>, Problem> {
        let in_force = self.control().in_force();
        let account = |name: &Name| in_force.snapshot.ids.account(name.as_str()).map_or(0, |id| id.0);
        let reviewed = review(rows, before, account, Some(self.scripts())).await?;
        if !reviewed.errors.is_empty() {
            return Err(Problem::fields(reviewed.errors.iter().map(|remark| told(remark, own)).collect()));
        }
        Ok(reviewed.warnings.iter().map(|remark| told(remark, own)).collect())
    }
}

fn told(remark: &Remark, own: Option<(RowKind, &str)>) -> FieldError {
    let field = match own {
        Some(own) if own == (remark.kind, remark.row.as_str()) => remark.field.clone(),
        Some(_) | None => format!("{}[{}].{}", remark.kind, remark.row, remark.field),
    };
    let (line, column) = (remark.line, remark.column);
    FieldError { field, line, column, problem: remark.message.clone() }
}

impl From<ReviewError> for Problem {
    fn from(error: ReviewError) -> Self {
        match error {
            ReviewError::Worker { .. } | ReviewError::TimedOut { .. } => {
                Self::new(ProblemKind::Overloaded, super::problem::chain(&error)).retry_after(1)
            }
        }
    }
}
