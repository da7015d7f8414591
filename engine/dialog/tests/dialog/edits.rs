//! A running sub-campaign is edited: what is open finishes as it began, what is owed is said as it is in force (MQ-29).

use std::sync::Arc;

use signalbox_dialog::{Event, Instructions, SubCampaignRule, Texts};
use signalbox_invocation::Outcome;

use crate::world::{DEVICE, NOTICE, SHARED, SURVEY, World, rules, says, version};

const ANOTHER: &str = "12025550177";

impl World {
    fn edit(&mut self, sub_campaign: u32, change: impl Fn(&mut SubCampaignRule)) {
        let mut rules = rules();
        change(Arc::make_mut(rules.sub_campaigns.get_mut(&sub_campaign).unwrap()));
        self.event(Event::Rules(Arc::new(rules)));
    }

    fn says(&mut self, device: &str, text: &str) -> String {
        self.mo(device, SHARED, text);
        self.run();
        self.last_text().to_owned()
    }
}

fn new_texts(texts: &mut Texts) {
    for text in
        [&mut texts.reply, &mut texts.help, &mut texts.opt_out, &mut texts.opt_in].into_iter().flatten()
    {
        text.push_str(", new");
    }
}

/// A script asked something: the script gets the answer, though the row has fixed texts, or agents, meanwhile.
#[test]
fn what_a_script_began_it_finishes_though_the_row_names_none_any_more() {
    for now in [Instructions::Texts, Instructions::Agent] {
        let mut world = World::new(rules());
        world.mo(DEVICE, SHARED, "survey");
        let task = world.next_task().unwrap();
        world.ran(&task, Ok(says(&["how old are you?"])));
        world.edit(SURVEY, |sub| sub.instructions = now);
        world.mo(DEVICE, SHARED, "41");
        let task = world.next_task().expect("the script is asked");
        assert_eq!(task.invocation.version, version(1, 1));
        world.ran(&task, Ok(Outcome { ended: true, ..says(&["thank you"]) }));
        // Its end is the end of it.
        world.mo(DEVICE, SHARED, "and now?");
        let texts = world.texts().len();
        world.run();
        match now {
            Instructions::Texts => assert_eq!(world.last_text(), "reply"),
            _ => assert_eq!(world.texts().len(), texts),
        }
    }
}

/// Who is waited for gets the reply that belongs to what he was asked; afterwards it is that of now.
#[test]
fn a_fixed_reply_stays_for_the_answer_that_is_waited_for() {
    let mut world = World::new(rules());
    world.start(NOTICE, DEVICE).unwrap();
    world.run();
    world.restart();
    world.edit(NOTICE, |sub| new_texts(&mut sub.texts));
    world.start(NOTICE, ANOTHER).unwrap();
    world.run();
    assert_eq!(world.last_text(), "reply, new", "what begins from now on");
    assert_eq!(world.says(DEVICE, "yes?"), "reply");
    assert_eq!(world.says(DEVICE, "and?"), "reply, new");
}

/// Words of consent and help are answered as the row says now, in the middle of a conversation, too.
#[test]
fn texts_that_are_owed_are_those_of_now() {
    let mut world = World::new(rules());
    world.start(NOTICE, DEVICE).unwrap();
    world.run();
    world.edit(NOTICE, |sub| new_texts(&mut sub.texts));
    assert_eq!(world.says(DEVICE, "HELP"), "help, new");
    assert_eq!(world.says(DEVICE, "STOP"), "you are out, new");
    assert_eq!(world.says(DEVICE, "START"), "you are in, new");
}
