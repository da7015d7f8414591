/**
 * What a script of Signalbox can call. A script is one file of strict JavaScript whose top-level functions are its
 * methods; `begin`, `moHandler`, `optOutHandler` and `helpHandler` must be there, `optInHandler` may. Nothing is sent or
 * stored while it runs: all that it wants is done at once after it has ended, or nothing of it.
 */

/** A way to reach somebody. */
type Channel = "text" | "voice" | "email";

/** What session variables and stored values hold. */
type Value = number | string | Date;

/** On whose behalf the script runs. */
interface Account {
  readonly name: string;
  /** Channels that are contracted. */
  readonly channels: readonly Channel[];
  /** Whether a channel is contracted. */
  can(channel: Channel): boolean;
}

/** The pass through a contact list that a message belongs to; of a reply, the pass that sent what it answers. */
interface CallPass {
  readonly id: number;
  readonly name: string;
  readonly startedAt: Date;
}

/** A telephone or address. */
interface Device {
  /** Digits of E.164 without a plus, or an email address. */
  readonly address: string;
  /** What the contact calls it, such as `home` or `cell`; empty when unknown. */
  readonly kind: string;
  readonly line: "wireless" | "landline" | "voip" | "unknown";
  readonly carrier: string | null;
  /** ISO 3166-1 alpha-2. */
  readonly country: string | null;
  readonly isWireless: boolean;
}

/** Whom the conversation is with. */
interface Contact {
  /** Zero for one that is not stored. */
  readonly id: number;
  readonly clientId: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly company: string;
  readonly email: string;
  readonly devices: readonly Device[];
  /** Fields as they were submitted with the list. */
  readonly fields: { readonly [name: string]: string };
  /** A submitted field; empty when there is none. */
  field(name: string): string;
}

/** A message that was sent or received. */
interface ContactAttempt {
  readonly id: string;
  /** `mt`: to the device; `mo`: from it. */
  readonly side: "mt" | "mo";
  readonly at: Date;
  readonly device: string;
  readonly sourceAddress: string;
  readonly text: string;
  /** Completion status by name; empty while that is open. */
  readonly status: string;
  readonly subCampaign: string;
  /** The keyword that it is, folded, when it is one. */
  readonly keyword: string | null;
}

/** The messages so far between the device and one of our addresses, and what earlier invocations left. */
interface Conversation {
  readonly id: string;
  readonly sourceAddress: string;
  /** Successful messages of the sub-campaign, oldest first. */
  readonly attempts: readonly ContactAttempt[];
  /** Messages of other sub-campaigns of the account with the device, oldest first. */
  readonly elsewhere: readonly ContactAttempt[];
  /** A session variable. */
  get(name: string): Value | undefined;
  /** Sets one. `nextAction` names the method that gets the next message in place of `moHandler`; empty for none. */
  set(name: string, value: Value): void;
  remove(name: string): void;
  names(): string[];
}

/** The sub-campaign that runs the script. */
interface SubCampaign {
  readonly id: number;
  readonly name: string;
  /** Its campaign's name, or empty. */
  readonly campaign: string;
  readonly kind: "outbound" | "inbound";
}

/** The current execution. */
interface ScriptContext {
  /** The method that was called. */
  readonly entry: string;
  /** The version of the script. */
  readonly version: number;
  /** True in a dry run and for test traffic. */
  readonly test: boolean;
  /** True when the method was called because no reply came in time. */
  readonly timedOut: boolean;
  /** The limit of time. */
  readonly softMilliseconds: number;
  /** The limit of instructions, in ticks of 10,000 operations. */
  readonly ticks: number;
  /** The time of this invocation; `new Date()` is the same. */
  readonly now: Date;
  /** Tells the workflow how it went. `badData`: the attempt is filtered. Another word is kept with the attempt. */
  setStatus(status: "ok" | "badData" | string, reason?: string): void;
}

/** What a web service answered. */
interface WebAnswer {
  readonly service: string;
  /** HTTP status; zero when no answer came. */
  readonly status: number;
  readonly body: string;
  /** Why there is none, or empty. */
  readonly error: string;
  /** The body as JSON; throws when it is none. */
  json(): any;
}

/** How a text would be sent. */
interface Segments {
  readonly encoding: "gsm7" | "ucs2";
  /** Septets, or octets of UCS-2. */
  readonly units: number;
  readonly segments: number;
  /** Units that still fit the last segment. */
  readonly spare: number;
  readonly perSegment: number;
}

declare function getAccount(): Account;
/** The pass of this message; for a reply, of the message that it answers. */
declare function getCallPass(): CallPass | null;
declare function getContact(): Contact;
/** The message that came; null in `begin` and after a time-out. */
declare function getContactAttempt(): ContactAttempt | null;
declare function getConversation(): Conversation;
/** The device that is sent to, or that sent. */
declare function getDevice(): Device;
declare function getScriptContext(): ScriptContext;
declare function getSubCampaign(): SubCampaign;
/** The answer for which this method was named in `callWebService`. */
declare function getWebAnswer(): WebAnswer | null;

/** Sends a text of an approved program after the script has ended. Several make one group, in order. */
declare function sendTextMessage(program: string, text: string): void;
/** As `sendTextMessage`, but a long text becomes several messages of one group. */
declare function sendLongTextMessage(program: string, text: string): void;
/** Lets an agent see the message. */
declare function flagForAgent(reason?: string): void;
/** Opts the device, or the contact on all devices, out. Without a level, the account's usual one. */
declare function optOut(
  level?: "campaign" | "account" | "enterprise" | null,
  options?: { subject?: "device" | "clientId"; channels?: Channel[] },
): void;
/** Calls a web service of the account after the script has ended; its answer runs the method. */
declare function callWebService(service: string, options?: { path?: string; body?: string }, then?: string): void;
/** Waits so many seconds for a reply; then runs the method, or ends the conversation if none is named. */
declare function waitForReply(seconds: number, then?: string): void;
declare function endConversation(): void;
/** A value that an earlier conversation with this device left. */
declare function getStoredValue(name: string): Value | undefined;
declare function setStoredValue(name: string, value: Value): void;
declare function removeStoredValue(name: string): void;
/** Whether a device, or the one of this invocation, is a mobile. */
declare function isWireless(device?: Device): boolean;
/** A line for the author of the script. */
declare function log(...parts: any[]): void;

/** Encoding and segments of a text. */
declare function segments(text: string): Segments;
/** Lower case, without diacritics, blanks as one: for comparing what people type. */
declare function foldText(text: string): string;
declare function formatNumber(number: number, decimals?: number, point?: string, group?: string): string;
/** `yyyy`, `MM`, `dd`, `HH`, `mm`, `ss` of a date in UTC, or so many minutes from it. */
declare function formatDate(date: Date, pattern: string, offsetMinutes?: number): string;
