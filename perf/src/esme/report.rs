//! What the simulated ESME found.

use super::book::ReceiptReport;
use crate::latency::LatencySummary;
use serde::Serialize;
use std::collections::BTreeMap;

/// The end of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Seconds from the first submit until the last response.
    pub seconds: f64,
    /// submit_sm sent, repetitions counted again.
    pub submitted: u64,
    /// Answered with ESME_ROK.
    pub accepted: u64,
    /// Accepted a second.
    pub per_second: f64,
    /// Responses by status other than ESME_ROK.
    pub refused: BTreeMap<String, u64>,
    /// Responses with ESME_RTHROTTLED.
    pub throttled: u64,
    /// Submits sent again after such an answer.
    pub retried: u64,
    /// Submits given up because no response came in time.
    pub timed_out: u64,
    /// Submits whose connection was lost before the response.
    pub ambiguous: u64,
    /// Responses to nothing that was asked.
    pub stray: u64,
    /// Connections lost and made again.
    pub reconnects: u64,
    /// Messages from devices.
    pub mo: u64,
    /// The receipts.
    pub receipts: ReceiptReport,
    /// From the time a submit was to be sent until its response.
    pub latency: LatencySummary,
    /// From the same time until the receipt.
    pub receipt_latency: LatencySummary,
    /// What did not go as expected; empty when all did.
    pub problems: Vec<String>,
}

impl Report {
    /// Whether all went as expected.
    pub fn holds(&self) -> bool {
        self.problems.is_empty()
    }

    /// Fills in what did not go as expected.
    pub(super) fn judge(&mut self, expect_receipts: bool) {
        let mut find = |count: u64, what: &str| {
            if count > 0 {
                self.problems.push(format!("{count} {what}"));
            }
        };
        find(self.timed_out, "submits without a response in time");
        find(self.ambiguous, "submits whose connection was lost before the response");
        find(self.stray, "responses to nothing");
        let retried_statuses = [crate::wire::RTHROTTLED, crate::wire::RMSGQFUL].map(status_name);
        for (status, count) in &self.refused {
            if self.retried == 0 || !retried_statuses.contains(status) {
                find(*count, &format!("submits refused with {status}"));
            }
        }
        if expect_receipts {
            find(self.receipts.missing, "receipts missing");
            find(self.receipts.duplicated, "receipts duplicated");
            find(self.receipts.wrong, "receipts for unknown messages");
            find(self.receipts.repeated_ids, "message ids given twice");
        }
    }
}

pub(super) fn status_name(status: u32) -> String {
    format!("{status:#010x}")
}
