// Which messages the middle column shows: by chat, kind, and what stands in the subject or the text.

import { button, element, labelled } from "./element.js";
import { shortChat, summary } from "./message.js";

const mostChats = 500;
const kinds = ["event", "result", "session"];

export class Filter {
  constructor(place, changed) {
    this.changed = changed;
    this.chats = new Set();
    this.kinds = new Set(kinds);
    const plain = { spellcheck: "false", autocomplete: "off" };
    this.words = element("input", { type: "search", placeholder: "subject or text", ...plain, oninput: () => this.#typed() });
    this.chat = element("select", { onchange: () => changed() }, element("option", { value: "" }, "all chats"));
    place.append(labelled("Find", this.words), labelled("Chat", this.chat), this.#kindButtons());
  }

  #kindButtons() {
    const buttons = kinds.map((kind) =>
      button(kind, (e) => this.#toggle(e.currentTarget, kind), { class: `kind ${kind}`, "aria-pressed": "true" }));
    return element("div", { class: "kinds", role: "group", "aria-label": "Kinds" }, ...buttons);
  }

  #toggle(pressed, kind) {
    if (!this.kinds.delete(kind)) this.kinds.add(kind);
    pressed.setAttribute("aria-pressed", this.kinds.has(kind));
    this.changed();
  }

  #typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.changed(), 120);
  }

  // learn adds the chats of these messages to the choice. The oldest go, but not the chosen one.
  learn(messages) {
    for (const { chat } of messages) {
      if (!chat || this.chats.has(chat)) continue;
      this.chats.add(chat);
      this.chat.append(element("option", { value: chat, title: chat }, shortChat(chat)));
      if (this.chats.size > mostChats) this.#forgetOldest();
    }
  }

  #forgetOldest() {
    const option = [...this.chat.options].find(({ value, selected }) => value && !selected);
    this.chats.delete(option.value);
    option.remove();
  }

  reset() {
    this.chats.clear();
    this.chat.replaceChildren(element("option", { value: "" }, "all chats"));
  }

  get narrow() {
    return this.chat.value !== "" || this.words.value.trim() !== "" || this.kinds.size < kinds.length;
  }

  apply(messages) {
    if (!this.narrow) return messages;
    const words = this.words.value.trim().toLowerCase();
    return messages.filter((m) => this.#passes(m, words));
  }

  #passes(message, words) {
    if (!this.kinds.has(message.kind)) return false;
    if (this.chat.value && message.chat !== this.chat.value) return false;
    return !words || message.subject.toLowerCase().includes(words) || summary(message).toLowerCase().includes(words);
  }
}
