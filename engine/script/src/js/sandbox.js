// The world of a script before it is there: what it must not have is taken away, what depends on the surroundings is
// given, what may take long without an interrupt is bounded, and all of it is frozen.
(function () {
  "use strict";
  const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { freeze } = Object;
  const NativeDate = Date;
  const NativeString = String;
  const world = globalThis;

  // Text that is searched is searched without an interrupt, in the product of both lengths.
  const LONGEST_SEARCHED = 65536;
  const LONGEST_SOUGHT = 1024;
  const LONGEST_NORMALIZED = 4096;

  function hide(object, name, value) {
    defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
  }

  function bounded(text, limit, what) {
    if (text.length > limit) throw new RangeError(`${what} of ${text.length} characters, the limit is ${limit}`);
    return text;
  }

  // Replaces a method by one that bounds its text and what is sought in it. `by` is the symbol by which an object
  // (a regular expression, which can be interrupted) does the search itself.
  function boundSearch(name, by) {
    const native = NativeString.prototype[name];
    const method = {
      [name](sought, second) {
        if (this === null || this === undefined) throw new TypeError(`${name} of ${this}`);
        const text = bounded(NativeString(this), LONGEST_SEARCHED, `${name}: a text`);
        const itself = by !== undefined && typeof sought === "object" && sought !== null && sought[by] !== undefined;
        const what = itself || (name === "split" && sought === undefined)
          ? sought
          : bounded(NativeString(sought), LONGEST_SOUGHT, `${name}: a text sought`);
        return arguments.length < 2 ? apply(native, text, [what]) : apply(native, text, [what, second]);
      },
    }[name];
    hide(NativeString.prototype, name, method);
  }
  boundSearch("indexOf");
  boundSearch("lastIndexOf");
  boundSearch("includes");
  boundSearch("split", Symbol.split);
  boundSearch("replace", Symbol.replace);
  boundSearch("replaceAll", Symbol.replace);

  const normalize = NativeString.prototype.normalize;
  hide(NativeString.prototype, "normalize", {
    normalize(form) {
      return apply(normalize, bounded(NativeString(this), LONGEST_NORMALIZED, "normalize: a text"), [form]);
    },
  }.normalize);

  // Time and chance are given with each invocation, so that a repeated one sees the same.
  let now = 0;
  function GivenDate(...parts) {
    if (new.target === undefined) return new NativeDate(now).toString();
    if (new.target === GivenDate && parts.length < 2) return new NativeDate(parts.length === 0 ? now : parts[0]);
    const target = new.target === GivenDate ? NativeDate : new.target;
    return construct(NativeDate, parts.length === 0 ? [now] : parts, target);
  }
  hide(GivenDate, "name", "Date");
  hide(GivenDate, "now", { now: () => now }.now);
  hide(GivenDate, "parse", NativeDate.parse);
  hide(GivenDate, "UTC", NativeDate.UTC);
  defineProperty(GivenDate, "prototype", { value: NativeDate.prototype });
  hide(NativeDate.prototype, "constructor", GivenDate);
  hide(world, "Date", GivenDate);

  // sfc32.
  let a = 0, b = 0, c = 0, counter = 1;
  hide(Math, "random", {
    random() {
      const sum = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (c << 21) | (c >>> 11);
      c = (c + sum) | 0;
      return (sum >>> 0) / 4294967296;
    },
  }.random);

  // No code from text, by any of the four constructors that make it; no numbers that cost without an interrupt.
  for (const make of [function () {}, function* () {}, async function () {}, async function* () {}]) {
    delete getPrototypeOf(make).constructor;
  }
  delete BigInt.prototype.constructor;
  for (const name of ["eval", "Function", "BigInt"]) delete world[name];

  // Frozen prototypes would forbid `error.name = ...` and the like on objects that inherit from them; a setter makes
  // it an own property, as it is anywhere else.
  function allowOwn(prototype, name) {
    const held = getOwnPropertyDescriptor(prototype, name);
    if (held === undefined || !("value" in held)) return;
    defineProperty(prototype, name, {
      get: () => held.value,
      set(value) {
        if (this === prototype) throw new TypeError(`${NativeString(name)} is frozen`);
        defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
      },
      enumerable: false,
      configurable: false,
    });
  }

  function everything() {
    const found = new Set();
    const open = [world];
    const add = (value) => {
      if (value === null || (typeof value !== "object" && typeof value !== "function") || found.has(value)) return;
      found.add(value);
      open.push(value);
    };
    for (const hidden of [
      [][Symbol.iterator](), ""[Symbol.iterator](), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](),
      "".matchAll(/./g), function* () {}, async function () {}, async function* () {}, (function* () {})(), /./,
    ]) add(getPrototypeOf(hidden));
    while (open.length > 0) {
      const object = open.pop();
      add(getPrototypeOf(object));
      for (const key of ownKeys(object)) {
        const held = getOwnPropertyDescriptor(object, key);
        add(held.value);
        add(held.get);
        add(held.set);
      }
    }
    found.delete(world);
    return found;
  }

  return {
    setTime(milliseconds) {
      now = milliseconds;
    },
    setSeed(first, second, third, fourth) {
      a = first;
      b = second;
      c = third;
      counter = fourth;
    },
    // After this nothing that scripts share can be changed any more.
    seal() {
      for (const name of ["toString", "toLocaleString", "valueOf", "constructor"]) allowOwn(Object.prototype, name);
      for (const name of ownKeys(world)) {
        const prototype = typeof name === "string" && name.endsWith("Error") ? world[name].prototype : undefined;
        if (prototype === undefined) continue;
        for (const field of ["name", "message", "toString", "constructor"]) allowOwn(prototype, field);
      }
      for (const object of everything()) freeze(object);
      freeze(world);
    },
  };
})()
