//! Program families.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;

use crate::rows::{ApprovalStatus, Micros, Rows};

/// Approvals of one program that hang together by a carrier, an address or a keyword. Two families of one program
/// have none of these in common (PRG-04), so that address and carrier of an inbound message name at most one family
/// of a program (PRG-06), and a keyword stands for one thing in all of a family (PRG-07).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Family {
    /// The program, and the first address by name: `balance/us-70650`.
    pub id: String,
    /// The program.
    pub program: String,
    /// The approvals by address and carrier.
    pub members: Vec<Member>,
    /// The keywords of the program on the addresses, folded.
    pub keywords: BTreeSet<String>,
}

/// An approval in a family.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Member {
    /// The address, by its name.
    pub address: String,
    /// The carrier.
    pub carrier: String,
    /// The approval.
    pub approval: String,
    /// Whether messages may go out under it.
    pub live: bool,
}

impl Family {
    /// Whether an address is in it.
    #[must_use]
    pub fn has_address(&self, address: &str) -> bool {
        self.members.iter().any(|member| member.address == address)
    }

    /// Whether an inbound message to the address from a device of this carrier is of it; of an unknown carrier, the
    /// address decides.
    #[must_use]
    pub fn takes(&self, address: &str, carrier: Option<&str>) -> bool {
        let fits = |member: &&Member| carrier.is_none_or(|carrier| member.carrier == carrier);
        self.members.iter().filter(fits).any(|member| member.address == address)
    }
}

/// Sets that are joined (union by size, paths halved).
struct Joined {
    parents: Vec<usize>,
    sizes: Vec<usize>,
}

impl Joined {
    fn new(count: usize) -> Self {
        Self { parents: (0..count).collect(), sizes: vec![1; count] }
    }

    fn root(&mut self, mut of: usize) -> usize {
        while self.parents[of] != of {
            self.parents[of] = self.parents[self.parents[of]];
            of = self.parents[of];
        }
        of
    }

    fn join(&mut self, one: usize, other: usize) {
        let (mut one, mut other) = (self.root(one), self.root(other));
        if one == other {
            return;
        }
        if self.sizes[one] < self.sizes[other] {
            std::mem::swap(&mut one, &mut other);
        }
        self.parents[other] = one;
        self.sizes[one] += self.sizes[other];
    }
}

/// What two approvals of one program may have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Tie<'a> {
    Address(&'a str),
    Carrier(&'a str),
    Keyword(&'a str),
}

/// The families of all programs, by program and first address (PRG-05). What was rejected or is over is in none. Their
/// keywords are left out unless they are asked for.
pub(crate) fn families(rows: &Rows, now: Micros, with_keywords: bool) -> Vec<Family> {
    // Keywords of each address, with the program that they name.
    let mut keywords: HashMap<&str, Vec<(&str, Option<&str>)>> = HashMap::new();
    for keyword in &rows.keywords {
        let on = keywords.entry(&*keyword.address).or_default();
        on.push((&*keyword.words, keyword.program.as_deref()));
    }
    let words_of = |program: &str, address: &str| {
        let on = keywords.get(address).into_iter().flatten();
        let own = on.filter(move |(_, of)| of.is_none_or(|of| of == program));
        own.map(|(words, _)| *words).collect::<Vec<_>>()
    };

    let mut approvals: Vec<_> =
        rows.approvals.iter().filter(|approval| counts(approval.status_at(now))).collect();
    approvals.sort_by_key(|approval| (&approval.program, &approval.address, &approval.carrier));
    // The keywords of a program that has one address tie nothing to anything.
    let spread: HashSet<&str> = approvals
        .windows(2)
        .filter(|two| two[0].program == two[1].program && two[0].address != two[1].address)
        .map(|two| two[0].program.as_str())
        .collect();
    let mut joined = Joined::new(approvals.len());
    let mut first: HashMap<(&str, Tie<'_>), usize> = HashMap::new();
    for (index, approval) in approvals.iter().enumerate() {
        let is_new_address =
            !first.contains_key(&(approval.program.as_str(), Tie::Address(&approval.address)));
        let mut ties = vec![Tie::Address(&approval.address), Tie::Carrier(&approval.carrier)];
        if is_new_address && spread.contains(approval.program.as_str()) {
            ties.extend(words_of(&approval.program, &approval.address).into_iter().map(Tie::Keyword));
        }
        for tie in ties {
            let other = *first.entry((&approval.program, tie)).or_insert(index);
            joined.join(other, index);
        }
    }

    // The approvals are sorted, so that the first of each set names the family.
    let mut order: Vec<usize> = Vec::new();
    let mut sets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in 0..approvals.len() {
        let root = joined.root(index);
        let set = sets.entry(root).or_default();
        if set.is_empty() {
            order.push(root);
        }
        set.push(index);
    }
    let family = |root: &usize| {
        let members = &sets[root];
        let head = approvals[members[0]];
        let mut words = BTreeSet::new();
        let mut last = None;
        for approval in members.iter().map(|index| approvals[*index]) {
            if with_keywords && last.replace(&approval.address) != Some(&approval.address) {
                words.extend(words_of(&head.program, &approval.address).into_iter().map(str::to_owned));
            }
        }
        Family {
            id: format!("{}/{}", head.program, head.address),
            program: head.program.clone(),
            members: members.iter().map(|index| member(approvals[*index], now)).collect(),
            keywords: words,
        }
    };
    order.iter().map(family).collect()
}

fn member(approval: &crate::Approval, now: Micros) -> Member {
    Member {
        address: approval.address.clone(),
        carrier: approval.carrier.clone(),
        approval: approval.name.clone(),
        live: approval.status_at(now) == ApprovalStatus::Approved,
    }
}

fn counts(status: ApprovalStatus) -> bool {
    match status {
        ApprovalStatus::Submitted | ApprovalStatus::Approved | ApprovalStatus::Suspended => true,
        ApprovalStatus::Rejected | ApprovalStatus::Expired => false,
    }
}
