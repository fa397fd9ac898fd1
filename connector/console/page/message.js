// How one message of the bus is told in a line: its tone, its name, what it says.

export const data = (message) => message.cloudevent?.data ?? {};

// parts of the subject of a message on a chat: before its token, the token, behind it.
export const parts = (subject) => subject.match(/^(.*?\bchat\.)([^.]+)(\.(?:event|result|session)\..*)$/)?.slice(1);

// tone colours a message. What recovery and loss are must be seen at once.
export function tone(message) {
  if (message.kind === "session" && message.name === "gap") return "gap";
  if (message.kind === "session" && message.name === "recovered") return "recovered";
  if (message.kind === "result" && data(message).status === "error") return "error";
  if (message.origin === "history") return "history";
  return message.kind;
}

const seconds = (value) => (value === undefined || value === "" ? "" : `, about ${value} s to wait`);

const events = {
  __proto__: null, // names come from the wire
  message: (d) => quoted(d.text ?? d.html),
  party_joined: (d) => `${name(d)} joins`,
  party_left: (d) => `${name(d)} leaves`,
  status: (d) => `${d.state ?? ""}${seconds(d.estimatedWaitTime)}`,
  typing: () => "types",
  not_typing: () => "has stopped typing",
  file: (d) => `file ${d.fileName ?? ""}${d.error ? ": could not be fetched" : ""}`,
  form_show: (d) => (d.formName ? `asks for the form ${d.formName}` : "asks a question"),
  secure_form_show: (d) => `asks for the secure form ${d.formName ?? ""}`,
  case_set: (d) => `case ${d.caseId ?? ""}`,
  location: (d) => d.url ?? `${d.latitude}, ${d.longitude}`,
  navigation: (d) => d.url ?? d.page ?? "",
  message_delivered: (d) => `the agent has got ${d.refMessageId ?? d.messageId ?? "a message"}`,
  message_read: (d) => `the agent has read ${d.refMessageId ?? d.messageId ?? "a message"}`,
  timeout_warning: (d) => d.message ?? "",
  ended: () => "the session is over",
};

const sessions = {
  __proto__: null,
  opened: (d) => `polling begins${d.app ? `, app ${d.app}` : ""}`,
  recovered: (d) => `${counted(d.events, "event")} came back from the history`,
  gap: (d) => `events may be missing: ${reasons[d.reason] ?? d.reason ?? ""}`,
  closed: (d) => `polling ends: ${String(d.reason ?? "").replaceAll("_", " ")}`,
};

const reasons = {
  __proto__: null,
  signaling: "signaling is in no history",
  history_unavailable: "the history could not be had",
  history_unreadable: "the history could not be read",
};

// summary is what the message says, in a few words. One that nobody foresaw stops no other.
export function summary(message) {
  try {
    return String(told(message));
  } catch {
    return "it cannot be told in a few words";
  }
}

function told(message) {
  const d = data(message);
  if (message.unreadable) return `cannot be read: ${message.unreadable}`;
  if (message.truncated) return `${sized(message.size)} of data`;
  if (message.cloudevent?.dataref) return `data in ${message.cloudevent.dataref}`;
  if (message.kind === "result") return outcome(d);
  const inWords = (message.kind === "session" ? sessions : events)[message.name];
  return inWords ? inWords(d) : compact(d);
}

function outcome(d) {
  if (d.status === "error") return `${d.error?.code ?? "failed"}${d.error?.outcome ? `, ${d.error.outcome.replaceAll("_", " ")}` : ""}`;
  const told = results[d.command];
  return ["ok", told ? told(d.request ?? {}, d.result ?? {}) : compact(d.result ?? {})].filter(Boolean).join(" · ");
}

// results of what one does most.
const results = {
  __proto__: null,
  "chat.request": (asked, got) => `${asked.from ?? "a customer"} is ${got.state ?? "there"}${seconds(got.estimatedWaitTime)}`,
  "chat.send": (asked) => quoted(asked.text ?? asked.html),
  "chat.form": (asked) => (asked.formName ? `the form ${asked.formName} is filled in` : "answered"),
  "chat.file": (asked) => `file ${asked.fileName ?? ""}`,
};

// compact is the JSON of an object without what every message has.
function compact(d) {
  const { chatId, raw, timestamp, ...rest } = d;
  const text = JSON.stringify(rest);
  return text === "{}" ? "" : text.slice(0, 240);
}

const quoted = (text) => `“${String(text ?? "").slice(0, 240)}”`;
const name = (d) => d.displayName || [d.firstName, d.lastName].filter(Boolean).join(" ") || d.partyId || "somebody";

export const counted = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

export function sized(bytes) {
  if (!(bytes >= 0)) return "";
  return bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const short = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const written = (format) => (text) => {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? "" : format.format(at);
};
export const atClock = written(clock);
export const atMinute = written(short);

export function lasting(ms) {
  if (ms === null || ms === undefined) return "";
  return ms < 1000 ? `${Math.round(ms)} ms` : ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60000)} min`;
}

// reach is how far a latency goes in its bar: logarithmic, for 1 ms and 10 s must both be seen.
export const reach = (ms) => Math.min(1, Math.max(0.04, Math.log10(Math.max(1, ms)) / 4));

export const shortChat = (chat) => (chat && chat.length > 10 ? chat.slice(0, 8) : (chat ?? ""));
