use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use signalbox_core::address::Address;
use signalbox_core::backend::Table;
use signalbox_core::exchange::{OwnText, ReplyTo};
use signalbox_core::id::{CarrierId, MessageId, SessionId, ShardId};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::scope::Scope;
use signalbox_core::time::{Micros, Mono, Now};
use signalbox_dialog::{
    AccountRule, AddressRule, Addresses, Chosen, Consent, Dialog, Does, Effect, Event, Instructions, Keyword,
    Keywords, Limits, Load, Mo, NoSource, NotTaken, Note, Port, Ran, Record, Rows, Rules, RunId, Said,
    Sources, Stage, Start, StartRefusal, SubCampaignRule, TakeBack, Task, Texts, Wants, WhenBusy, Wish,
};
use signalbox_invocation::{
    Channel, Cut, Entry, Failure, Level, Outcome, Send, SubCampaignKind, Value, Version, WebAnswer,
};

pub const ACCOUNT: u32 = 1;
pub const OTHER_ACCOUNT: u32 = 2;
pub const ENTERPRISE: u32 = 9;

/// Inbound, by script.
pub const SURVEY: u32 = 10;
/// Inbound, by fixed texts; the default of the shared address.
pub const INFO: u32 = 11;
/// Outbound, by script.
pub const REMINDER: u32 = 12;
/// Inbound, of the other account, by script.
pub const POLL: u32 = 13;
/// Outbound, fixed text.
pub const NOTICE: u32 = 14;

pub fn number(digits: &str) -> Address {
    Address::new(1, 1, digits.as_bytes()).unwrap()
}

pub fn code(digits: &str) -> Address {
    Address::new(3, 0, digits.as_bytes()).unwrap()
}

pub const DEVICE: &str = "12025550123";
pub const SHARED: &str = "60777";
pub const SECOND: &str = "60888";

/// The first of the addresses that the device's conversation is not with another sub-campaign on; refuses programs that
/// begin with `no-`.
#[derive(Debug)]
struct Pool;

impl Sources for Pool {
    fn choose(&self, wish: &Wish<'_>) -> Result<Chosen, NoSource> {
        if wish.program.starts_with("no-") && !wish.owed {
            return Err(NoSource("program_not_supported"));
        }
        if let Some(here) = wish.stays_on {
            let id = if here.octets() == SHARED.as_bytes() { 1 } else { 2 };
            return Ok(Chosen { id, source: here.clone(), reason: "conversation" });
        }
        let foreign =
            |id: u32| wish.uses.iter().any(|used| used.address == id && used.account != wish.account);
        let free = [(1, SHARED), (2, SECOND)].into_iter().filter(|(id, _)| !wish.busy.contains(id));
        let best = free.min_by_key(|(id, _)| (foreign(*id), *id));
        let Some((id, source)) = best else { return Err(NoSource("program_not_supported")) };
        Ok(Chosen { id, source: code(source), reason: "never_used" })
    }
}

/// This address alone, whatever the conversation is on.
#[derive(Debug)]
pub struct Only(pub u32, pub &'static str);

impl Sources for Only {
    fn choose(&self, _wish: &Wish<'_>) -> Result<Chosen, NoSource> {
        Ok(Chosen { id: self.0, source: code(self.1), reason: "program" })
    }
}

fn sub(id: u32, account: u32, kind: SubCampaignKind, instructions: Instructions) -> Arc<SubCampaignRule> {
    let text = |text: &str| Some(text.to_owned());
    Arc::new(SubCampaignRule {
        id,
        name: format!("sub-{id}"),
        account,
        campaign: 100 + id,
        campaign_name: format!("campaign-{id}"),
        kind,
        instructions,
        tested: None,
        program: "alerts".to_owned(),
        texts: Texts {
            reply: text("reply"),
            help: text("help"),
            opt_out: text("you are out"),
            opt_in: text("you are in"),
            not_started: text("not yet"),
            ended: text("over"),
            failure: text("sorry"),
        },
        from: None,
        to: None,
        stage: Stage::Running,
        timeout: Duration::from_secs(86_400),
        flags: false,
        flags_unanswered: false,
        queue: 0,
        priority: 50,
        opt_out_level: None,
        when_busy: WhenBusy::Share,
    })
}

pub fn version(account: u32, script: u32) -> Version {
    Version { account, script, version: 1 }
}

pub fn rules() -> Rules {
    let account = |name: &str| AccountRule {
        name: name.to_owned(),
        enterprise: ENTERPRISE,
        active: true,
        channels: vec![Channel::Text],
        opt_out_level: Level::Account,
    };
    let address = |id, digits, default| AddressRule {
        id,
        address: code(digits),
        account: None,
        default_inbound: default,
        country: None,
        reaches: Vec::new(),
        links: Vec::new(),
    };
    let mut addresses = Addresses::default();
    addresses.add(SHARED.as_bytes(), address(1, SHARED, Some(INFO)));
    addresses.add(SECOND.as_bytes(), address(2, SECOND, None));
    let (inbound, outbound) = (SubCampaignKind::Inbound, SubCampaignKind::Outbound);
    let script = |account, script| Instructions::Version(version(account, script));
    let subs = [
        sub(SURVEY, ACCOUNT, inbound, script(ACCOUNT, 1)),
        sub(INFO, ACCOUNT, inbound, Instructions::Texts),
        sub(REMINDER, ACCOUNT, outbound, script(ACCOUNT, 2)),
        sub(POLL, OTHER_ACCOUNT, inbound, script(OTHER_ACCOUNT, 3)),
        sub(NOTICE, ACCOUNT, outbound, Instructions::Texts),
    ];
    let mut keywords = Keywords::default();
    for (id, text, sub_campaign) in [(1, "survey", SURVEY), (2, "poll", POLL), (3, "stop it", POLL)] {
        let (text, does) = (text.into(), Does::Begin);
        let bound = Keyword {
            id,
            text,
            program: None,
            sub_campaign,
            from: None,
            to: None,
            whole: false,
            does,
            tests: None,
        };
        keywords.add(1, bound).unwrap();
    }
    Rules {
        version: 1,
        accounts: [(ACCOUNT, account("one")), (OTHER_ACCOUNT, account("two"))].into_iter().collect(),
        addresses,
        families: Default::default(),
        sub_campaigns: subs.into_iter().map(|sub| (sub.id, sub)).collect(),
        keywords,
        words: signalbox_consent::Words::shipped().unwrap(),
        words_of: Default::default(),
        queues: Default::default(),
        testers: Default::default(),
        sources: Arc::new(Pool),
        limits: Limits::default(),
    }
}

/// Rows, committed and not, by table, key and shard.
#[derive(Clone, Debug, Default)]
pub struct Store(BTreeMap<(Table, [u8; 16], ShardId), Bytes>);

impl Store {
    pub fn count(&self, table: Table) -> usize {
        self.0.keys().filter(|(of, ..)| *of == table).count()
    }
}

impl Rows for Store {
    fn get(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Option<Bytes> {
        self.0.get(&(table, *key, shard)).cloned()
    }

    fn timers(&self, after: [u8; 16], upto: [u8; 16], max: usize) -> Vec<(ShardId, [u8; 16], Bytes)> {
        let timers = self
            .0
            .iter()
            .filter(|((table, key, _), _)| *table == Table::Timer && *key > after && *key <= upto);
        timers.map(|((_, key, shard), value)| (*shard, *key, value.clone())).take(max).collect()
    }
}

/// A change of a row.
type Write = ((Table, [u8; 16], ShardId), Option<Bytes>);

/// What an exchange is given.
#[derive(Debug, Default)]
pub struct Given {
    pub sent: Vec<(MessageId, OwnText)>,
    pub consents: Vec<Consent>,
    /// Messages of devices, and whether they are tests.
    pub marked: Vec<(MessageId, bool)>,
    pub writes: Vec<Write>,
    pub refuses: Option<NotTaken>,
    /// The next text alone.
    pub refuses_one: Option<NotTaken>,
    /// Texts that a link has.
    pub out: Vec<MessageId>,
    ids: u64,
    random: u64,
}

impl Port for Given {
    fn put(&mut self, shard: ShardId, table: Table, key: [u8; 16], value: Bytes) {
        self.writes.push(((table, key, shard), Some(value)));
    }

    fn delete(&mut self, shard: ShardId, table: Table, key: [u8; 16]) {
        self.writes.push(((table, key, shard), None));
    }

    fn send(&mut self, now: Now, mt: OwnText) -> Result<MessageId, NotTaken> {
        if let Some(refused) = self.refuses_one.take().or_else(|| self.refuses.clone()) {
            return Err(refused);
        }
        let id = self.new_id(now, mt.destination.shard());
        self.sent.push((id, mt));
        Ok(id)
    }

    fn take_back(&mut self, _: Now, most: usize, wanted: &dyn Fn(&Scope) -> bool) -> Vec<MessageId> {
        let waits = |(id, text): &&(MessageId, OwnText)| !self.out.contains(id) && wanted(&text.scope);
        self.sent.iter().filter(waits).map(|(_, text)| text.scope.group).take(most).collect()
    }

    fn mark_test(&mut self, message: MessageId, test: bool) {
        self.marked.push((message, test));
    }

    fn consent(&mut self, _now: Now, change: Consent) {
        self.consents.push(change);
    }

    fn carrier(&self, _device: &Address, _now: Now) -> Option<CarrierId> {
        Some(CarrierId(7))
    }

    fn new_id(&mut self, now: Now, shard: ShardId) -> MessageId {
        self.ids += 1;
        MessageId::new(now.wall, shard, self.ids << 8)
    }

    fn random(&mut self) -> u64 {
        self.random += 1;
        self.random
    }
}

/// What is run for an invocation.
type Script = Box<dyn FnMut(&Task) -> Result<Outcome, Failure>>;

pub struct World {
    pub dialog: Dialog,
    pub store: Store,
    pub given: Given,
    pub now: Now,
    pub effects: Vec<Effect>,
    pub notes: Vec<Note>,
    pub records: Vec<Record>,
    pub loads: BTreeMap<u64, Load>,
    pub script: Script,
    rules: Arc<Rules>,
    replies: u64,
}

impl World {
    pub fn new(rules: Rules) -> Self {
        let rules = Arc::new(rules);
        let now = Now { wall: Micros(1_790_000_000_000_000), mono: Mono(1_000_000_000) };
        Self {
            dialog: Dialog::new(rules.clone()),
            store: Store::default(),
            given: Given::default(),
            now,
            effects: Vec::new(),
            notes: Vec::new(),
            records: Vec::new(),
            loads: BTreeMap::new(),
            script: Box::new(|task| Ok(echo(task))),
            rules,
            replies: 0,
        }
    }

    /// Takes an event and commits what it led to; runs wait in `effects`.
    pub fn event(&mut self, event: Event) {
        self.dialog.handle(self.now, event, &self.store, &mut self.given);
        self.commit();
    }

    fn commit(&mut self) {
        let Wants { effects, notes, loads } = self.dialog.flush(self.now, &mut self.given);
        for (key, value) in self.given.writes.drain(..) {
            match value {
                Some(value) => self.store.0.insert(key, value),
                None => self.store.0.remove(&key),
            };
        }
        for effect in effects {
            match effect {
                Effect::Record(record) => self.records.push(*record),
                other => self.effects.push(other),
            }
        }
        self.notes.extend(notes);
        self.loads.extend(loads);
    }

    pub fn pass(&mut self, span: Duration) {
        self.now = Now { wall: self.now.wall.after(span), mono: self.now.mono + span };
        self.dialog.advance(self.now, &self.store, &mut self.given);
        self.commit();
    }

    /// The process dies and another one begins with what was committed.
    pub fn restart(&mut self) {
        self.effects.clear();
        self.dialog = Dialog::new(self.rules.clone());
        for ((table, ..), row) in self.store.0.clone() {
            match table {
                Table::Start => self.dialog.restore_start(&row),
                Table::Record => self.dialog.restore_record(&row),
                Table::Desk => self.dialog.restore_work(&row),
                _ => {}
            }
        }
        self.dialog.resume(self.now, &self.store, &mut self.given);
        self.commit();
    }

    pub fn mo(&mut self, from: &str, to: &str, text: &str) -> MessageId {
        let device = number(from);
        let id = self.given.new_id(self.now, device.shard());
        let text = text.to_owned();
        self.event(Event::Mo(Box::new(Mo { id, device, source: code(to), text, link: None, carrier: None })));
        id
    }

    /// Starts an outbound sub-campaign's conversation with a device.
    pub fn start(&mut self, sub_campaign: u32, device: &str) -> Result<RunId, StartRefusal> {
        self.start_in(0, sub_campaign, 5, device, true)
    }

    /// The same for a contact of a pass.
    pub fn start_in(
        &mut self,
        pass: u64,
        sub_campaign: u32,
        contact: u64,
        device: &str,
        begins: bool,
    ) -> Result<RunId, StartRefusal> {
        self.ask(pass, sub_campaign, contact, device, (begins, false))
    }

    /// Starts it as a test alone.
    pub fn test(&mut self, sub_campaign: u32, device: &str) -> Result<RunId, StartRefusal> {
        self.ask(0, sub_campaign, 5, device, (true, true))
    }

    fn ask(
        &mut self,
        pass: u64,
        sub_campaign: u32,
        contact: u64,
        device: &str,
        (begins, test): (bool, bool),
    ) -> Result<RunId, StartRefusal> {
        self.replies += 1;
        let reply = ReplyTo { session: SessionId(1), token: self.replies };
        let start = Start {
            reply,
            account: ACCOUNT,
            sub_campaign,
            device: number(device),
            contact,
            client_id: "client-5".to_owned(),
            pass,
            began: Micros(1_780_000_000_000_000),
            begins,
            test,
        };
        self.event(Event::Start(Box::new(start)));
        let place = self.effects.iter().position(|effect| matches!(effect, Effect::Started { .. })).unwrap();
        let Effect::Started { to, result } = self.effects.remove(place) else { unreachable!() };
        assert_eq!(to, reply);
        result
    }

    /// Does the runs that are wanted, one after the other, and what follows from them.
    pub fn run(&mut self) {
        while let Some(task) = self.next_task() {
            let result = (self.script)(&task);
            self.ran(&task, result);
        }
    }

    pub fn next_task(&mut self) -> Option<Task> {
        let place = self.effects.iter().position(|effect| matches!(effect, Effect::Run(_)))?;
        match self.effects.remove(place) {
            Effect::Run(task) => Some(*task),
            _ => unreachable!(),
        }
    }

    pub fn ran(&mut self, task: &Task, result: Result<Outcome, Failure>) {
        let result = result.map(|outcome| {
            Box::new(Ran { outcome, client_id: "client-5".to_owned(), facts: Default::default() })
        });
        self.event(Event::Ran { whose: task.whose, run: task.run, result });
    }

    /// Answers the call of a web service that is wanted.
    pub fn answer_call(&mut self, body: &str) -> String {
        let place = self.effects.iter().position(|effect| matches!(effect, Effect::Call { .. })).unwrap();
        let Effect::Call { whose, run, call, .. } = self.effects.remove(place) else { unreachable!() };
        let service = call.service.clone();
        let answer = WebAnswer { service, status: 200, body: body.to_owned(), error: String::new() };
        self.event(Event::Called { whose, run, answer });
        call.path
    }

    /// The texts sent so far: to, from, text.
    pub fn texts(&self) -> Vec<(String, String, String)> {
        let text = |mt: &OwnText| (mt.destination.to_text(), mt.source.to_text(), mt.text.clone());
        self.given.sent.iter().map(|(_, mt)| text(mt)).collect()
    }

    pub fn last_text(&self) -> &str {
        &self.given.sent.last().unwrap().1.text
    }

    /// How a text that was sent ended.
    pub fn ended(&mut self, text: usize, outcome: FinalState, reason: Reason) {
        let (message, own) = &self.given.sent[text];
        let (conversation, group) = (own.scope.conversation, RunId(own.scope.group));
        self.event(Event::Ended { conversation, message: *message, group, outcome, reason });
    }

    /// The ends of attempts of passes, by contact: status and reason.
    pub fn completions(&self) -> Vec<(u64, &'static str, &str)> {
        let told = self.records.iter().filter_map(|record| match &record.what {
            Said::Attempt { of, completion } => Some((of.contact, completion.name(), completion.reason())),
            _ => None,
        });
        told.collect()
    }

    /// A pass lets go of contacts.
    pub fn settle(&mut self, pass: u64, contacts: &[u64]) {
        self.replies += 1;
        let reply = ReplyTo { session: SessionId(1), token: self.replies };
        self.event(Event::Settled { reply, pass, contacts: contacts.to_vec() });
        assert_eq!(self.effects.pop(), Some(Effect::Settled { to: reply }));
    }

    /// Takes back what has not left: contacts and texts.
    pub fn take_back(&mut self, of: TakeBack) -> (u32, u32) {
        self.replies += 1;
        let reply = ReplyTo { session: SessionId(1), token: self.replies };
        self.event(Event::TakeBack { reply, of });
        let taken =
            self.effects.iter().position(|effect| matches!(effect, Effect::TakenBack { .. })).unwrap();
        let Effect::TakenBack { to, taken } = self.effects.remove(taken) else { unreachable!() };
        assert_eq!((to, taken.more), (reply, false));
        (taken.contacts, taken.texts)
    }

    pub fn filtered(&self) -> Vec<&str> {
        self.records
            .iter()
            .filter_map(|record| match &record.what {
                Said::Filtered { status, .. } => Some(status.as_str()),
                _ => None,
            })
            .collect()
    }
}

/// An outcome with these texts of the program `alerts`.
pub fn says(texts: &[&str]) -> Outcome {
    let send = |text: &&str| Send { program: "alerts".into(), text: (*text).into(), cut: Cut::Whole };
    Outcome { sends: texts.iter().map(send).collect(), ..Outcome::default() }
}

/// Sets a session variable.
pub fn set(mut outcome: Outcome, name: &str, value: &str) -> Outcome {
    outcome.variables.push((name.to_owned(), Some(Value::from(value))));
    outcome
}

/// Says where it began and what it was told.
pub fn echo(task: &Task) -> Outcome {
    let told = task.invocation.attempt.as_ref().map_or("", |attempt| attempt.text.as_str());
    match &task.what {
        signalbox_dialog::What::Text { text } => says(&[text]),
        signalbox_dialog::What::Participation { campaign, .. } => {
            says(&[&format!("entry of {campaign}: {told}")])
        }
        signalbox_dialog::What::Instructions { entry, .. } => says(&[&format!("{entry}:{told}")]),
    }
}

pub fn entry(task: &Task) -> Entry {
    task.invocation.entry.clone()
}
