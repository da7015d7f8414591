//! Quiet hours: the jurisdictions that are shipped, with those of the catalog in their place or beside them.

use std::sync::Arc;

use signalbox_config::catalog::{
    AllowedHours, CapOver as CapRow, Day, FrequencyCap, Jurisdiction, RuleScope as ScopeRow,
};
use signalbox_consent::{
    CapOver, CapSpec, HoursError, JurisdictionSpec, QuietHours, QuietHoursSpec, RuleScope, WeekSpec, Zones,
};
use signalbox_core::consent::ConsentPolicy;

use super::PolicyError;
use super::consent::channel_of;
use crate::catalog::Snapshot;

/// The hours of these rows.
pub(super) fn hours(snapshot: &Snapshot) -> Result<Arc<QuietHours>, PolicyError> {
    let rows = &snapshot.rows.jurisdiction;
    if rows.is_empty() {
        return Ok(ConsentPolicy::default().hours);
    }
    let mut spec = QuietHoursSpec::shipped().map_err(|error| wrong("", &error))?;
    spec.version = u32::try_from(snapshot.version.0).unwrap_or(u32::MAX).max(spec.version);
    spec.jurisdictions.retain(|shipped| rows.iter().all(|row| row.name.as_str() != shipped.name));
    for row in rows.iter().filter(|row| row.enabled) {
        spec.jurisdictions.push(of(row)?);
    }
    QuietHours::new(&spec, Zones::shared()).map(Arc::new).map_err(|error| match &error {
        HoursError::Row { jurisdiction, .. } => wrong(jurisdiction, &error),
        _ => wrong("", &error),
    })
}

fn wrong(name: &str, error: &impl ToString) -> PolicyError {
    PolicyError::Row { what: "jurisdiction", name: name.to_owned(), reason: error.to_string() }
}

/// The row as the rules read it.
fn of(row: &Jurisdiction) -> Result<JurisdictionSpec, PolicyError> {
    let wrong = |error: signalbox_consent::RegionError| wrong(row.name.as_str(), &error);
    let countries = row.countries.iter().map(|country| country.as_str().parse().map_err(wrong));
    let states = row.states.iter().map(|state| state.as_str().parse().map_err(wrong));
    Ok(JurisdictionSpec {
        name: row.name.to_string(),
        title: row.title.as_ref().map(ToString::to_string).unwrap_or_default(),
        countries: countries.collect::<Result<_, _>>()?,
        states: states.collect::<Result<_, _>>()?,
        zones: row.zones.iter().map(ToString::to_string).collect(),
        channels: row.channels.iter().map(|channel| channel_of(*channel)).collect(),
        scope: match row.scope {
            ScopeRow::Marketing => RuleScope::Marketing,
            ScopeRow::All => RuleScope::All,
        },
        source: row.source.to_string(),
        as_of: row.as_of,
        hours: week(&row.allowed),
        holidays: row.holidays.iter().map(ToString::to_string).collect(),
        on_holidays: row.on_holidays.iter().map(|span| format!("{}-{}", span.from, span.to)).collect(),
        caps: row.caps.iter().map(cap).collect(),
    })
}

/// A cap as the counts read it.
pub(super) fn cap(row: &FrequencyCap) -> CapSpec {
    CapSpec {
        most: u16::try_from(row.most.get()).unwrap_or(u16::MAX),
        hours: u32::try_from(row.hours.get()).unwrap_or(u32::MAX),
        over: match row.over {
            CapRow::Matter => CapOver::Matter,
            CapRow::Account => CapOver::Account,
        },
    }
}

fn week(allowed: &[AllowedHours]) -> WeekSpec {
    let mut week = WeekSpec::default();
    for hours in allowed {
        let span = format!("{}-{}", hours.from, hours.to);
        let is_on = |day: Day| hours.days.is_empty() || hours.days.contains(&day);
        for (day, spans) in [
            (Day::Mon, &mut week.mon),
            (Day::Tue, &mut week.tue),
            (Day::Wed, &mut week.wed),
            (Day::Thu, &mut week.thu),
            (Day::Fri, &mut week.fri),
            (Day::Sat, &mut week.sat),
            (Day::Sun, &mut week.sun),
        ] {
            if is_on(day) {
                spans.push(span.clone());
            }
        }
    }
    week
}

#[cfg(test)]
mod tests {
    use signalbox_config::Catalog as Rows;
    use signalbox_consent::{Channel, Channels};
    use signalbox_core::backend::Catalog;

    use super::*;
    use crate::catalog::all_rows;

    fn of_rows(text: &str) -> Result<Arc<QuietHours>, PolicyError> {
        let catalog = signalbox_backends::memory::Cluster::new(1).catalog();
        catalog.apply("test", &all_rows(&Rows::parse("test", text).unwrap())).unwrap();
        hours(&Snapshot::load(&catalog).unwrap())
    }

    const ROW: &str = r#"
        [[jurisdiction]]
        name = "us-florida"
        states = ["US-FL"]
        zones = ["America/New_York"]
        channels = ["text"]
        scope = "all"
        holidays = ["2026-12-25", "07-04"]
        source = "read by us"
        as_of = "2026-06-30"
        [[jurisdiction.allowed]]
        days = ["mon", "tue"]
        from = "09:00"
        to = "12:00"
        [[jurisdiction.allowed]]
        from = "13:00"
        to = "24:00"
        [[jurisdiction.on_holidays]]
        from = "10:00"
        to = "11:00"
        [[jurisdiction.caps]]
        most = 2
        hours = 24
        over = "account"
    "#;

    #[test]
    fn a_row_stands_in_the_place_of_the_shipped_one_of_its_name() {
        let shipped = of_rows("").unwrap();
        let hours = of_rows(ROW).unwrap();
        assert_eq!(hours.rules().len(), shipped.rules().len());
        let rule = |hours: &QuietHours| {
            hours.rules().iter().find(|rule| rule.name == "us-florida").map(|rule| rule.source.clone())
        };
        assert_eq!(rule(&hours).as_deref(), Some("read by us"));
        assert_ne!(rule(&shipped), rule(&hours));
        let off = ROW.replace("channels", "enabled = false\nchannels");
        assert_eq!(rule(&of_rows(&off).unwrap()), None);
        let more = of_rows(&ROW.replace("us-florida", "us-florida-more")).unwrap();
        assert_eq!(more.rules().len(), shipped.rules().len() + 1);
    }

    #[test]
    fn all_of_a_row_is_what_the_rules_read() {
        let row = Rows::parse("test", ROW).unwrap().jurisdiction.remove(0);
        let spec = of(&row).unwrap();
        assert_eq!(spec.hours.mon, ["09:00-12:00", "13:00-24:00"]);
        assert_eq!(spec.hours.sun, ["13:00-24:00"]);
        assert_eq!(
            (spec.on_holidays, spec.holidays),
            (vec!["10:00-11:00".to_owned()], vec!["2026-12-25".to_owned(), "07-04".to_owned()],)
        );
        assert_eq!((spec.channels, spec.scope), (Channels::one(Channel::Text), RuleScope::All));
        assert_eq!(spec.caps, [CapSpec { most: 2, hours: 24, over: CapOver::Account }]);
        assert_eq!(spec.states[0].to_string(), "US-FL");
    }

    #[test]
    fn hours_that_overlap_are_told_with_the_row() {
        let told = of_rows(&ROW.replace("13:00", "11:00")).unwrap_err().to_string();
        assert!(told.contains("us-florida") && told.contains("overlap"), "{told}");
    }
}
