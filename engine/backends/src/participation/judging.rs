//! The third layer (CM-05, CM-06, CM-16): what the second took out of entries is judged in one transaction of the campaign's file. It
//! sees no address, keyword or channel beyond what stands in the entry, and hands on verdicts.

use std::collections::HashMap;

use rusqlite::Connection;
use signalbox_participation::{
    Extracted, Facts, Outcome, RawEntry, Refused, RejectCode, Reply, Unextractable, Verdict,
};

use super::campaign::Batch;
use super::rejects::{RejectLog, Rejected};
use super::stores::{Files, InForce};
use crate::failpoint;

/// An entry behind the second layer.
pub(super) struct Prepared<'a> {
    pub raw: &'a RawEntry,
    pub facts: Facts,
    pub extracted: Result<Vec<Extracted>, Unextractable>,
}

/// The third layer: one transaction of the campaign's file, then the log of what does not count. Codes that this file does
/// not have are looked for in `codes`.
pub(super) fn judge(
    files: &mut Files,
    in_force: &InForce,
    prepared: &[Prepared<'_>],
    codes: Option<&Connection>,
) -> rusqlite::Result<Vec<Verdict>> {
    let Files { campaign, rejects } = files;
    let mut batch = campaign.begin(&in_force.rules, in_force.version, codes)?;
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(prepared.len());
    let mut known: HashMap<u128, usize> = HashMap::new();
    let mut rejected = Vec::new();
    for entry in prepared {
        let verdict = match known.get(&entry.raw.id.0) {
            Some(earlier) => verdicts[*earlier].clone(),
            None => judge_entry(&mut batch, rejects, in_force, entry, &mut rejected)?,
        };
        known.insert(entry.raw.id.0, verdicts.len());
        verdicts.push(verdict);
    }
    failpoint::reach("participation.before-commit");
    batch.commit()?;
    failpoint::reach("participation.after-commit");
    rejects.write(&rejected)?;
    failpoint::reach("participation.after-log");
    Ok(verdicts)
}

fn judge_entry<'a>(
    batch: &mut Batch<'_>,
    rejects: &RejectLog,
    in_force: &InForce,
    entry: &Prepared<'a>,
    rejected: &mut Vec<Rejected<'a>>,
) -> rusqlite::Result<Verdict> {
    let (raw, rules, version) = (entry.raw, &in_force.rules, in_force.version);
    if let Some(verdict) = batch.verdict(raw.id)? {
        return Ok(verdict);
    }
    if let Some(verdict) = rejects.verdict(raw.id)? {
        return Ok(verdict);
    }
    let votes: &[Extracted] = entry.extracted.as_deref().unwrap_or_default();
    let unfit = rules.refusal(raw).or(entry.extracted.as_ref().err().map(|lacks| lacks.code));
    let mut accepted = Vec::new();
    let mut refused: Vec<(u32, RejectCode)> = unfit.map(|code| (0, code)).into_iter().collect();
    if unfit.is_none() {
        batch.enter(raw);
        for (seq, vote) in (0..).zip(votes) {
            match rules.judge(raw, vote, seq, &entry.facts, batch)? {
                Ok(submission) => accepted.push(submission),
                Err(code) => refused.push((seq, code)),
            }
        }
    }
    let reject = |seq, code, reply| Rejected { raw, seq, code, version, reply };
    let Some(first) = accepted.first() else {
        let code = refused.first().map_or(RejectCode::BadFormat, |(_, code)| *code);
        let participant = raw.participant();
        let told_now = rejected.iter().filter(|other: &&Rejected<'_>| {
            matches!(other.reply, Some(Reply::Text(_))) && other.raw.participant() == participant
        });
        let told = rejects.told(&participant, raw.received_at)? + told_now.count() as u64;
        let reply = rules.regret(code, votes.first(), told, &entry.facts);
        rejected.push(reject(0, code, Some(reply.clone())));
        rejected.extend(refused.iter().skip(1).map(|(seq, code)| reject(*seq, *code, None)));
        return Ok(Verdict { entry: raw.id, outcome: Outcome::Rejected(code), reply, version, test: false });
    };
    let prizes: Vec<String> = accepted.iter().filter_map(|submission| submission.prize.clone()).collect();
    let reply = rules.thanks(Some(&first.extracted), prizes.first().map(String::as_str), &entry.facts);
    let count = refused.len() as u32;
    let summary = refused.first().map(|(_, code)| Refused { count, code: *code });
    batch.told(raw.id, summary, &reply)?;
    rejected.extend(refused.iter().map(|(seq, code)| reject(*seq, *code, None)));
    let outcome = Outcome::Accepted { submissions: accepted.len() as u32, refused: summary, prizes };
    Ok(Verdict { entry: raw.id, outcome, reply, version, test: false })
}
