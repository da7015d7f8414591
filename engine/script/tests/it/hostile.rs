//! Scripts that mean harm, of the kinds that were measured when the engine was chosen: each ends as it is said here,
//! in a worker, and the worker or the next one answers afterwards.

use std::time::{Duration, Instant};

use signalbox_invocation::{Failure, Invocation};
use signalbox_script::Event;

use crate::given::{invocation, limits, pool, script, version};

/// How one ends. Where two are named, the speed of the machine decides.
const TABLE: &[(&str, &str, &[&str])] = &[
    ("endless loop", "for (;;) {}", TIME),
    ("endless loop with a budget", "let i = 0; while (true) i++;", TIME),
    ("caught", "for (;;) { try { for (;;) {} } catch {} }", TIME),
    ("at last", "try { for (;;) {} } finally { for (;;) {} }", TIME),
    ("generator", "function* g() { for (;;) yield 1; } for (const x of g());", TIME),
    (
        "generator that does not return",
        "function* g() { try { for (;;) yield 1; } finally { for (;;) {} } } for (const x of g()) break;",
        TIME,
    ),
    ("date loop", "const t = Date.now(); while (Date.now() - t < 1e9);", TIME),
    (
        "endless iterator",
        "const it = { [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }) }) }; Math.max(...it);",
        TIME_OR_SPACE,
    ),
    ("microtasks without end", "(function f() { Promise.resolve().then(f); })();", TIME),
    ("await without end", "const f = async () => { for (;;) await null; }; f();", TIME),
    ("thenable without end", "const t = { then(f) { f(t); } }; Promise.resolve(t);", TIME),
    ("regular expression", "/^(a+)+$/.test('a'.repeat(40) + 'b');", TIME),
    ("regular expression with alternatives", "/^(a|a)*$/.test('a'.repeat(40) + 'b');", TIME),
    ("callback in replace", "'a'.repeat(6e4).replace(/a/g, () => { for (;;) {} });", SPACE_OR_TIME),
    (
        "sort that lies",
        "const a = Array.from({ length: 1e4 }, (_, i) => i); for (;;) a.sort(() => Math.random() - 0.5);",
        TIME,
    ),
    ("string doubling", "let s = 'x'; for (;;) s += s;", SPACE_OR_THREW),
    ("repeat", "'x'.repeat(2 ** 29);", SPACE_OR_THREW),
    ("pad", "'x'.padEnd(1e9);", SPACE_OR_THREW),
    ("array that grows", "const a = []; for (;;) a.push(a.length);", SPACE),
    ("array that is filled", "new Array(1e8).fill(0);", SPACE_OR_TIME),
    ("array of holes", "const a = new Array(2 ** 32 - 1); a.indexOf(1); a.join();", ANY_END),
    ("join of joins", "const a = Array(1e4).fill('x'.repeat(1e4)); a.join();", SPACE),
    ("map that grows", "const m = new Map(); for (let i = 0; ; i++) m.set(i, i);", SPACE_OR_TIME),
    ("closures that grow", "let f = () => 1; for (;;) { const g = f; f = () => g; }", SPACE),
    ("recursion", "(function f() { return 1 + f(); })();", THREW),
    ("recursion through a getter", "const o = { get x() { return this.x; } }; o.x;", THREW),
    ("recursion through toString", "const o = { toString() { return '' + this; } }; `${o}`;", THREW),
    ("deep data", "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a);", SPACE_OR_THREW),
    ("big power", "const n = 3n ** 10000000n; n.toString();", ANY_END),
    ("big squares", "let n = 3n; for (;;) n = n * n;", ANY_END),
    ("quadratic search", "'a'.repeat(1e6).indexOf('a'.repeat(5e5) + 'b');", THREW),
    (
        "search within the bound",
        "const t = 'a'.repeat(65000), s = 'a'.repeat(1000) + 'b'; for (;;) t.indexOf(s);",
        TIME_OR_KILLED,
    ),
    (
        "comparison of long strings",
        "const s = 'a'.repeat(1e6), t = 'a'.repeat(1e6 - 1) + 'a', a = Array(1e5).fill(s); for (;;) a.includes(t + '');",
        ANY_END,
    ),
    ("flood of calls", "for (;;) getContact();", &["script_excess"]),
    ("flood of calls, caught", "for (;;) { try { log(1); } catch {} }", TIME),
    ("flood of texts", "for (;;) sendTextMessage('p', 'x');", &["script_excess"]),
    ("pollution of prototypes", "Object.prototype.then = (f) => f();", THREW),
    (
        "pollution through JSON",
        "const o = JSON.parse('{\"__proto__\": {\"x\": 1}}'); o.__proto__.__proto__.x = 1;",
        THREW,
    ),
    ("pollution of what the host uses", "Array.prototype.map = () => 1;", THREW),
    (
        "thrown thing",
        "throw { toString() { for (;;) {} }, get message() { for (;;) {} }, get stack() { for (;;) {} } };",
        THREW,
    ),
    (
        "thrown error with a trap",
        "const e = new Error('x'); Object.defineProperty(e, 'message', { get() { for (;;) {} } }); throw e;",
        TIME_OR_THREW,
    ),
    ("text with a trap", "sendTextMessage('p', { toString() { for (;;) {} } });", THREW),
    ("line with a trap", "log({ toString() { for (;;) {} } });", TIME),
    ("proxy", "new Proxy({}, { get() { for (;;) {} } }).x;", THREW),
    ("code from text", "new Function('for (;;) {}')();", THREW),
    (
        "outcome that is too large",
        "for (let i = 0; i < 20; i++) sendTextMessage('p', 'x'.repeat(1e5));",
        &["script_excess", "script_too_large"],
    ),
];

const TIME: &[&str] = &["script_too_long", "script_too_much"];
const TIME_OR_KILLED: &[&str] = &["script_too_long", "script_too_much", "script_killed"];
const TIME_OR_SPACE: &[&str] = &["script_too_long", "script_too_much", "script_too_large"];
const TIME_OR_THREW: &[&str] = &["script_too_long", "script_too_much", "script_threw"];
const SPACE: &[&str] = &["script_too_large"];
const SPACE_OR_TIME: &[&str] = &["script_too_large", "script_too_long", "script_too_much"];
const SPACE_OR_THREW: &[&str] = &["script_too_large", "script_threw"];
const THREW: &[&str] = &["script_threw"];
/// Not interruptible: what it costs is bounded by sizes, or the process is killed.
const ANY_END: &[&str] =
    &["script_too_large", "script_too_long", "script_too_much", "script_threw", "script_killed"];

fn hostile(index: usize) -> Invocation {
    let mut given = invocation(1, "begin");
    given.version.script = u32::try_from(index).unwrap();
    given
}

#[test]
fn each_hostile_script_ends_as_expected_and_the_next_run_is_answered() {
    let (pool, _) = pool(|settings| settings.workers = 1);
    let good = version(2);
    pool.load(good, script("log('well')")).unwrap();
    let mut wrong = Vec::new();
    for (index, (name, body, ends)) in TABLE.iter().enumerate() {
        let given = hostile(index);
        pool.load(given.version, script(body)).unwrap();
        let began = Instant::now();
        let answer = pool.run(given).wait();
        let took = began.elapsed();
        let told = match &answer {
            Ok(outcome) => format!("an outcome {outcome:?}"),
            Err(failure) if ends.contains(&failure.name()) => String::new(),
            Err(failure) => failure.to_string(),
        };
        if !told.is_empty() {
            wrong.push(format!("{name}: {told}"));
        }
        // The hard limit, and what a slow machine needs to start a process.
        if took > Duration::from_millis(u64::from(limits().hard_ms) + 1_500) {
            wrong.push(format!("{name}: {} ms", took.as_millis()));
        }
        let next = pool.run(invocation(2, "begin")).wait();
        assert_eq!(next.map(|outcome| outcome.log), Ok(vec!["well".to_owned()]), "after {name}");
    }
    assert!(TABLE.len() >= 24);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn hostile_scripts_of_one_account_hold_up_no_other() {
    let (pool, events) = pool(|settings| settings.workers = 2);
    for (index, (_, body, _)) in TABLE.iter().enumerate() {
        pool.load(hostile(index).version, script(body)).unwrap();
    }
    pool.load(version(2), script("log('well')")).unwrap();
    let hostile: Vec<_> = (0..400).map(|n| pool.run(hostile(n % TABLE.len()))).collect();
    let hard = Duration::from_millis(limits().hard_ms.into());
    for _ in 0..20 {
        let began = Instant::now();
        let answer = pool.run(invocation(2, "begin")).wait();
        assert_eq!(answer.map(|outcome| outcome.log), Ok(vec!["well".to_owned()]));
        assert!(began.elapsed() < hard, "{:?}", began.elapsed());
    }
    assert!(pool.status().waiting > 0, "the hostile ones were done too early to show anything");
    drop(pool);
    for answer in hostile {
        assert!(answer.wait().is_err());
    }
    let refused = |event: &Event| matches!(event, Event::Refused { .. });
    assert!(!events.lock().unwrap().iter().any(refused));
}

#[test]
fn a_limit_of_ticks_is_kept_by_itself() {
    let (pool, _) = pool(|settings| {
        settings.limits.soft_ms = 900;
        settings.limits.hard_ms = 5_000;
        settings.limits.ticks = 50;
    });
    pool.load(version(1), script("for (let i = 0; i < 2e6; i++);")).unwrap();
    assert_eq!(pool.run(invocation(1, "begin")).wait(), Err(Failure::TooMuch { ticks: 50 }));
    let ticks = |turns: &str| {
        pool.load(version(1), script(&format!("for (let i = 0; i < {turns}; i++);"))).unwrap();
        pool.run(invocation(1, "begin")).wait().unwrap().cost.ticks
    };
    let (once, twice) = (ticks("1e5"), ticks("2e5"));
    assert!(once >= 10 && twice.abs_diff(2 * once) <= 2, "{once} {twice}");
}
