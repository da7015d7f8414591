//! What scripts have not, cannot change, and cannot leave behind.

use signalbox_invocation::Failure;
use signalbox_script::Program;

use crate::given::{begin, free, invocation, limits, logged, run, script};

#[test]
fn there_is_no_way_out_and_no_code_from_text() {
    let lines = logged(
        r#"for (const name of ["eval", "Function", "BigInt", "require", "process", "std", "os", "fetch", "XMLHttpRequest",
                "WebAssembly", "SharedArrayBuffer", "Atomics", "Proxy", "WeakRef", "FinalizationRegistry", "performance",
                "setTimeout", "navigator", "print", "console", "load", "scriptArgs", "Worker", "ArrayBuffer"]) {
             if (name in globalThis) log(name);
           }
           for (const f of [function () {}, function* () {}, async function () {}, async function* () {}, class {}, log]) {
             const made = f.constructor;
             if (made !== Object) log(String(f), typeof made);
           }
           log((1n).constructor === Object);"#,
    );
    assert_eq!(lines, ["true"]);
    for (body, told) in [
        ("eval('1')", "eval is not defined"),
        ("import('std').then((m) => log(m))", ""),
        ("(() => {}).constructor('return 1')()", ""),
    ] {
        let answer = begin(&format!("{body};"));
        match answer {
            Err(Failure::Threw { message, .. }) => assert!(message.contains(told), "{body}: {message}"),
            Ok(outcome) => assert!(outcome.log.is_empty(), "{body}: {:?}", outcome.log),
            Err(other) => panic!("{body}: {other}"),
        }
    }
}

#[test]
fn intrinsics_and_globals_are_frozen() {
    for body in [
        "Object.prototype.polluted = 1",
        "({}).__proto__.polluted = 1",
        "Array.prototype.push = () => 0",
        "Array.prototype[Symbol.iterator] = null",
        "String.prototype.includes = () => true",
        "Math.random = () => 4",
        "Date.now = () => 0",
        "JSON.stringify = () => ''",
        "globalThis.kept = 1",
        "globalThis.getContact = () => null",
        "delete globalThis.log",
        "getContact = () => null",
        "Object.defineProperty(Object.prototype, 'x', { value: 1 })",
        "Object.setPrototypeOf(Array.prototype, null)",
        "Object.getPrototypeOf([][Symbol.iterator]()).next = () => 1",
        "Object.getPrototypeOf(function* () {}).prototype.next = () => 1",
        "Object.getPrototypeOf(/a/[Symbol.matchAll]('a')).next = () => 1",
        "Promise.prototype.then = 1",
        "sendTextMessage.call = 1",
        "Error.prototype.name = 'x'",
        "leaked = 1",
    ] {
        let failure = begin(body).map(|_| body).unwrap_err();
        assert!(matches!(failure, Failure::Threw { .. }), "{body}: {failure}");
    }
}

#[test]
fn own_names_of_errors_and_objects_can_be_set() {
    let lines = logged(
        r#"class Refused extends Error { constructor(m) { super(m); this.name = "Refused"; } }
           try { throw new Refused("no"); } catch (e) { log(String(e), e instanceof Refused, e instanceof Error); }
           const o = {}; o.toString = () => "own"; log(String(o), String({}));
           function Old() {} Old.prototype = {}; Old.prototype.constructor = Old; log(new Old().constructor === Old);
           const d = new Date(2020, 0, 2); class Day extends Date {} log(d instanceof Date, new Day(5).getTime(), d.constructor === Date);"#,
    );
    assert_eq!(lines, ["Refused: no true true", "own [object Object]", "true", "true 5 true"]);
}

#[test]
fn nothing_leaks_between_contacts() {
    let source = "let seen = []; const cache = new Map(); function tag(parts) { return parts; }
        function begin() { seen.push(getContact().firstName); cache.set('a', 1);
          getConversation().set('mine', getContact().firstName);
          try { tag`x`.kept = 1; log('kept'); } catch {} try { begin.kept = (begin.kept ?? 0) + 1; } catch {}
          log(seen.join(), cache.size, begin.kept, getConversation().names().join()); }";
    let limits = limits();
    let mut program = Program::compile(source, &limits).unwrap();
    let ann = invocation(1, "begin");
    let mut bob = invocation(1, "begin");
    bob.contact.first_name = "Bob".into();
    bob.conversation.variables.clear();
    let first = program.run(&ann, &limits).unwrap();
    assert_eq!(first.log, ["Ann 1 1 age,name,since,mine"]);
    assert_eq!(program.run(&bob, &limits).unwrap().log, ["Bob 1 1 mine"]);
    assert_eq!(free(program.run(&ann, &limits).unwrap()), free(first));
}

#[test]
fn a_run_that_fails_leaves_nothing_to_the_next() {
    let source =
        "function begin() { sendTextMessage('p', 'one'); if (getContact().firstName === 'Ann') throw 'no'; }";
    let limits = limits();
    let mut program = Program::compile(source, &limits).unwrap();
    let failure = program.run(&invocation(1, "begin"), &limits).unwrap_err();
    assert_eq!(failure, Failure::Threw { message: "no".into(), at: String::new() });
    let mut bob = invocation(1, "begin");
    bob.contact.first_name = "Bob".into();
    assert_eq!(program.run(&bob, &limits).unwrap().sends.len(), 1);
    assert!(!program.is_spoiled());
}

#[test]
fn the_same_invocation_twice_gives_the_same() {
    let source = script(
        "log(Math.random(), Math.random(), Date.now(), new Date().toISOString(), Date().length, new Date(2026, 0).getTimezoneOffset());
         log(Object.keys(getContact()).join()); sendTextMessage('p', `code ${Math.floor(Math.random() * 1e6)}`);",
    );
    let limits = limits();
    let given = invocation(1, "begin");
    let mut program = Program::compile(&source, &limits).unwrap();
    let first = free(program.run(&given, &limits).unwrap());
    assert_eq!(free(program.run(&given, &limits).unwrap()), first);
    assert_eq!(free(run(&source, &given).unwrap()), first);
    assert!(first.log[0].contains("2026-03-01T12:30:45.678Z"), "{:?}", first.log);
    let mut other = given.clone();
    other.seed += 1;
    assert_ne!(free(program.run(&other, &limits).unwrap()).sends, first.sends);
}

#[test]
fn a_source_cannot_end_the_function_that_it_is_put_into() {
    for source in [
        "} globalThis.x = 1; function begin() {",
        "});(function () {",
        "return 1;",
        "function begin() {",
        "import x from 'std'; function begin() {}",
        "#!/bin/sh\nfunction begin() {}",
    ] {
        let failure = run(source, &invocation(1, "begin")).unwrap_err();
        assert!(matches!(failure, Failure::Invalid(_)), "{source}: {failure}");
    }
    let failure = run("function begin() {\n  let a = ;\n}", &invocation(1, "begin")).unwrap_err();
    assert!(failure.to_string().contains("line 2, column 1"), "{failure}");
}

#[test]
fn searches_of_text_are_bounded() {
    for body in [
        "'a'.repeat(1e6).indexOf('b')",
        "'a'.repeat(65537).includes('b')",
        "'ab'.split('a'.repeat(1025))",
        "'a'.repeat(7e4).replaceAll('a', 'b')",
        "'a'.repeat(5e3).normalize()",
        "String.prototype.lastIndexOf.call({ toString: () => 'a'.repeat(1e5) }, 'a')",
    ] {
        let failure = begin(body).unwrap_err();
        assert!(
            matches!(&failure, Failure::Threw { message, .. } if message.contains("limit")),
            "{body}: {failure}"
        );
    }
    assert_eq!(
        logged(
            "log('a-b-c'.split('-').length, 'abc'.split().length, 'a1b2'.replace(/\\d/g, 'x'), 'aa'.replaceAll('a', 'b'),
             'abc'.indexOf('c', 1), 'abc'.includes('z'), 'a,b,c'.split(',', 2).length, 'x'.replace('x', () => 'y'), 'aba'.lastIndexOf('a'))"
        ),
        ["3 1 axbx bb 2 false 2 y 2"]
    );
}
