//! Any sequence of operations does the same in all worlds.

use bytes::Bytes;
use proptest::prelude::*;
use signalbox_core::backend::{Commit, CommitError, LogRecord, Offset, Op, ShardMark, Table};
use signalbox_core::id::Epoch;

use crate::world::{Memory, Sqlite, World, key, load, shard};

const SHARDS: u16 = 3;

#[derive(Clone, Debug)]
enum Step {
    Claim {
        shards: Vec<u16>,
        epoch: u64,
    },
    Commit {
        marks: Vec<(u16, i8, i8, Option<u64>)>,
        ops: Vec<(u16, usize, u8, Option<u8>)>,
        cdrs: u8,
        trim: Option<u64>,
        appends: Vec<u16>,
    },
    Append {
        shards: Vec<u16>,
    },
    Trim {
        shard: u16,
        upto: u64,
    },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let shards = || prop::collection::vec(0..SHARDS, 0..4);
    // Mostly the right epoch and number, sometimes one beside it.
    let off = || prop_oneof![9 => Just(0i8), 1 => -1..=1i8];
    let marks = prop::collection::vec((0..SHARDS, off(), off(), prop::option::of(0..40u64)), 0..3);
    let op = (0..SHARDS, 0..Table::ALL.len(), 0..4u8, prop::option::of(any::<u8>()));
    let commit = (marks, prop::collection::vec(op, 0..5), 0..3u8, prop::option::of(0..10u64), shards())
        .prop_map(|(marks, ops, cdrs, trim, appends)| Step::Commit { marks, ops, cdrs, trim, appends });
    prop_oneof![
        2 => (shards(), 1..6u64).prop_map(|(shards, epoch)| Step::Claim { shards, epoch }),
        12 => commit,
        2 => shards().prop_map(|shards| Step::Append { shards }),
        1 => (0..SHARDS, 0..40u64).prop_map(|(shard, upto)| Step::Trim { shard, upto }),
        1 => Just(Step::Restart),
    ]
}

/// What a test expects of the marks; kept beside the worlds, so that most commits fit.
type Marks = [ShardMark; SHARDS as usize];

fn built(step: &Step, marks: &Marks) -> Option<Commit> {
    let Step::Commit { marks: offered, ops, cdrs, trim, appends } = step else { return None };
    let offset = |base: u64, off: i8| base.saturating_add_signed(i64::from(off));
    let offered: Vec<_> = offered
        .iter()
        .map(|&(number, epoch, next, position)| {
            let held = marks[usize::from(number)];
            let mark = ShardMark {
                epoch: Epoch(offset(held.epoch.0, epoch)),
                commit: offset(held.commit + 1, next),
                position: position.map(Offset),
            };
            (shard(number), mark)
        })
        .collect();
    let ops = ops
        .iter()
        .filter(|(number, ..)| *number != 2 || offered.iter().any(|(marked, _)| marked.number() == 2))
        .map(|&(number, table, name, value)| {
            let (shard, table, key) = (shard(number), Table::ALL[table], key(name));
            match value {
                Some(value) => {
                    Op::Put { shard, table, key, value: Bytes::from(vec![value; usize::from(value)]) }
                }
                None => Op::Delete { shard, table, key },
            }
        });
    Some(Commit {
        ops: ops.collect(),
        marks: offered,
        cdrs: (0..*cdrs).map(|index| Bytes::from(vec![index; 3])).collect(),
        appends: records(appends),
        outbox_trim: *trim,
    })
}

fn records(shards: &[u16]) -> Vec<LogRecord> {
    let data = |index: usize| Bytes::from(vec![index as u8; index]);
    shards
        .iter()
        .enumerate()
        .map(|(index, &number)| LogRecord { shard: shard(number), data: data(index) })
        .collect()
}

/// What a world did, in words that can be compared.
fn told<T: std::fmt::Debug>(result: Result<T, CommitError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    }
}

fn carry_out(world: &mut dyn World, step: &Step, commit: Option<&Commit>) -> String {
    match step {
        Step::Claim { shards, epoch } => {
            let shards: Vec<_> = shards.iter().map(|&number| shard(number)).collect();
            told(world.store().claim(&shards, Epoch(*epoch)))
        }
        Step::Commit { .. } => told(world.store().commit(commit.unwrap())),
        Step::Append { shards } => format!("{:?}", world.log().append(&records(shards)).unwrap()),
        Step::Trim { shard: number, upto } => {
            format!("{:?}", world.log().trim(shard(*number), Offset(*upto)).unwrap())
        }
        Step::Restart => {
            world.restart();
            String::new()
        }
    }
}

fn everything(world: &mut dyn World) -> String {
    let rows = load(world.store(), None);
    let one = load(world.store(), Some(1));
    let outbox = world.store().outbox(0, usize::MAX).unwrap();
    let log: Vec<_> =
        (0..SHARDS).map(|number| world.log().read(shard(number), None, usize::MAX).unwrap()).collect();
    format!("{rows:?}\n{one:?}\n{outbox:?}\n{log:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_does_what_memory_does(steps in prop::collection::vec(step(), 1..60)) {
        let mut worlds: [Box<dyn World>; 2] = [Box::new(Memory::new()), Box::new(Sqlite::new())];
        let mut marks = Marks::default();
        for step in &steps {
            let commit = built(step, &marks);
            let [memory, sqlite] = &mut worlds;
            let expected = carry_out(memory.as_mut(), step, commit.as_ref());
            prop_assert_eq!(&carry_out(sqlite.as_mut(), step, commit.as_ref()), &expected);
            match step {
                Step::Claim { shards, epoch } if expected.starts_with('[') => {
                    shards.iter().for_each(|&number| marks[usize::from(number)].epoch = Epoch(*epoch));
                }
                Step::Commit { .. } if expected.starts_with("Committed") => {
                    for (shard, mark) in commit.unwrap().marks {
                        marks[usize::from(shard.number())] = mark;
                    }
                }
                _ => {}
            }
        }
        let [memory, sqlite] = &mut worlds;
        prop_assert_eq!(everything(sqlite.as_mut()), everything(memory.as_mut()));
    }
}
