//! The pool over real worker processes.

use std::path::Path;
use std::time::{Duration, Instant};

use signalbox_invocation::Failure;
use signalbox_script::{Event, LoadError, Pool, PoolError, Settings, WorkerCommand};

use crate::given::{Events, free, invocation, pool, run, script, until, version};

/// Processes of a pool's workers, the last one last.
fn workers(events: &Events) -> Vec<u32> {
    let started = |event: &Event| match event {
        Event::Started { pid, .. } => Some(*pid),
        _ => None,
    };
    events.lock().unwrap().iter().filter_map(started).collect()
}

#[test]
fn a_script_runs_in_a_worker_as_it_does_here() {
    let (pool, events) = pool(|_| {});
    let source = script(
        "sendTextMessage('p', `hello ${getContact().lastName} ${Math.random()} ${Date()}`); log('ü');",
    );
    pool.load(version(1), source.as_str()).unwrap();
    let given = invocation(1, "begin");
    let here = free(run(&source, &given).unwrap());
    assert_eq!(pool.run(given).wait().map(free), Ok(here));
    let events = events.lock().unwrap();
    assert!(events.iter().any(|event| matches!(event, Event::Ran { failure: None, .. })), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_go_in_batches_and_each_gets_its_own_answer() {
    let (pool, events) = pool(|_| {});
    for account in 1..=3 {
        pool.load(version(account), script("log(getContact().clientId)")).unwrap();
    }
    let answers: Vec<_> = (0..600)
        .map(|number| {
            let mut given = invocation(number % 3 + 1, "begin");
            given.contact.client_id = format!("c-{number}");
            pool.run(given)
        })
        .collect();
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.await.unwrap().log, [format!("c-{number}")]);
    }
    let events = events.lock().unwrap();
    let largest = events.iter().filter_map(|event| match event {
        Event::Batch { runs } => Some(*runs),
        _ => None,
    });
    assert!(largest.max() > Some(1));
}

#[test]
fn failures_of_scripts_are_answers_and_cost_no_worker() {
    let (pool, events) = pool(|settings| settings.workers = 1);
    assert!(matches!(pool.run(invocation(1, "begin")).wait(), Err(Failure::Invalid(_))));
    pool.load(version(1), "function begin( {").unwrap();
    let failure = pool.run(invocation(1, "begin")).wait().unwrap_err();
    assert!(failure.to_string().contains("line 1"), "{failure}");
    pool.load(version(1), script("throw new Error('no')")).unwrap();
    let failure = pool.run(invocation(1, "begin")).wait().unwrap_err();
    assert!(
        matches!(&failure, Failure::Threw { message, at } if message == "no" && at.contains("script:1")),
        "{failure}"
    );
    let too_long = "x".repeat(signalbox_script::MAX_SOURCE + 1);
    assert!(matches!(pool.load(version(1), too_long), Err(LoadError::TooLong { .. })));
    assert!(!events.lock().unwrap().iter().any(|event| matches!(event, Event::Ended { .. })));
}

#[test]
fn sources_beyond_the_bound_of_a_worker_are_given_again() {
    let (pool, _) = pool(|settings| {
        settings.compiled = 2;
        settings.scripts = 5;
        settings.workers = 1;
    });
    for account in 1..=5 {
        pool.load(version(account), script(&format!("log({account})"))).unwrap();
    }
    assert_eq!(pool.load(version(6), script("")), Err(LoadError::TooMany { loaded: 5 }));
    for account in [1, 2, 3, 4, 5, 1, 3, 5, 5, 2] {
        assert_eq!(pool.run(invocation(account, "begin")).wait().unwrap().log, [account.to_string()]);
    }
    pool.unload(version(5));
    assert!(!pool.is_loaded(version(5)));
    pool.load(version(6), script("")).unwrap();
}

/// Nothing interrupts a power of big integers; without a call or a turn between them no interrupt is looked for.
const STUCK: &str =
    "const n = 3n; n ** 10000000n; n ** 10000000n; n ** 10000000n; n ** 10000000n; n ** 10000000n;
    n ** 10000000n; n ** 10000000n; n ** 10000000n; n ** 10000000n; n ** 10000000n; n ** 10000000n;";

fn is_stuck(answer: &Result<signalbox_invocation::Outcome, Failure>) -> bool {
    matches!(answer, Err(Failure::Killed(_)))
}

#[test]
fn three_strikes_suspend_a_version_until_it_is_lifted() {
    let (pool, events) = pool(|settings| {
        settings.limits.soft_ms = 100;
        settings.limits.hard_ms = 300;
    });
    pool.load(version(1), script(STUCK)).unwrap();
    for strike in 1..=3 {
        let answer = pool.run(invocation(1, "begin")).wait();
        assert!(is_stuck(&answer), "{strike}: {answer:?}");
    }
    assert_eq!(pool.run(invocation(1, "begin")).wait(), Err(Failure::Suspended { strikes: 3 }));
    assert_eq!(pool.status().suspended, 1);
    let suspended = Event::Suspended { version: version(1), strikes: 3 };
    assert_eq!(events.lock().unwrap().iter().filter(|&event| *event == suspended).count(), 1);

    let mut other = invocation(1, "begin");
    other.version.version = 2;
    pool.load(other.version, script("log('mended')")).unwrap();
    assert_eq!(pool.run(other).wait().unwrap().log, ["mended"]);

    pool.lift(version(1));
    assert!(is_stuck(&pool.run(invocation(1, "begin")).wait()));
    assert_eq!(pool.status().suspended, 0);
}

#[test]
fn a_batch_with_one_culprit_is_tried_one_by_one() {
    let (pool, events) = pool(|settings| {
        settings.workers = 1;
        settings.limits.soft_ms = 100;
        settings.limits.hard_ms = 300;
    });
    pool.load(
        version(1),
        script(&format!("if (getContact().clientId === 'bad') {{ {STUCK} }} log(getContact().clientId);")),
    )
    .unwrap();
    let answers: Vec<_> = (0..10)
        .map(|number| {
            let mut given = invocation(1, "begin");
            given.contact.client_id = if number == 4 { "bad".into() } else { format!("c-{number}") };
            pool.run(given)
        })
        .collect();
    for (number, answer) in answers.into_iter().enumerate() {
        let answer = answer.wait();
        if number == 4 {
            assert!(is_stuck(&answer), "{answer:?}");
        } else {
            assert_eq!(answer.unwrap().log, [format!("c-{number}")]);
        }
    }
    assert_eq!(pool.status().suspended, 0);
    assert!(events.lock().unwrap().iter().any(|event| matches!(event, Event::Ended { .. })));
}

#[test]
fn a_worker_that_is_killed_from_outside_costs_nothing_but_time() {
    let (pool, events) = pool(|settings| {
        settings.workers = 1;
        settings.limits.soft_ms = 400;
        settings.limits.hard_ms = 4_000;
    });
    // Long enough to be met in the middle.
    pool.load(version(1), script("for (let i = 0; i < 3e5; i++); log('done');")).unwrap();
    let answers: Vec<_> = (0..60).map(|_| pool.run(invocation(1, "begin"))).collect();
    for round in 1..=3 {
        until("a worker", || workers(&events).len() == round && pool.status().running > 0);
        let pid = i32::try_from(workers(&events)[round - 1]).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    let answered = answers.into_iter().map(signalbox_script::Answer::wait);
    let wrong: Vec<_> =
        answered.filter(|answer| answer.as_ref().map(|outcome| outcome.log.len()) != Ok(1)).collect();
    // A run that is hit twice while it is alone is held to be the culprit; three shots can do that to one of them.
    assert!(wrong.len() <= 1, "{wrong:?}");
    assert_eq!(pool.status().suspended, 0);
    until("the last worker", || workers(&events).len() == 4);
    let ended = |event: &&Event| matches!(event, Event::Ended { .. });
    assert_eq!(events.lock().unwrap().iter().filter(ended).count(), 3);
}

/// A machine that is too busy, or put to sleep, is no fault of the script: no strike, and it may be begun again.
#[test]
fn a_run_whose_worker_gets_no_time_is_interrupted_and_nobody_is_to_blame() {
    let (pool, events) = pool(|settings| {
        settings.workers = 1;
        settings.strikes = 1;
    });
    pool.load(version(1), script("log('done');")).unwrap();
    until("a worker", || workers(&events).len() == 1);
    let pid = i32::try_from(workers(&events)[0]).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let failure = pool.run(invocation(1, "begin")).wait().unwrap_err();
    assert_eq!(failure.name(), "script_interrupted", "{failure}");
    assert!(failure.is_temporary());
    assert_eq!(pool.status().suspended, 0);
    assert_eq!(pool.run(invocation(1, "begin")).wait().map(|outcome| outcome.log.len()), Ok(1));
}

#[test]
fn a_worker_has_no_files_no_network_and_no_environment() {
    let (pool, events) = pool(|settings| settings.workers = 1);
    pool.load(version(1), script("log('up')")).unwrap();
    pool.run(invocation(1, "begin")).wait().unwrap();
    let folder = Path::new("/proc").join(workers(&events)[0].to_string());
    let status = std::fs::read_to_string(folder.join("status")).unwrap();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    assert_eq!(field("Seccomp:"), Some("2"));
    assert_eq!(field("NoNewPrivs:"), Some("1"));
    assert_eq!(field("Threads:"), Some("1"));
    let limits = std::fs::read_to_string(folder.join("limits")).unwrap();
    for name in ["Max open files", "Max processes", "Max file size", "Max core file size"] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(line[name.len()..].split_whitespace().next(), Some("0"), "{line}");
    }
    assert_eq!(std::fs::read(folder.join("environ")).unwrap(), b"TZ=UTC0\0");
}

#[test]
fn what_is_too_much_is_refused_at_once_and_an_account_fills_half_of_the_queue() {
    let (pool, events) = pool(|settings| {
        settings.queue = 10;
        settings.workers = 1;
    });
    pool.load(version(1), script("for (;;) {}")).unwrap();
    pool.load(version(2), script("log(1)")).unwrap();
    let first = pool.run(invocation(1, "begin"));
    until("work", || pool.status().running == 1);
    let waiting: Vec<_> = (0..5).map(|_| pool.run(invocation(1, "begin"))).collect();
    let refused = pool.run(invocation(1, "begin")).wait();
    assert_eq!(refused, Err(Failure::Overloaded { waiting: 5 }));
    assert!(refused.unwrap_err().is_temporary());
    let other = pool.run(invocation(2, "begin"));
    assert!(events.lock().unwrap().contains(&Event::Refused { account: 1, waiting: 5 }));
    assert!(first.wait().is_err());
    assert_eq!(other.wait().unwrap().log, ["1"]);
    drop(pool);
    for answer in waiting {
        assert!(answer.wait().is_err());
    }
}

#[test]
fn a_run_does_not_wait_longer_than_it_may() {
    let (pool, _) = pool(|settings| {
        settings.workers = 1;
        settings.batch = 1;
        settings.patience = Duration::from_millis(50);
    });
    pool.load(version(1), script("for (;;) {}")).unwrap();
    let answers: Vec<_> = (0..3).map(|_| pool.run(invocation(1, "begin"))).collect();
    let names: Vec<_> = answers.into_iter().map(|answer| answer.wait().unwrap_err().name()).collect();
    assert_ne!(names[0], "script_overloaded");
    assert_eq!(names[2], "script_overloaded");
}

#[test]
fn a_drained_pool_has_answered_all_and_takes_no_more() {
    let (pool, _) = pool(|_| {});
    pool.load(version(1), script("log(1)")).unwrap();
    let answers: Vec<_> = (0..200).map(|_| pool.run(invocation(1, "begin"))).collect();
    assert!(pool.drain(Duration::from_secs(20)));
    let late = pool.run(invocation(1, "begin"));
    drop(pool);
    for answer in answers {
        assert!(answer.wait().is_ok());
    }
    assert!(matches!(late.wait(), Err(Failure::Overloaded { .. })));
}

#[test]
fn a_pool_without_workers_says_so_when_it_is_started() {
    let command = |program: &str| WorkerCommand { program: program.into(), arguments: Vec::new() };
    for program in ["/nowhere/at/all", "/bin/true"] {
        let mut settings = Settings::new(command(program));
        settings.start = Duration::from_secs(2);
        let began = Instant::now();
        assert!(matches!(Pool::start(settings, |_| {}), Err(PoolError::Worker(_))), "{program}");
        assert!(began.elapsed() < Duration::from_secs(2));
    }
    let mut settings = Settings::new(command("/bin/true"));
    settings.batch = 65;
    assert!(matches!(Pool::start(settings, |_| {}), Err(PoolError::Setting(_))));
}

#[test]
fn a_dry_run_needs_no_load_and_leaves_a_trace() {
    let (pool, _) = pool(|_| {});
    let outcome = pool.dry_run(script("sendTextMessage('p', 'x')"), invocation(1, "begin")).wait().unwrap();
    assert_eq!(outcome.trace.len(), 1);
    assert_eq!(pool.status().loaded, 0);
}

#[test]
fn an_account_has_half_of_the_workers_at_a_time() {
    let (pool, _) = pool(|settings| settings.workers = 4);
    pool.load(version(1), script("for (let i = 0; i < 2e5; i++);")).unwrap();
    let answers: Vec<_> = (0..200).map(|_| pool.run(invocation(1, "begin"))).collect();
    let mut most = 0;
    until("the last answer", || {
        let status = pool.status();
        most = most.max(status.running);
        status.waiting == 0 && status.running == 0
    });
    assert_eq!(most, 2);
    for answer in answers {
        answer.wait().unwrap();
    }
}

#[test]
fn a_batch_that_takes_its_time_lets_others_in_between() {
    let (pool, events) = pool(|settings| {
        settings.workers = 1;
        settings.limits.soft_ms = 100;
    });
    // At least 10 ms each: all of them together take far longer than one batch may.
    pool.load(version(1), script("for (let i = 0; i < 1e6; i++);")).unwrap();
    pool.load(version(2), script("log('quick')")).unwrap();
    let slow: Vec<_> = (0..60).map(|_| pool.run(invocation(1, "begin"))).collect();
    until("work", || pool.status().running > 0);
    assert_eq!(pool.run(invocation(2, "begin")).wait().unwrap().log, ["quick"]);
    // On a machine that is slow enough some are ended by the soft limit; each is answered all the same.
    let answered = slow.into_iter().map(signalbox_script::Answer::wait);
    assert!(answered.filter(|answer| matches!(answer, Ok(_) | Err(Failure::TooLong { .. }))).count() == 60);
    let batches = events.lock().unwrap().iter().filter(|event| matches!(event, Event::Batch { .. })).count();
    assert!(batches >= 5, "{batches}");
}
