//! schedule_delivery_time, validity_period and qos_time_to_live, against UTC microseconds.

use std::time::Duration;

use signalbox_core::time::Micros;
use signalbox_smpp::time::SmppTime;
use signalbox_smpp::{COctets, CommandStatus, Profile, Tag, TimeCheck, Tlvs};

/// Reads a time of a request. An odd one counts as not there, unless the peer's profile checks the format.
///
/// # Errors
/// `status`, when it is no time and the profile is strict.
pub fn instant(
    text: &COctets,
    now: Micros,
    profile: &Profile,
    status: CommandStatus,
) -> Result<Option<Micros>, CommandStatus> {
    match SmppTime::parse(text) {
        Ok(time) => Ok(time.map(|time| Micros(time.resolve(now.0)))),
        Err(_) if profile.times == TimeCheck::Length => Ok(None),
        Err(_) => Err(status),
    }
}

/// The end of validity that qos_time_to_live asks for (SMPP 3.4 cl. 5.3.2.9), which data_sm has instead of
/// validity_period.
pub fn time_to_live(tlvs: &Tlvs, now: Micros) -> Option<Micros> {
    let seconds = tlvs.u32(Tag::QOS_TIME_TO_LIVE)?;
    Some(now.after(Duration::from_secs(seconds.into())))
}

/// The validity_period of a message that leaves: what is left of its validity, at most `longest`, at least a
/// second. Relative, so that the peer's clock does not matter, unless it is too long for that form.
pub fn validity(expires_at: Micros, now: Micros, longest: Option<Duration>) -> COctets {
    let left = expires_at.since(now);
    let left = longest.map_or(left, |longest| left.min(longest)).max(Duration::from_secs(1));
    let micros = i64::try_from(left.as_micros()).unwrap_or(i64::MAX);
    SmppTime::format_relative(micros).unwrap_or_else(|| SmppTime::format_absolute(now.after(left).0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01T00:00:00Z.
    const NOW: Micros = Micros(1_767_225_600_000_000);

    #[test]
    fn relative_and_absolute_times_are_read() {
        let read =
            |text: &str| instant(&COctets::from(text), NOW, &Profile::default(), CommandStatus::RINVEXPIRY);
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("000000010000000R"), Ok(Some(NOW.after(Duration::from_secs(3600)))));
        assert_eq!(read("260101003000000+"), Ok(Some(NOW.after(Duration::from_secs(1800)))));
        // Two hours east of UTC, so two hours earlier.
        assert_eq!(read("260101023000008+"), Ok(Some(NOW.after(Duration::from_secs(1800)))));
    }

    #[test]
    fn an_odd_time_is_refused_only_where_the_profile_says_so() {
        let odd = COctets::from("tomorrow");
        assert_eq!(instant(&odd, NOW, &Profile::default(), CommandStatus::RINVSCHED), Ok(None));
        let strict = Profile { times: TimeCheck::Format, ..Profile::default() };
        assert_eq!(instant(&odd, NOW, &strict, CommandStatus::RINVSCHED), Err(CommandStatus::RINVSCHED));
    }

    #[test]
    fn validity_leaves_as_what_is_left_of_it() {
        let hours = |hours: u64| NOW.after(Duration::from_secs(hours * 3600));
        assert_eq!(validity(hours(49), NOW, None), "000002010000000R");
        assert_eq!(validity(hours(49), NOW, Some(Duration::from_secs(60))), "000000000100000R");
        assert_eq!(validity(NOW, NOW, None), "000000000001000R");
        assert_eq!(validity(hours(24 * 40), NOW, None), "260210000000000+");
    }

    #[test]
    fn time_to_live_counts_from_now() {
        let mut tlvs = Tlvs::new();
        assert_eq!(time_to_live(&tlvs, NOW), None);
        tlvs.push_u32(Tag::QOS_TIME_TO_LIVE, 60);
        assert_eq!(time_to_live(&tlvs, NOW), Some(NOW.after(Duration::from_secs(60))));
    }
}
