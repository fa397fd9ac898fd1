// What the messages of the bus make of each chat, seen from the customer: that
// is all a back end has, too.

import { data, parts } from "./message.js";

const mostLines = 300;
const mostChats = 200;

export class Conversations {
  constructor() {
    this.chats = new Map();
    this.chosen = null; // is kept, however old
  }

  take(messages) {
    for (const message of messages) if (message.chat) this.#try(message);
  }

  // try: one that nobody foresaw does not stop those behind it.
  #try(message) {
    try {
      this.#one(message);
    } catch (err) {
      console.error(`message ${message.seq} does not fit in its conversation:`, err);
    }
  }

  #one(message) {
    const chat = this.#chat(message);
    if (message.kind === "event") events[message.name]?.(chat, data(message), message);
    if (message.kind === "session") sessions[message.name]?.(chat, data(message), message);
    if (message.kind === "result" && data(message).status === "ok") results[message.name]?.(chat, data(message), message);
    if (chat.lines.length > mostLines) chat.lines.splice(0, chat.lines.length - mostLines);
  }

  #chat(message) {
    const id = message.chat;
    if (!this.chats.has(id)) {
      const token = parts(message.subject)?.[1] ?? id;
      this.chats.set(id, { id, token, lines: [], forms: [], names: new Map(), typing: "", state: "", customer: "", open: true });
      if (this.chats.size > mostChats) this.chats.delete([...this.chats.keys()].find((chat) => chat !== this.chosen));
    }
    return this.chats.get(id);
  }
}

function line(chat, message, from, text, extra = {}) {
  chat.lines.push({ from, text: String(text ?? ""), at: message.cloudevent?.time ?? message.stored, ...extra });
}

const note = (chat, message, text) => line(chat, message, "system", text);
const nameOf = (chat, d) => chat.names.get(d.partyId) ?? "Agent";
const called = (d) => d.displayName || [d.firstName, d.lastName].filter(Boolean).join(" ") || "somebody";

const events = {
  __proto__: null, // names come from the wire
  message(chat, d, m) {
    chat.typing = "";
    if (d.partyId !== d.chatId) return line(chat, m, "agent", d.text ?? d.html, { name: nameOf(chat, d) });
    if (!chat.lines.some((l) => l.id && l.id === d.messageId)) line(chat, m, "customer", d.text ?? d.html, { id: d.messageId });
  },
  party_joined(chat, d, m) {
    chat.names.set(d.partyId, called(d));
    note(chat, m, `${called(d)} joins`);
  },
  party_left: (chat, d, m) => note(chat, m, `${nameOf(chat, d)} leaves`),
  status(chat, d) {
    chat.state = d.state ?? chat.state;
  },
  typing(chat, d) {
    if (d.partyId !== d.chatId) chat.typing = nameOf(chat, d);
  },
  not_typing(chat) {
    chat.typing = "";
  },
  file: (chat, d, m) => line(chat, m, d.partyId === d.chatId ? "customer" : "agent", `▤ ${d.fileName ?? "a file"}`, { name: nameOf(chat, d) }),
  form_show: (chat, d) => asks(chat, d, "chat.form"),
  secure_form_show: (chat, d) => asks(chat, d, "chat.secureform"),
  secure_form_cancel: (chat, d) => answered(chat, d),
  form_data: (chat, d) => answered(chat, d),
  case_set: (chat, d, m) => note(chat, m, `Case ${d.caseId ?? ""}`),
  message_delivered: (chat, d) => mark(chat, d, "✓"),
  message_read: (chat, d) => mark(chat, d, "✓✓"),
};

const sessions = {
  __proto__: null,
  opened(chat) {
    chat.open = true;
  },
  closed(chat, d, m) {
    Object.assign(chat, { open: false, typing: "", forms: [], state: "closed" });
    note(chat, m, `The session is closed: ${String(d.reason ?? "").replaceAll("_", " ")}`);
  },
  recovered: (chat, d, m) => note(chat, m, `Recovered from the history: ${d.events ?? ""}`),
  gap: (chat, d, m) => note(chat, m, "Something may be missing here"),
};

const results = {
  __proto__: null,
  "chat.request"(chat, d) {
    chat.customer = d.request?.from ?? chat.customer;
    chat.state ||= d.result?.state ?? "";
  },
  "chat.send"(chat, d, m) {
    if (d.request) line(chat, m, "customer", d.request.text ?? d.request.html, { id: d.result?.messageId });
  },
  "chat.file": (chat, d, m) => line(chat, m, "customer", `▤ ${d.request?.fileName ?? "a file"}`, { id: d.result?.messageId }),
  "chat.form": (chat, d, m) => sent(chat, d, m),
  "chat.secureform": (chat, d, m) => sent(chat, d, m),
  "chat.secureformcancel": (chat, d) => answered(chat, d.request ?? {}),
  "chat.disconnect": (chat, d, m) => note(chat, m, "You have left the conversation"),
};

function asks(chat, d, command) {
  answered(chat, d);
  chat.forms.push({ id: d.formRequestId, name: d.formName ?? "", command });
}

function answered(chat, d) {
  chat.forms = chat.forms.filter((form) => form.id !== d.formRequestId);
}

function sent(chat, d, m) {
  answered(chat, d.request ?? {});
  note(chat, m, d.request?.formName ? `The form ${d.request.formName} is filled in` : "Answered");
}

function mark(chat, d, sign) {
  const told = chat.lines.find((l) => l.id && l.id === (d.refMessageId ?? d.messageId));
  if (told && !(told.mark === "✓✓")) told.mark = sign;
}
