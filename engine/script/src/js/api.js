// What a script can call (docs/interfaces/scripts.md). All of it only writes down what is wanted: the outcome is data,
// and nothing happens before the invocation has ended (API-07).
(function (sandbox, segmentsOf) {
  "use strict";
  const { freeze, create, defineProperty } = Object;
  const { parse, stringify } = JSON;
  const NativeDate = Date;

  // Everything that belongs to one invocation; null between two.
  let run = null;
  // The bounds, as they were given last.
  let limits = null;

  const cut = (text, limit) => (text.length > limit ? text.slice(0, limit) : text);

  function current() {
    if (run === null) throw new Error("no invocation is under way");
    return run;
  }

  // Parts of an invocation come as texts of their own, and are read when they are wanted.
  const people = () => (current().people ??= parse(run.peopleText));
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
      this.held = Object.assign(create(null), given);
      this.changed = new Map();
    }
    get(name) {
      const value = this.held[text(name, "a name")];
      return value === undefined ? undefined : fromValue(value);
    }
    set(name, value) {
      const key = named(name, "a name");
      const limit = limits.variables;
      if (this.held[key] === undefined) {
        const count = Object.keys(this.held).length;
        if (count >= limit) excess(this.what, count + 1, limit);
      }
      const written = toValue(value, this.what, key);
      this.held[key] = written;
      this.changed.set(key, written);
    }
    remove(name) {
      const key = text(name, "a name");
      if (this.held[key] === undefined) return;
      delete this.held[key];
      this.changed.set(key, null);
    }
    names() {
      return Object.keys(this.held);
    }
    changes() {
      return [...this.changed];
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
    const value = people().contact.fields[text(name, "a field's name")];
    return typeof value === "string" ? value : "";
  }

  function contact({ contact: given }) {
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
        return (devices ??= freeze(given.devices.map(device)));
      },
      get fields() {
        return (fields ??= freeze(Object.assign(create(null), given.fields)));
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

  function conversation({ core, history }) {
    let parsed, attempts, elsewhere;
    const messages = () => (parsed ??= parse(history));
    return freeze({
      __proto__: null,
      id: core.conversation,
      sourceAddress: core.source_address,
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

  const can = (channel) => current().core.account.channels.includes(channelNamed(channel));

  function account({ core: { account: given } }) {
    return freeze({ __proto__: null, name: given.name, channels: freeze([...given.channels]), can });
  }

  function subCampaign({ core: { sub_campaign: given } }) {
    return freeze({ __proto__: null, id: given.id, name: given.name, campaign: given.campaign, kind: given.kind });
  }

  const setStatus = counted("setStatus", (status, reason = "") => {
    const why = text(reason, "the reason of a status");
    const name = named(status, "a status");
    if (name === "ok") current().status = null;
    else if (name === "badData") current().status = { bad_data: why };
    else current().status = { other: why === "" ? name : `${name}: ${why}` };
  });

  function scriptContext({ core }) {
    return freeze({
      __proto__: null,
      entry: core.entry,
      version: core.version,
      test: core.test,
      timedOut: core.timed_out,
      softMilliseconds: limits.soft_ms,
      ticks: limits.ticks,
      now: new NativeDate(core.now / 1000),
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

  // No call takes more than four arguments; gathering and spreading them would cost more than most calls do.
  function counted(name, call) {
    return {
      [name](a, b, c, d) {
        count(name, arguments);
        return call(a, b, c, d);
      },
    }[name];
  }

  function count(name, given) {
    const state = current();
    state.calls += 1;
    if (state.calls > limits.calls) excess("calls of the API", state.calls, limits.calls);
    if (state.core.test && state.trace.length < limits.calls) {
      state.trace.push({ at: state.core.entry, did: `${name}(${[...given].map(told).join(", ")})` });
    }
  }

  function once(name, make) {
    return counted(name, () => {
      const made = current().made;
      return name in made ? made[name] : (made[name] = make(run));
    });
  }

  function send(how) {
    return (program, body) => {
      const { sends } = current();
      if (sends.length >= limits.sends) excess("texts", sends.length + 1, limits.sends);
      sends.push({ program: named(program, "the program of a text"), text: text(body, "a text"), cut: how });
    };
  }

  const getDevice = once("getDevice", () => device(people().device));
  const calls = {
    getAccount: once("getAccount", account),
    getCallPass: once("getCallPass", ({ core: { call_pass: pass } }) =>
      pass === null ? null : freeze({ __proto__: null, id: pass.id, name: pass.name })),
    getContact: once("getContact", () => contact(people())),
    getContactAttempt: once("getContactAttempt", ({ core }) => (core.attempt === null ? null : attempt(core.attempt))),
    getConversation: once("getConversation", conversation),
    getDevice,
    getScriptContext: once("getScriptContext", scriptContext),
    getSubCampaign: once("getSubCampaign", subCampaign),
    getWebAnswer: once("getWebAnswer", ({ core }) => (core.answer === null ? null : webAnswer(core.answer))),

    sendTextMessage: counted("sendTextMessage", send("whole")),
    sendLongTextMessage: counted("sendLongTextMessage", send("separate")),
    flagForAgent: counted("flagForAgent", (reason = "") => {
      current().flag = text(reason, "the reason of a flag");
    }),
    optOut: counted("optOut", (level, options = {}) => {
      const state = current();
      if (state.optOuts.length >= 16) excess("opt-outs", 17, 16);
      if (level !== undefined && level !== null && !["campaign", "account", "enterprise"].includes(level)) {
        throw new TypeError("the level of an opt-out is 'campaign', 'account' or 'enterprise'");
      }
      const subject = { device: "device", clientId: "client_id" }[options.subject ?? "device"];
      if (typeof subject !== "string") throw new TypeError("the subject of an opt-out is 'device' or 'clientId'");
      const channels = [...(options.channels ?? ["text"])].map(channelNamed);
      if (channels.length === 0 || channels.length > 3) throw new TypeError("an opt-out names one to three channels");
      state.optOuts.push({ level: level ?? null, subject, channels });
    }),
    callWebService: counted("callWebService", (service, options = {}, then = "") => {
      const { webCalls } = current();
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
      count("log", parts);
      const { log } = current();
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
    const two = (number) => String(number).padStart(2, "0");
    const parts = {
      yyyy: String(at.getUTCFullYear()).padStart(4, "0"), MM: two(at.getUTCMonth() + 1), dd: two(at.getUTCDate()),
      HH: two(at.getUTCHours()), mm: two(at.getUTCMinutes()), ss: two(at.getUTCSeconds()),
    };
    return text(pattern, "a pattern").replace(/yyyy|MM|dd|HH|mm|ss/g, (part) => parts[part]);
  }

  for (const name in calls) defineProperty(globalThis, name, { value: calls[name] });

  return {
    // The bounds of all invocations to come.
    configure(given) {
      limits = parse(given);
    },
    // Begins an invocation; gives back what its method gave back, which matters only if it is a promise.
    start(factory, coreText, peopleText, valuesText, history) {
      const core = parse(coreText);
      sandbox.setTime(core.now / 1000);
      sandbox.setSeed(core.seed);
      run = {
        core, peopleText, valuesText, history, people: null, values: null, variables: null, stored: null,
        methods: null, made: create(null), excess: null, noMethod: null,
        sends: [], optOuts: [], webCalls: [], log: [], trace: [],
        flag: null, wait: null, ended: false, status: null, calls: 0,
      };
      const methods = (run.methods = factory());
      const method = methods[core.entry];
      if (typeof method !== "function") {
        run.noMethod = core.entry;
        return undefined;
      }
      return method();
    },
    // Ends it: its outcome as JSON, and nothing is left of it. What is not there is as nothing.
    finish() {
      const state = run;
      run = null;
      if (state === null) return stringify({ NoMethod: "" });
      if (state.noMethod !== null) return stringify({ NoMethod: state.noMethod });
      if (state.excess !== null) return stringify({ Excess: state.excess });
      const done = { cost: { micros: 0, ticks: 0, calls: state.calls } };
      if (state.sends.length > 0) done.sends = state.sends;
      if (state.variables !== null) done.variables = state.variables.changes();
      if (state.stored !== null) done.stored = state.stored.changes();
      if (state.flag !== null) done.flag = state.flag;
      if (state.optOuts.length > 0) done.opt_outs = state.optOuts;
      if (state.webCalls.length > 0) done.calls = state.webCalls;
      if (state.wait !== null) done.wait = state.wait;
      if (state.ended) done.ended = true;
      if (state.status !== null) done.status = state.status;
      if (state.log.length > 0) done.log = state.log;
      if (state.trace.length > 0) done.trace = state.trace;
      return stringify({ Done: done });
    },
    forget() {
      run = null;
    },
    // Names by which the declarations and the lint are compared.
    names: () => stringify(Object.keys(calls)),
  };
})
