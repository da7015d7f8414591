//! Rules, number plan and portability table together: the router as the exchange holds it.

use std::sync::Arc;

use serde::Serialize;
use signalbox_text::phone::E164;

use crate::decision::Decision;
use crate::id::{CarrierId, UtcMicros};
use crate::lookup::{Finding, LookupAnswer};
use crate::number::{AnswerSource, NumberAnswer, read_number};
use crate::plan::NumberPlan;
use crate::portability::PortabilityTable;
use crate::query::{LinkHealth, Party, Query};
use crate::rules::{Explanation, RuleSet};

/// All that routing needs, each part replaced on its own. Cloning shares the parts; the owner swaps the whole.
#[derive(Clone, Debug)]
pub struct Router {
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// The number plan.
    pub plan: Arc<NumberPlan>,
    /// The portability table, if there is one.
    pub portability: Option<Arc<PortabilityTable>>,
}

/// A source that was asked about a number, and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Consulted {
    /// The source.
    pub source: AnswerSource,
    /// What it said.
    pub said: String,
}

impl Router {
    /// These rules, with the countries of E.164 and without a portability table.
    #[must_use]
    pub fn new(rules: RuleSet) -> Self {
        Self { rules: Arc::new(rules), plan: Arc::new(NumberPlan::new()), portability: None }
    }

    /// What is known about a device: the carrier by the look-up that was made for it, else by the portability
    /// table, else by the number plan; the country by the plan. A message keeps the answer, and asks again only
    /// when it is tried again.
    #[must_use]
    pub fn answer(&self, device: Party<'_>, lookup: Option<&LookupAnswer>, now: UtcMicros) -> NumberAnswer {
        let Ok(number) = international(device) else {
            return NumberAnswer { as_of: now, ..NumberAnswer::default() };
        };
        let plan = self.plan.look_up(number.to_ascii().as_bytes());
        let country = plan.country;
        if let Some(lookup) = lookup
            && let Some(carrier) = self.by_lookup(lookup, plan.carrier)
        {
            let source = lookup.source.into();
            return NumberAnswer { country, carrier: Some(carrier), source, as_of: lookup.as_of };
        }
        if let Some(table) = &self.portability
            && let Some(ported) = table.look_up(number)
        {
            // Ported to somebody unknown here: the plan would name the carrier that it left.
            let source = AnswerSource::Portability;
            return NumberAnswer { country, carrier: ported.carrier, source, as_of: table.as_of() };
        }
        let source = plan.carrier.map_or(AnswerSource::Unknown, |_| AnswerSource::NumberPlan);
        NumberAnswer { country, carrier: plan.carrier, source, as_of: now }
    }

    fn by_lookup(&self, lookup: &LookupAnswer, own_block: Option<CarrierId>) -> Option<CarrierId> {
        match lookup.finding {
            Finding::Carrier(carrier) => Some(carrier),
            Finding::RoutingNumber(number) => self.plan.look_up(number.to_ascii().as_bytes()).carrier,
            Finding::NotPorted => own_block,
        }
    }

    /// Each source in the order in which it counts, and what it says about a device.
    #[must_use]
    pub fn consult(&self, device: Party<'_>, lookup: Option<&LookupAnswer>) -> Vec<Consulted> {
        let number = match international(device) {
            Ok(number) => number,
            Err(said) => return vec![Consulted { source: AnswerSource::Unknown, said }],
        };
        let plan = self.plan.look_up(number.to_ascii().as_bytes());
        let name = |carrier: Option<CarrierId>| {
            carrier.map_or("no carrier".to_owned(), |carrier| self.rules.names().carrier_name(carrier))
        };
        let mut consulted = Vec::with_capacity(3);
        if let Some(lookup) = lookup {
            let carrier = name(self.by_lookup(lookup, plan.carrier));
            let said = match lookup.finding {
                Finding::Carrier(_) => carrier,
                Finding::RoutingNumber(number) => {
                    format!("routing number {number}, whose block has {carrier}")
                }
                Finding::NotPorted => format!("not ported, the block has {carrier}"),
            };
            consulted.push(Consulted { source: lookup.source.into(), said });
        }
        let said = match &self.portability {
            None => "there is no table".to_owned(),
            Some(table) => self.by_table(table, number),
        };
        consulted.push(Consulted { source: AnswerSource::Portability, said });
        let country = plan.country.map_or("no country".to_owned(), |country| country.to_string());
        let carrier = match plan.carrier {
            Some(_) => format!("{} by {} digits", name(plan.carrier), plan.carrier_digits),
            None => "no carrier".to_owned(),
        };
        let said = format!("{country}, {carrier}");
        consulted.push(Consulted { source: AnswerSource::NumberPlan, said });
        consulted
    }

    fn by_table(&self, table: &PortabilityTable, number: E164) -> String {
        match table.look_up(number) {
            None => "not listed".to_owned(),
            Some(ported) => match ported.carrier {
                Some(carrier) => self.rules.names().carrier_name(carrier),
                None => format!("ported to the unknown carrier \"{}\"", ported.code),
            },
        }
    }

    /// Decides by the rules; see [`RuleSet::decide`].
    #[must_use]
    pub fn decide(&self, query: &Query<'_>, health: &dyn LinkHealth) -> Decision {
        self.rules.decide(query, health)
    }

    /// Says why; see [`RuleSet::explain`]. With what each source says about the device.
    #[must_use]
    pub fn explain(
        &self,
        query: &Query<'_>,
        lookup: Option<&LookupAnswer>,
        health: &dyn LinkHealth,
    ) -> Explanation {
        let mut explanation = self.rules.explain(query, health);
        explanation.consulted = self.consult(query.device(), lookup);
        explanation
    }
}

/// The number of a device. Short codes have none, though their digits may look like the beginning of one.
fn international(device: Party<'_>) -> Result<E164, String> {
    match device {
        Party::Number(digits) => read_number(digits).map_err(|error| error.to_string()),
        Party::Text(_) => Err("the address is no number".to_owned()),
    }
}

#[cfg(test)]
mod tests;
