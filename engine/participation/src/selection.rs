//! Which campaign an entry is for (CM-10).

use std::collections::HashMap;

use crate::entry::Channel;
use crate::rules::Rules;
use crate::state::State;

/// Two campaigns want the same entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry_points[{index}] of {second} is taken by {first}: {channel} {address} with {keyword}", channel = .channel.as_str())]
pub struct Conflict {
    /// The campaign that has it.
    pub first: String,
    /// The campaign that wants it too.
    pub second: String,
    /// Which of the second's entry points it is, from 0.
    pub index: usize,
    /// The channel.
    pub channel: Channel,
    /// The source address, or `any address`.
    pub address: String,
    /// The keyword, or `no keyword`.
    pub keyword: String,
}

/// Campaigns by their entry points: channel, source address and keyword. A form and the API name the campaign in the
/// place of the address.
#[derive(Debug, Default)]
pub struct Selection {
    /// By channel and address.
    points: HashMap<(Channel, String), Vec<Point>>,
}

/// A keyword in folded words, and whose it is.
#[derive(Debug)]
struct Point {
    keyword: Vec<String>,
    campaign: String,
}

impl Selection {
    /// The entry points of these campaigns; those that are over have none any more.
    ///
    /// # Errors
    /// When two campaigns want the same entries.
    pub fn new<'a>(campaigns: impl IntoIterator<Item = &'a Rules>) -> Result<Self, Conflict> {
        let mut selection = Self::default();
        for rules in campaigns {
            match rules.state {
                State::Ready | State::Open | State::Suspended | State::Closed => {}
                State::Draft | State::Tallied | State::Archived => continue,
            }
            for (index, point) in rules.entry_points.iter().enumerate() {
                // What names its campaign meets the entry points of no other.
                let place = match point.channel.names_campaign() {
                    true => rules.name.clone(),
                    false => point.source_address.clone().unwrap_or_default(),
                };
                let place = (point.channel, place);
                let points = selection.points.entry(place).or_default();
                if let Some(taken) = points.iter().find(|taken| taken.keyword == point.keyword) {
                    let or = |text: String, none: &str| if text.is_empty() { none.to_owned() } else { text };
                    return Err(Conflict {
                        first: taken.campaign.clone(),
                        second: rules.name.clone(),
                        index,
                        channel: point.channel,
                        address: or(point.source_address.clone().unwrap_or_default(), "any address"),
                        keyword: or(point.keyword.join(" "), "no keyword"),
                    });
                }
                points.push(Point { keyword: point.keyword.clone(), campaign: rules.name.clone() });
            }
        }
        for points in selection.points.values_mut() {
            points.sort_by_key(|point| std::cmp::Reverse(point.keyword.len()));
        }
        Ok(selection)
    }

    /// The campaign whose keyword a text to this source address begins with, the longest keyword first; else the one
    /// that has the whole address. Points without an address take what no address of the channel took.
    #[must_use]
    pub fn find(&self, channel: Channel, source_address: &str, text: &str) -> Option<&str> {
        let folded = signalbox_text::fold(text);
        let words: Vec<&str> = folded.split(' ').collect();
        [source_address, ""].into_iter().find_map(|address| {
            let points = self.points.get(&(channel, address.to_owned()))?;
            points
                .iter()
                .find(|point| words.starts_with_words(&point.keyword))
                .map(|point| point.campaign.as_str())
        })
    }
}

trait StartsWithWords {
    fn starts_with_words(&self, keyword: &[String]) -> bool;
}

impl StartsWithWords for [&str] {
    fn starts_with_words(&self, keyword: &[String]) -> bool {
        self.len() >= keyword.len() && self.iter().zip(keyword).all(|(word, key)| *word == key.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(name: &str, address: &str, keyword: &str) -> Rules {
        let keyword = if keyword.is_empty() { String::new() } else { format!(r#", "keyword": "{keyword}""#) };
        Rules::from_json(&format!(
            r#"{{"name": "{name}", "account": "demo", "kind": "vote", "state": "open", "entry_points":
                [{{"channel": "sms", "source_address": "{address}"{keyword}}}]}}"#
        ))
        .unwrap()
    }

    #[test]
    fn the_longest_keyword_on_the_address_decides() {
        let campaigns = [
            rules("all", "a", ""),
            rules("song", "a", "song"),
            rules("final", "a", "Song Final"),
            rules("b", "b", "song"),
        ];
        let selection = Selection::new(&campaigns).unwrap();
        let find = |address, text| selection.find(Channel::Sms, address, text);
        assert_eq!(find("a", "SONG final 7"), Some("final"));
        assert_eq!(find("a", "söng 7"), Some("song"));
        assert_eq!(find("a", "songs 7"), Some("all"));
        assert_eq!(find("b", "song"), Some("b"));
        assert_eq!(find("b", "7"), None);
        assert_eq!(selection.find(Channel::Web, "a", "song"), None);
    }

    /// Who writes a form or asks the API has said which campaign it is for: no other, of another sponsor too, takes it.
    #[test]
    fn what_names_its_campaign_is_no_other_campaigns() {
        let rules = |name: &str, point: &str| {
            Rules::from_json(&format!(
                r#"{{"name": "{name}", "account": "demo", "kind": "vote", "state": "open", "entry_points": [{point}]}}"#
            ))
            .unwrap()
        };
        let campaigns = [
            rules("song", r#"{"channel": "http"}, {"channel": "web"}"#),
            rules("dance", r#"{"channel": "http"}, {"channel": "web", "keyword": "a"}"#),
            rules(
                "greedy",
                r#"{"channel": "http", "keyword": "a"}, {"channel": "sms", "source_address": "song"}"#,
            ),
        ];
        let selection = Selection::new(&campaigns).unwrap();
        for channel in [Channel::Http, Channel::Web] {
            assert_eq!(selection.find(channel, "song", "a"), Some("song"));
            assert_eq!(selection.find(channel, "dance", "a"), Some("dance"));
        }
        assert_eq!(selection.find(Channel::Web, "dance", "b"), None);
        assert_eq!(selection.find(Channel::Http, "", "a"), None);
        assert_eq!(selection.find(Channel::Sms, "song", "a"), Some("greedy"));
    }

    #[test]
    fn one_keyword_of_two_campaigns_is_refused() {
        let conflict = Selection::new(&[rules("one", "a", "song"), rules("two", "a", "Söng!")]).unwrap_err();
        assert_eq!(conflict.to_string(), "entry_points[0] of two is taken by one: sms a with song");
        let mut over = rules("one", "a", "song");
        over.state = State::Tallied;
        assert!(Selection::new(&[over, rules("two", "a", "song")]).is_ok());
    }
}
