// What a script can call (docs/interfaces/scripts.md). All of it only writes down what is wanted: the outcome is data,
// and nothing happens before the invocation has ended (API-07).
(function (sandbox, segmentsOf) {
  "use strict";
  const { freeze, create, defineProperty } = Object;
  const { parse, stringify } = JSON;
  const NativeDate = Date;

  // Everything that belongs to one invocation; null between two.
  let run = null;

  const cut = (text, limit) => (text.length > limit ? text.slice(0, limit) : text);

  function current() {
    if (run === null) throw new Error("no invocation is under way");
    return run;
  }

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

  function toValue(value, what) {
    if (typeof value === "string") return { Text: value.toWellFormed() };
    if (typeof value === "number") {
      if (!Number.isFinite(value)) throw new TypeError(`${what} is no finite number`);
      return { Number: value };
    }
    if (value instanceof NativeDate) {
      const milliseconds = value.getTime();
      if (!Number.isFinite(milliseconds)) throw new TypeError(`${what} is no valid date`);
      return { Date: Math.round(milliseconds * 1000) };
    }
    throw new TypeError(`${what} must be a number, a string or a date`);
  }

  // Named values of which changes are written down.
  class Values {
    constructor(given, what) {
      this.what = what;
      this.held = new Map(Object.entries(given));
      this.changed = new Map();
    }
    get(name) {
      const value = this.held.get(text(name, "a name"));
      return value === undefined ? undefined : fromValue(value);
    }
    set(name, value) {
      const key = named(name, "a name");
      const limit = current().limits.variables;
      if (!this.held.has(key) && this.held.size >= limit) excess(this.what, this.held.size + 1, limit);
      const written = toValue(value, `${this.what} \`${cut(key, 64)}\``);
      this.held.set(key, written);
      this.changed.set(key, written);
    }
    remove(name) {
      const key = text(name, "a name");
      if (this.held.delete(key)) this.changed.set(key, null);
    }
    names() {
      return [...this.held.keys()];
    }
    changes() {
      return [...this.changed];
    }
  }

  // ---- entities ----
  function entity(fields, lazy) {
    const made = create(null);
    for (const name in fields) made[name] = fields[name];
    for (const name in lazy) {
      let value;
      let known = false;
      defineProperty(made, name, {
        enumerable: true,
        get() {
          if (!known) {
            value = lazy[name]();
            known = true;
          }
          return value;
        },
      });
    }
    return freeze(made);
  }

  const dateOf = (micros) => new NativeDate(micros / 1000);

  function device(given) {
    return entity({
      address: given.address,
      kind: given.kind,
      line: given.line,
      carrier: given.carrier,
      country: given.country,
      isWireless: given.line === "wireless",
    });
  }

  function attempt(given) {
    return entity({
      id: given.id,
      side: given.side === "Mt" ? "mt" : "mo",
      device: given.device,
      sourceAddress: given.source_address,
      text: given.text,
      status: given.status,
      subCampaign: given.sub_campaign,
      keyword: given.keyword,
    }, { at: () => dateOf(given.at) });
  }

  function contact(given) {
    return entity({
      id: given.id,
      clientId: given.client_id,
      firstName: given.first_name,
      lastName: given.last_name,
      company: given.company,
      email: given.email,
      field(name) {
        const value = given.fields[text(name, "a field's name")];
        return typeof value === "string" ? value : "";
      },
    }, {
      devices: () => freeze(given.devices.map(device)),
      fields: () => freeze(Object.assign(create(null), given.fields)),
    });
  }

  function conversation(given, values) {
    return entity({
      id: given.id,
      sourceAddress: given.source_address,
      get: counted("get", (name) => values.get(name)),
      set: counted("set", (name, value) => {
        if (name === "nextAction" && value !== "") methodNamed(value);
        values.set(name, value);
      }),
      remove: counted("remove", (name) => values.remove(name)),
      names: counted("names", () => values.names()),
    }, {
      attempts: () => freeze(given.history.map(attempt)),
      elsewhere: () => freeze(given.elsewhere.map(attempt)),
    });
  }

  function account(given) {
    const channels = freeze([...given.channels]);
    return entity({
      name: given.name,
      channels,
      can: (channel) => channels.includes(channelNamed(channel)),
    });
  }

  function subCampaign(given) {
    return entity({ id: given.id, name: given.name, campaign: given.campaign, kind: given.kind });
  }

  function scriptContext(state) {
    const { invocation, limits } = state;
    return entity({
      entry: state.entry,
      version: invocation.version.version,
      test: invocation.test,
      timedOut: invocation.timed_out,
      softMilliseconds: limits.soft_ms,
      ticks: limits.ticks,
      setStatus: counted("setStatus", (status, reason = "") => {
        const why = text(reason, "the reason of a status");
        const name = named(status, "a status");
        if (name === "ok") current().status = "ok";
        else if (name === "badData") current().status = { bad_data: why };
        else current().status = { other: why === "" ? name : `${name}: ${why}` };
      }),
    }, { now: () => dateOf(invocation.now) });
  }

  function webAnswer(given) {
    return entity({
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
    if (typeof current().methods[method] !== "function") throw new ReferenceError(`the script has no method \`${cut(method, 64)}\``);
    return method;
  }

  // ---- calls ----
  function told(value) {
    if (typeof value === "string") return stringify(cut(value, 80));
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    return value === null || value === undefined ? String(value) : typeof value;
  }

  function counted(name, call) {
    return {
      [name](...given) {
        const state = current();
        state.calls += 1;
        if (state.calls > state.limits.calls) excess("calls of the API", state.calls, state.limits.calls);
        if (state.invocation.test && state.trace.length < state.limits.calls) {
          state.trace.push({ at: state.entry, did: `${name}(${given.map(told).join(", ")})` });
        }
        return call(...given);
      },
    }[name];
  }

  function once(name, make) {
    return counted(name, () => {
      const made = current().made;
      return name in made ? made[name] : (made[name] = make(current()));
    });
  }

  function send(how) {
    return (program, body) => {
      const { sends, limits } = current();
      if (sends.length >= limits.sends) excess("texts", sends.length + 1, limits.sends);
      sends.push({ program: named(program, "the program of a text"), text: text(body, "a text"), cut: how });
    };
  }

  const calls = {
    getAccount: once("getAccount", (state) => account(state.invocation.account)),
    getCallPass: once("getCallPass", ({ invocation: { call_pass: pass } }) => (pass === null ? null : entity(pass))),
    getContact: once("getContact", (state) => contact(state.invocation.contact)),
    getContactAttempt: once("getContactAttempt", ({ invocation }) =>
      invocation.attempt === null ? null : attempt(invocation.attempt)),
    getConversation: once("getConversation", (state) =>
      conversation(state.invocation.conversation, state.variables)),
    getDevice: once("getDevice", (state) => device(state.invocation.device)),
    getScriptContext: once("getScriptContext", scriptContext),
    getSubCampaign: once("getSubCampaign", (state) => subCampaign(state.invocation.sub_campaign)),
    getWebAnswer: once("getWebAnswer", ({ invocation }) =>
      invocation.answer === null ? null : webAnswer(invocation.answer)),

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
      if (subject === undefined) throw new TypeError("the subject of an opt-out is 'device' or 'clientId'");
      const channels = [...(options.channels ?? ["text"])].map(channelNamed);
      if (channels.length === 0 || channels.length > 3) throw new TypeError("an opt-out names one to three channels");
      state.optOuts.push({ level: level ?? null, subject, channels });
    }),
    callWebService: counted("callWebService", (service, options = {}, then = "") => {
      const { webCalls, limits } = current();
      if (webCalls.length >= limits.web_calls) excess("calls of web services", webCalls.length + 1, limits.web_calls);
      webCalls.push({
        service: named(service, "a web service"),
        path: text(options.path ?? "", "the path of a call"),
        body: text(options.body ?? "", "the body of a call"),
        then: then === "" ? "" : methodNamed(then),
      });
    }),
    waitForReply: counted("waitForReply", (seconds, then = "") => {
      const limit = current().limits.wait;
      if (!Number.isInteger(seconds) || seconds < 1) throw new TypeError("a wait is a whole number of seconds, at least 1");
      if (seconds > limit) excess("seconds of a wait", seconds, limit);
      current().wait = { seconds, then: then === "" ? "" : methodNamed(then) };
    }),
    endConversation: counted("endConversation", () => {
      current().ended = true;
    }),
    getStoredValue: counted("getStoredValue", (name) => current().stored.get(name)),
    setStoredValue: counted("setStoredValue", (name, value) => current().stored.set(name, value)),
    removeStoredValue: counted("removeStoredValue", (name) => current().stored.remove(name)),
    isWireless: counted("isWireless", (which) => (which ?? calls.getDevice()).isWireless === true),
    log: counted("log", (...parts) => {
      const { log, limits } = current();
      const line = parts.map((part) => String(part).toWellFormed()).join(" ");
      // A unit of UTF-16 is at most three octets of UTF-8.
      if (log.length < limits.log) log.push(cut(line, Math.floor(limits.value / 4)).toWellFormed());
    }),

    // ---- extension functions (TXS-17): pure, bounded by the lengths of their arguments ----
    segments: counted("segments", (body) => entity(parse(segmentsOf(text(body, "a text"))))),
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
    // Begins an invocation; gives back what its method gave back, which matters only if it is a promise.
    start(factory, given) {
      const { invocation, limits, seed, entry } = parse(given);
      sandbox.setTime(invocation.now / 1000);
      sandbox.setSeed(seed);
      run = {
        invocation, limits, entry, methods: create(null), made: create(null), excess: null, noMethod: null,
        variables: new Values(invocation.conversation.variables, "session variables"),
        stored: new Values(invocation.stored, "kept values"),
        sends: [], optOuts: [], webCalls: [], log: [], trace: [],
        flag: null, wait: null, ended: false, status: "ok", calls: 0,
      };
      run.methods = factory();
      const method = run.methods[entry];
      if (typeof method !== "function") {
        run.noMethod = entry;
        return undefined;
      }
      return method();
    },
    // Ends it: its outcome as JSON, and nothing is left of it.
    finish() {
      const state = run;
      run = null;
      if (state === null) return stringify({ NoMethod: "" });
      if (state.noMethod !== null) return stringify({ NoMethod: state.noMethod });
      if (state.excess !== null) return stringify({ Excess: state.excess });
      return stringify({
        Done: {
          sends: state.sends, variables: state.variables.changes(), stored: state.stored.changes(), position: "",
          flag: state.flag, opt_outs: state.optOuts, calls: state.webCalls, wait: state.wait, ended: state.ended,
          status: state.status, log: state.log, trace: state.trace,
          cost: { micros: 0, ticks: 0, calls: state.calls },
        },
      });
    },
    forget() {
      run = null;
    },
    // Names by which the declarations and the lint are compared.
    names: () => stringify(Object.keys(calls)),
  };
})
