use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const TENANT: Tenant =
    Tenant { enterprise: EnterpriseId(1), account: AccountId(10), campaign: Some(CampaignId(100)) };

fn number(value: u64) -> Subject<'static> {
    Subject::Number(E164::from_value(15_550_000_000 + value).unwrap())
}

fn text(index: &Suppressions, subjects: &[Subject<'_>]) -> Option<Level> {
    index.widest(&TENANT, subjects, Channel::Text, false).map(|found| found.level)
}

#[test]
fn the_widest_match_suppresses() {
    let mut index = Suppressions::new(7);
    let device = number(1);
    assert_eq!(text(&index, &[device]), None);
    let levels =
        [Level::Campaign(CampaignId(100)), Level::Account(AccountId(10)), Level::Enterprise(EnterpriseId(1))];
    for level in levels {
        assert!(index.insert(level, device, Channels::ALL, Extent::All));
        assert_eq!(text(&index, &[device]), Some(level));
    }
    for (n, level) in levels.into_iter().rev().enumerate() {
        assert!(index.remove(level, device, Channels::ALL));
        assert_eq!(text(&index, &[device]), levels.into_iter().rev().nth(n + 1));
    }
    assert!(index.is_empty());
}

#[test]
fn other_tenants_devices_and_channels_are_not_touched() {
    let mut index = Suppressions::new(7);
    index.insert(Level::Account(AccountId(10)), number(1), Channels::one(Channel::Text), Extent::All);
    assert_eq!(text(&index, &[number(2)]), None);
    assert_eq!(index.widest(&TENANT, &[number(1)], Channel::Voice, true), None);
    let other = Tenant { account: AccountId(11), ..TENANT };
    assert_eq!(index.widest(&other, &[number(1)], Channel::Text, true), None);
    // The same number as an id of another level is another level.
    let odd = Tenant { enterprise: EnterpriseId(10), account: AccountId(1), campaign: Some(CampaignId(10)) };
    assert_eq!(index.widest(&odd, &[number(1)], Channel::Text, true), None);
}

#[test]
fn channels_open_one_by_one() {
    let mut index = Suppressions::new(7);
    let level = Level::Account(AccountId(10));
    index.insert(level, number(1), Channels::ALL, Extent::All);
    assert!(index.remove(level, number(1), Channels::one(Channel::Text)));
    assert!(!index.remove(level, number(1), Channels::one(Channel::Text)));
    assert_eq!(index.get(level, number(1), Channel::Text), None);
    assert_eq!(index.get(level, number(1), Channel::Voice), Some(Extent::All));
    assert_eq!(index.len(), 1);
}

#[test]
fn a_likely_opt_out_stops_marketing_alone() {
    let mut index = Suppressions::new(7);
    index.insert(Level::Account(AccountId(10)), number(1), Channels::ALL, Extent::Marketing);
    assert_eq!(text(&index, &[number(1)]), None);
    let found = index.widest(&TENANT, &[number(1)], Channel::Text, true).unwrap();
    assert_eq!(found.extent, Extent::Marketing);
    assert!(index.remove(Level::Account(AccountId(10)), number(1), Channels::ALL));
    assert!(index.is_empty());
}

#[test]
fn client_ids_and_addresses_are_subjects_too() {
    let mut index = Suppressions::new(7);
    index.insert(Level::Account(AccountId(10)), Subject::Client("C-1"), Channels::ALL, Extent::All);
    let account = Some(Level::Account(AccountId(10)));
    assert_eq!(text(&index, &[number(1), Subject::Client("C-1")]), account);
    assert_eq!(text(&index, &[number(1), Subject::Client("c-1")]), None);
    assert_eq!(text(&index, &[Subject::Email("C-1")]), None);
    index.insert(
        Level::Account(AccountId(10)),
        Subject::Email("Ann@Example.org"),
        Channels::ALL,
        Extent::All,
    );
    assert_eq!(text(&index, &[Subject::Email(" ann@example.ORG")]), account);
}

#[test]
fn entries_take_few_octets() {
    let mut index = Suppressions::new(7);
    for n in 0..300_000 {
        index.insert(Level::Account(AccountId(10)), number(n), Channels::ALL, Extent::All);
    }
    assert_eq!(index.len(), 300_000);
    let each = index.memory() / index.len();
    assert!((9..=24).contains(&each), "{each} octets an entry");
    assert!((0..300_000).all(|n| text(&index, &[number(n)]).is_some()));
    assert!((300_000..600_000).all(|n| text(&index, &[number(n)]).is_none()));
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u8, u8, u8, bool),
    Remove(u8, u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..3, 0u8..4, 1u8..8, any::<bool>()).prop_map(|(l, s, c, m)| Step::Insert(l, s, c, m)),
        (0u8..3, 0u8..4, 1u8..8).prop_map(|(l, s, c)| Step::Remove(l, s, c)),
    ]
}

fn set(bits: u8) -> Channels {
    Channel::ALL.into_iter().filter(|channel| Channels::one(*channel).bits() & bits != 0).collect()
}

fn level(of: u8) -> Level {
    match of {
        0 => Level::Campaign(CampaignId(100)),
        1 => Level::Account(AccountId(10)),
        _ => Level::Enterprise(EnterpriseId(1)),
    }
}

proptest! {
    #[test]
    fn the_index_agrees_with_a_map(steps in proptest::collection::vec(step(), 0..60), seed: u64) {
        let mut index = Suppressions::new(seed);
        // (level, subject) -> channels closed to all, channels closed to marketing
        let mut model: BTreeMap<(u8, u8), (u8, u8)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Insert(l, s, c, marketing) => {
                    let extent = if marketing { Extent::Marketing } else { Extent::All };
                    let entry = model.entry((l, s)).or_default();
                    let before = *entry;
                    if marketing { entry.1 |= c } else { entry.0 |= c }
                    let changed = index.insert(level(l), number(u64::from(s)), set(c), extent);
                    prop_assert_eq!(changed, before != *entry);
                }
                Step::Remove(l, s, c) => {
                    let entry = model.entry((l, s)).or_default();
                    let before = *entry;
                    *entry = (entry.0 & !c, entry.1 & !c);
                    let changed = index.remove(level(l), number(u64::from(s)), set(c));
                    prop_assert_eq!(changed, before != *entry);
                }
            }
            model.retain(|_, closed| *closed != (0, 0));
            prop_assert_eq!(index.len(), model.len());
            for s in 0..4u8 {
                for channel in Channel::ALL {
                    for marketing in [false, true] {
                        let bit = Channels::one(channel).bits();
                        let expected = (0..3u8).rev().find(|l| {
                            model.get(&(*l, s)).is_some_and(|closed| {
                                closed.0 & bit != 0 || marketing && closed.1 & bit != 0
                            })
                        });
                        let found = index.widest(&TENANT, &[number(u64::from(s))], channel, marketing);
                        prop_assert_eq!(found.map(|found| found.level), expected.map(level));
                    }
                }
            }
        }
    }
}
