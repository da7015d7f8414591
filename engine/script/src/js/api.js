// What a script can call (docs/interfaces/scripts.md). All of it only writes down what is wanted: the outcome is data,
// and nothing happens before the invocation has ended (API-07).
(function (sandbox, segmentsOf) {
  "use strict";
  const { assign, create, defineProperty, entries, freeze, hasOwn, keys } = Object;
  const { parse, stringify } = JSON;
  const NativeDate = Date;

  // Everything that belongs to one invocation. There is one object of it, written anew each time, for to make one costs
  // more than many a script does.
  const state = {
    entry: "", now: 0, test: false, conversationId: "", sourceAddress: "",
    contextText: "", contactText: "", devicesText: "", valuesText: "", historyText: "",
    context: null, contact: null, devices: null, values: null, variables: null, stored: null,
    methods: null, made: null, excess: null, noMethod: null,
    sends: null, optOuts: null, webCalls: null, log: null, trace: null,
    flag: null, wait: null, ended: false, status: null, calls: 0,
  };
  // The same while an invocation is under way; null between two.
  let run = null;
  // The bounds, as they were given last.
  let limits = null;

  const cut = (text, limit) => (text.length > limit ? text.slice(0, limit) : text);

  function current() {
    if (run === null) throw new Error("no invocation is under way");
    return run;
  }

  // Parts of an invocation come as texts of their own, and are read when they are wanted: reading them costs more than
  // most scripts do.
  const context = () => (current().context ??= parse(run.contextText));
  const person = () => (current().contact ??= parse(run.contactText));
  const phones = () => (current().devices ??= parse(run.devicesText));
  const values = () => (current().values ??= parse(run.valuesText));
  const variables = () => (current().variables ??= new Values(values().variables, "session variables"));
  const stored = () => (current().stored ??= new Values(values().stored, "kept values"));

  function excess(what, found, limit) {
    // Kept beside the error, so that a script which catches it fails all the same.
    current().excess ??= { what, found, limit };
    throw new RangeError(`${what}: ${found}, the limit is ${limit}`);
  }

  function text(value, what) {
    if (typeof value !== "string") throw new TypeError(`${what} must be a string`);
    return value.toWellFormed();
  }

  function named(value, what) {
    const name = text(value, what);
    if (name === "") throw new TypeError(`${what} is empty`);
    return name;
  }

  // ---- values: number, string or date (API-14) ----
  function fromValue(value) {
    if ("Number" in value) return value.Number ?? 0;
    if ("Text" in value) return value.Text;
    return new NativeDate(value.Date / 1000);
  }

  function toValue(value, what, name) {
    if (typeof value === "string") return { Text: value.toWellFormed() };
    const wrong = (told) => new TypeError(`\`${cut(name, 64)}\` of the ${what} ${told}`);
    if (typeof value === "number") {
      if (!Number.isFinite(value)) throw wrong("is no finite number");
      return { Number: value };
    }
    if (value instanceof NativeDate) {
      const milliseconds = value.getTime();
      if (!Number.isFinite(milliseconds)) throw wrong("is no valid date");
      return { Date: Math.round(milliseconds * 1000) };
    }
    throw wrong("must be a number, a string or a date");
  }

  // Named values of which changes are written down.
  class Values {
    constructor(given, what) {
      this.what = what;
      // Names are anything, `__proto__` too.
      this.held = assign(create(null), given);
      this.changed = create(null);
    }
    get(name) {
      const value = this.held[text(name, "a name")];
      return value === undefined ? undefined : fromValue(value);
    }
    set(name, value) {
      const key = named(name, "a name");
      const limit = limits.variables;
      if (this.held[key] === undefined) {
        const count = keys(this.held).length;
        if (count >= limit) excess(this.what, count + 1, limit);
      }
      const written = toValue(value, this.what, key);
      this.held[key] = written;
      this.changed[key] = written;
    }
    remove(name) {
      const key = text(name, "a name");
      if (this.held[key] === undefined) return;
      delete this.held[key];
      this.changed[key] = null;
    }
    names() {
      return keys(this.held);
    }
    changes() {
      return entries(this.changed);
    }
  }

  // ---- entities ----
  // Made when they are asked for; what only some scripts look at is made when it is looked at. Methods are shared by
  // all invocations: they work on the current one.
  function device(given) {
    return freeze({
      __proto__: null,
      address: given.address,
      kind: given.kind,
      line: given.line,
      carrier: given.carrier,
      country: given.country,
      isWireless: given.line === "wireless",
    });
  }

  function attempt(given) {
    return freeze({
      __proto__: null,
      id: given.id,
      side: given.side === "Mt" ? "mt" : "mo",
      get at() {
        return new NativeDate(given.at / 1000);
      },
      device: given.device,
      sourceAddress: given.source_address,
      text: given.text,
      status: given.status,
      subCampaign: given.sub_campaign,
      keyword: given.keyword,
    });
  }

  function field(name) {
    const { fields } = person();
    const key = text(name, "a field's name");
    return hasOwn(fields, key) ? fields[key] : "";
  }

  function contact() {
    const given = person();
    let devices, fields;
    return freeze({
      __proto__: null,
      id: given.id,
      clientId: given.client_id,
      firstName: given.first_name,
      lastName: given.last_name,
      company: given.company,
      email: given.email,
      get devices() {
        return (devices ??= freeze(phones().devices.map(device)));
      },
      get fields() {
        return (fields ??= freeze(assign(create(null), given.fields)));
      },
      field,
    });
  }

  const getVariable = counted("get", (name) => variables().get(name));
  const setVariable = counted("set", (name, value) => {
    if (name === "nextAction" && value !== "") methodNamed(value);
    variables().set(name, value);
  });
  const removeVariable = counted("remove", (name) => variables().remove(name));
  const variableNames = counted("names", () => variables().names());

  function conversation({ conversationId, sourceAddress, historyText }) {
    let parsed, attempts, elsewhere;
    const messages = () => (parsed ??= parse(historyText));
    return freeze({
      __proto__: null,
      id: conversationId,
      sourceAddress,
      get attempts() {
        return (attempts ??= freeze(messages().history.map(attempt)));
      },
      get elsewhere() {
        return (elsewhere ??= freeze(messages().elsewhere.map(attempt)));
      },
      get: getVariable,
      set: setVariable,
      remove: removeVariable,
      names: variableNames,
    });
  }

  const can = (channel) => context().account.channels.includes(channelNamed(channel));

  function account() {
    const given = context().account;
    return freeze({ __proto__: null, name: given.name, channels: freeze([...given.channels]), can });
  }

  function subCampaign() {
    const given = context().sub_campaign;
    return freeze({ __proto__: null, id: given.id, name: given.name, campaign: given.campaign, kind: given.kind });
  }

  const setStatus = counted("setStatus", (status, reason = "") => {
    const why = text(reason, "the reason of a status");
    const name = named(status, "a status");
    if (name === "ok") current().status = null;
    else if (name === "badData") current().status = { bad_data: why };
    else current().status = { other: why === "" ? name : `${name}: ${why}` };
  });

  function callPass() {
    const given = context().call_pass;
    if (given === null) return null;
    return freeze({ __proto__: null, id: given.id, name: given.name, startedAt: new NativeDate(given.started_at / 1000) });
  }

  function scriptContext({ entry, test, now }) {
    const given = context();
    return freeze({
      __proto__: null,
      entry,
      version: given.version,
      test,
      timedOut: given.timed_out,
      softMilliseconds: limits.soft_ms,
      ticks: limits.ticks,
      now: new NativeDate(now),
      setStatus,
    });
  }

  function webAnswer(given) {
    return freeze({
      __proto__: null,
      service: given.service,
      status: given.status,
      body: given.body,
      error: given.error,
      json: () => parse(given.body),
    });
  }

  const CHANNELS = ["text", "voice", "email"];
  function channelNamed(name) {
    if (!CHANNELS.includes(name)) throw new TypeError("a channel is 'text', 'voice' or 'email'");
    return name;
  }

  function methodNamed(name) {
    const method = named(name, "a method's name");
    if (typeof current().methods?.[method] !== "function") throw new ReferenceError(`the script has no method \`${cut(method, 64)}\``);
    return method;
  }

  // ---- calls ----
  function told(value) {
    if (typeof value === "string") return stringify(cut(value, 80));
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    return value === null || value === undefined ? String(value) : typeof value;
  }

  // No call takes more than four arguments; gathering them in an array would cost more than most calls do.
  function counted(name, call) {
    return {
      [name](a, b, c, d) {
        const state = count();
        if (state.test) trace(state, name, [a, b, c, d]);
        return call(a, b, c, d);
      },
    }[name];
  }

  function count() {
    const state = current();
    state.calls += 1;
    if (state.calls > limits.calls) excess("calls of the API", state.calls, limits.calls);
    return state;
  }

  function trace(state, name, given) {
    const steps = (state.trace ??= []);
    if (steps.length >= limits.calls) return;
    let most = given.length;
    while (most > 0 && given[most - 1] === undefined) most -= 1;
    steps.push({ at: state.entry, did: `${name}(${given.slice(0, most).map(told).join(", ")})` });
  }

  function once(name, make) {
    return counted(name, () => {
      const { made } = run;
      return made[name] ?? (made[name] = make(run));
    });
  }

  function send(how) {
    return (program, body) => {
      const sends = (current().sends ??= []);
      if (sends.length >= limits.sends) excess("texts", sends.length + 1, limits.sends);
      sends.push({ program: named(program, "the program of a text"), text: named(body, "a text"), cut: how });
    };
  }

  const getDevice = once("getDevice", () => device(phones().device));
  const calls = {
    getAccount: once("getAccount", account),
    getCallPass: once("getCallPass", callPass),
    getContact: once("getContact", contact),
    getContactAttempt: once("getContactAttempt", () => (context().attempt === null ? null : attempt(context().attempt))),
    getConversation: once("getConversation", conversation),
    getDevice,
    getScriptContext: once("getScriptContext", scriptContext),
    getSubCampaign: once("getSubCampaign", subCampaign),
    getWebAnswer: once("getWebAnswer", () => (context().answer === null ? null : webAnswer(context().answer))),

    sendTextMessage: counted("sendTextMessage", send("whole")),
    sendLongTextMessage: counted("sendLongTextMessage", send("separate")),
    flagForAgent: counted("flagForAgent", (reason = "") => {
      current().flag = text(reason, "the reason of a flag");
    }),
    optOut: counted("optOut", (level, options = {}) => {
      const optOuts = (current().optOuts ??= []);
      if (optOuts.length >= 16) excess("opt-outs", 17, 16);
      if (level !== undefined && level !== null && !["campaign", "account", "enterprise"].includes(level)) {
        throw new TypeError("the level of an opt-out is 'campaign', 'account' or 'enterprise'");
      }
      const subject = { device: "device", clientId: "client_id" }[options.subject ?? "device"];
      if (typeof subject !== "string") throw new TypeError("the subject of an opt-out is 'device' or 'clientId'");
      const channels = [...(options.channels ?? ["text"])].map(channelNamed);
      if (channels.length === 0 || channels.length > 3) throw new TypeError("an opt-out names one to three channels");
      optOuts.push({ level: level ?? null, subject, channels });
    }),
    callWebService: counted("callWebService", (service, options = {}, then = "") => {
      const webCalls = (current().webCalls ??= []);
      if (webCalls.length >= limits.web_calls) excess("calls of web services", webCalls.length + 1, limits.web_calls);
      webCalls.push({
        service: named(service, "a web service"),
        path: text(options.path ?? "", "the path of a call"),
        body: text(options.body ?? "", "the body of a call"),
        then: then === "" ? "" : methodNamed(then),
      });
    }),
    waitForReply: counted("waitForReply", (seconds, then = "") => {
      if (!Number.isInteger(seconds) || seconds < 1) throw new TypeError("a wait is a whole number of seconds, at least 1");
      if (seconds > limits.wait) excess("seconds of a wait", seconds, limits.wait);
      current().wait = { seconds, then: then === "" ? "" : methodNamed(then) };
    }),
    endConversation: counted("endConversation", () => {
      current().ended = true;
    }),
    getStoredValue: counted("getStoredValue", (name) => stored().get(name)),
    setStoredValue: counted("setStoredValue", (name, value) => stored().set(name, value)),
    removeStoredValue: counted("removeStoredValue", (name) => stored().remove(name)),
    isWireless: counted("isWireless", (which) => (which ?? getDevice()).isWireless === true),
    log(...parts) {
      const state = count();
      if (state.test) trace(state, "log", parts);
      const log = (state.log ??= []);
      const line = parts.map((part) => String(part).toWellFormed()).join(" ");
      // A unit of UTF-16 is at most three octets of UTF-8.
      if (log.length < limits.log) log.push(cut(line, Math.floor(limits.value / 4)).toWellFormed());
    },

    // ---- extension functions (TXS-17): pure, bounded by the lengths of their arguments ----
    segments: counted("segments", (body) => freeze(Object.assign(create(null), parse(segmentsOf(text(body, "a text")))))),
    foldText: counted("foldText", (body) => fold(text(body, "a text"))),
    formatNumber: counted("formatNumber", formatNumber),
    formatDate: counted("formatDate", formatDate),
  };

  const LETTERS = { "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i" };
  function fold(body) {
    const bare = body.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
    return bare.replace(/[ßøłđæœı]/g, (letter) => LETTERS[letter]).replace(/\s+/g, " ").trim();
  }

  function formatNumber(number, decimals = 0, point = ".", group = "") {
    if (typeof number !== "number" || !Number.isFinite(number)) throw new TypeError("formatNumber takes a finite number");
    if (Math.abs(number) >= 1e21) throw new RangeError("formatNumber takes numbers below 1e21");
    if (!Number.isInteger(decimals) || decimals < 0 || decimals > 20) throw new RangeError("decimals are 0 to 20");
    const [whole, rest] = Math.abs(number).toFixed(decimals).split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, () => text(group, "a separator"));
    const shown = rest === undefined ? grouped : grouped + text(point, "a separator") + rest;
    return number < 0 && /[1-9]/.test(shown) ? `-${shown}` : shown;
  }

  function formatDate(date, pattern, offsetMinutes = 0) {
    if (!(date instanceof NativeDate) || !Number.isFinite(date.getTime())) throw new TypeError("formatDate takes a valid date");
    if (!Number.isInteger(offsetMinutes) || Math.abs(offsetMinutes) > 900) throw new RangeError("an offset is whole minutes, at most 900");
    const at = new NativeDate(date.getTime() + offsetMinutes * 60000);
    const body = text(pattern, "a pattern");
    let shown = "";
    for (const part of partsOf(body)) shown += typeof part === "string" ? part : part(at);
    return shown;
  }

  // Patterns as they were read: a script has few, and each is the same in every invocation.
  let patterns = new Map();
  function partsOf(pattern) {
    const known = patterns.get(pattern);
    if (known !== undefined) return known;
    const parts = [];
    for (let place = 0; place < pattern.length; ) {
      const letter = pattern[place];
      const part = pattern[place + 1] === letter ? PARTS[letter] : undefined;
      const found = part !== undefined && (letter !== "y" || pattern.slice(place, place + 4) === "yyyy");
      parts.push(found ? part : letter);
      place += found ? (letter === "y" ? 4 : 2) : 1;
    }
    if (patterns.size >= 16) patterns = new Map();
    if (pattern.length <= 64) patterns.set(pattern, parts);
    return parts;
  }

  const two = (number) => (number < 10 ? `0${number}` : `${number}`);
  const PARTS = freeze({
    __proto__: null,
    y: (at) => `${at.getUTCFullYear()}`.padStart(4, "0"),
    M: (at) => two(at.getUTCMonth() + 1),
    d: (at) => two(at.getUTCDate()),
    H: (at) => two(at.getUTCHours()),
    m: (at) => two(at.getUTCMinutes()),
    s: (at) => two(at.getUTCSeconds()),
  });

  // The path that a name means in a file, as `Bundle::resolve` has it.
  function resolved(from, name) {
    const parts = name.startsWith("./") || name.startsWith("../") ? from.split("/").slice(0, -1) : [];
    for (const part of name.split("/")) {
      if (part === ".") continue;
      if (part !== "..") parts.push(part);
      else if (parts.pop() === undefined) return "";
    }
    return parts.join("/");
  }

  for (const name in calls) defineProperty(globalThis, name, { value: calls[name] });

  // What the invocation came to.
  function outcome() {
    if (state.noMethod !== null) return { NoMethod: state.noMethod };
    if (state.excess !== null) return { Excess: state.excess };
    const done = { cost: { micros: 0, ticks: 0, calls: state.calls } };
    if (state.sends !== null) done.sends = state.sends;
    if (state.variables !== null) done.variables = state.variables.changes();
    if (state.stored !== null) done.stored = state.stored.changes();
    if (state.flag !== null) done.flag = state.flag;
    if (state.optOuts !== null) done.opt_outs = state.optOuts;
    if (state.webCalls !== null) done.calls = state.webCalls;
    if (state.wait !== null) done.wait = state.wait;
    if (state.ended) done.ended = true;
    if (state.status !== null) done.status = state.status;
    if (state.log !== null) done.log = state.log;
    if (state.trace !== null) done.trace = state.trace;
    return { Done: done };
  }

  // Nothing of an invocation is left for the next.
  function clear() {
    run = null;
    state.contextText = state.contactText = state.devicesText = state.valuesText = state.historyText = "";
    state.context = state.contact = state.devices = state.values = state.variables = state.stored = null;
    state.methods = state.made = state.excess = state.noMethod = null;
    state.sends = state.optOuts = state.webCalls = state.log = state.trace = null;
    state.flag = state.wait = state.status = null;
    state.ended = false;
    state.calls = 0;
  }

  return {
    // The bounds of all invocations to come.
    configure(given) {
      limits = parse(given);
    },
    // Begins an invocation; gives back what its method gave back, which matters only if it is a promise.
    start(
      factory, entry, now, a, b, c, d, test, conversationId, sourceAddress,
      contextText, contactText, devicesText, valuesText, historyText,
    ) {
      sandbox.setTime(now);
      sandbox.setSeed(a, b, c, d);
      clear();
      state.entry = entry;
      state.now = now;
      state.test = test;
      state.conversationId = conversationId;
      state.sourceAddress = sourceAddress;
      state.contextText = contextText;
      state.contactText = contactText;
      state.devicesText = devicesText;
      state.valuesText = valuesText;
      state.historyText = historyText;
      state.made = create(null);
      run = state;
      const methods = (run.methods = factory());
      const method = methods[entry];
      if (typeof method !== "function") {
        run.noMethod = entry;
        return undefined;
      }
      return method();
    },
    // Ends it: its outcome as JSON, and nothing is left of it. What is not there is as nothing.
    finish() {
      const given = run;
      run = null;
      if (given === null) return stringify({ NoMethod: "" });
      const ended = outcome();
      clear();
      return stringify(ended);
    },
    forget: clear,
    // The factory of a bundle. Each file is made when it is first asked for, anew in each invocation: nothing of one
    // contact is there for another. What is asked for is a file of the bundle or nothing.
    bundle(main, mainPath, given) {
      const files = assign(create(null), given);
      return () => {
        const made = create(null);
        const within = (from) => (name) => {
          const path = resolved(from, text(name, "the name of a file"));
          const file = files[path];
          if (file === undefined) throw new ReferenceError(`the bundle has no file \`${cut(name, 200)}\``);
          if (typeof file === "string") return (made[path] ??= { exports: parse(file) }).exports;
          if (made[path] === undefined) {
            const module = (made[path] = { exports: {} });
            file(module.exports, module, within(path));
          }
          return made[path].exports;
        };
        return main(within(mainPath));
      };
    },
    // Names by which the declarations and the lint are compared.
    names: () => stringify(Object.keys(calls)),
  };
})
