//! Whatever happens in whatever order, with deaths in between: each message is answered once, in order.

use std::time::Duration;

use proptest::prelude::*;
use signalbox_core::backend::Table;

use crate::world::{SHARED, World, echo, rules};

#[derive(Clone, Debug)]
enum Step {
    Mo(u8),
    Run,
    Restart,
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3u8).prop_map(Step::Mo),
        4 => Just(Step::Run),
        1 => Just(Step::Restart),
        1 => (0..20u16).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn each_message_is_answered_once_and_in_order(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(rules());
        let mut wrote: Vec<Vec<String>> = vec![Vec::new(); 3];
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Mo(device) => {
                    let text = if wrote[usize::from(device)].is_empty() {
                        "survey".to_owned()
                    } else {
                        format!("message {number}")
                    };
                    world.mo(&format!("1202555010{device}"), SHARED, &text);
                    wrote[usize::from(device)].push(text);
                }
                Step::Run => {
                    if let Some(task) = world.next_task() {
                        let outcome = echo(&task);
                        world.ran(&task, Ok(outcome));
                    }
                }
                Step::Restart => world.restart(),
                Step::Pass(seconds) => world.pass(Duration::from_secs(seconds.into())),
            }
        }
        for _ in 0..4 {
            world.run();
            world.pass(Duration::from_secs(31));
        }
        for (device, wrote) in wrote.iter().enumerate() {
            let to = format!("1202555010{device}");
            let answers: Vec<String> = world
                .texts()
                .into_iter()
                .filter(|(device, _, _)| *device == to)
                .map(|(_, _, text)| text.trim_start_matches("moHandler:").to_owned())
                .collect();
            prop_assert_eq!(&answers, wrote);
        }
        prop_assert_eq!(world.store.count(Table::Start), 0);
        prop_assert!(world.store.count(Table::Timer) <= world.store.count(Table::Conversation));
    }
}
