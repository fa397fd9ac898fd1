// The right column: the contact center's side, where it is the simulated one.

import { get, post, segment, upload } from "./api.js";
import { button, element, hint, labelled, say, status, submit } from "./element.js";
import { coloured } from "./json.js";
import { Transcript } from "./transcript.js";
import { shortChat, atMinute } from "./message.js";

const often = 1500; // ms between two looks
const brief = 4000; // ms that a success is told

export class Agent {
  constructor(place, stream, about) {
    this.chat = null;
    this.chats = [];
    this.transcript = new Transcript("The conversation as the agent sees it");
    this.outcome = status("outcome");
    place.append(this.#choosing(), this.#desk(about.scripts ?? []), this.outcome);
    stream.addEventListener("messages", () => this.#soon());
    this.look();
    setInterval(() => document.hidden || this.look(), often);
  }

  #choosing() {
    this.list = element("div", { class: "queue", role: "group", "aria-label": "Chats at the contact center" });
    this.none = hint("Nobody waits. A chat that a customer asks for rings here.");
    return element("div", {}, this.none, this.list);
  }

  #desk(scripts) {
    this.text = element("input", { autocomplete: "off", placeholder: "Answer the customer" });
    this.type = button("Typing", () => this.#types(), { "aria-pressed": "false" });
    this.accept = button("Accept", () => this.#accepts(), { class: "primary" });
    this.rings = hint("It rings. Accept it to talk to the customer.");
    this.over = hint("This chat is over. The next one that a customer asks for rings here.");
    const form = element("form", { class: "composing" }, labelled("Answer", this.text, "field unlabelled"), submit("Send"));
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      this.#answer();
    });
    this.forms = element("div", { class: "forms" });
    this.acting = element("div", { class: "acting" }, form, this.#actions(), this.#scripts(scripts));
    this.desk = element("div", { class: "talking" }, this.rings, this.accept, this.transcript.place, this.forms, this.acting, this.over);
    return this.desk;
  }

  async #accepts() {
    if (await this.act("accept")) this.text.focus();
  }

  #actions() {
    this.file = element("input", { type: "file", class: "unseen", tabindex: "-1", "aria-hidden": "true", onchange: () => this.#sendFile() });
    const act = (words, action, body) => button(words, () => this.act(action, body));
    return element("div", { class: "actions" }, this.file,
      this.type, act("Form", "form", { name: "survey" }), act("Question", "form", { name: "" }), act("Secure form", "secureform", { name: "card" }),
      button("File …", () => this.file.click()),
      act("Case", "case"), act("Leave", "leave"), act("End", "end"));
  }

  #scripts(scripts) {
    const names = scripts.map((s) => (typeof s === "string" ? s : s.name));
    if (names.length === 0) return null;
    const choice = element("select", {}, ...names.map((name) => element("option", { value: name }, name)));
    const play = button("Play it", () => this.act("script", { name: choice.value }));
    return element("div", { class: "scripts" }, labelled("Script", choice), play);
  }

  async #answer() {
    const text = this.text.value;
    if (!text.trim()) return;
    this.text.value = "";
    this.type.setAttribute("aria-pressed", "false");
    if (!(await this.act("message", { text })) && !this.text.value) this.text.value = text;
  }

  async #types() {
    const on = this.type.getAttribute("aria-pressed") !== "true";
    if (await this.act("typing", { on })) this.type.setAttribute("aria-pressed", on);
  }

  #sendFile() {
    const [file] = this.file.files;
    this.file.value = "";
    if (file) this.#do("file", (path) => upload(path, file));
  }

  act(action, body = {}) {
    return this.#do(action, (path) => post(path, body));
  }

  async #do(action, send) {
    if (!this.chat) return false;
    const ok = await send(`agent/${segment(this.chat)}/${action}`).then(() => true, (err) => this.#failed(action, err));
    if (ok) this.#came(true, `${action}: done`);
    await this.look();
    return ok;
  }

  #failed(action, err) {
    this.#came(false, `${action}: ${err.message}`);
    return false;
  }

  #came(ok, words) {
    say(this.outcome, words);
    this.outcome.dataset.ok = ok;
    clearTimeout(this.fading);
    if (ok) this.fading = setTimeout(() => say(this.outcome, ""), brief);
  }

  #soon() {
    this.timer ??= setTimeout(() => this.look(), 150);
  }

  // look is never done twice at once: the older answer could come last.
  async look() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.looking) return this.#lookAgain();
    this.looking = get("agent/chats").catch(() => null);
    const chats = await this.looking;
    this.looking = null;
    if (chats) this.#draw(chats);
  }

  // lookAgain does so once the look under way is over: what made it be asked for may not be in it.
  async #lookAgain() {
    this.next ??= this.looking.then(() => {
      this.next = null;
      return this.look();
    });
    await this.next;
  }

  #draw(chats) {
    this.chats = chats;
    const open = chats.filter((c) => !over(c));
    if (!chats.some((c) => c.chat === this.chat)) this.chat = (open[0] ?? chats[0])?.chat ?? null;
    const current = chats.find((c) => c.chat === this.chat);
    if (current && over(current) && open.length > 0) this.chat = open[0].chat;
    this.#drawQueue([...open, ...chats.filter(over)].slice(0, 30));
    this.#drawChat(chats.find((c) => c.chat === this.chat));
  }

  #drawQueue(chats) {
    const key = JSON.stringify(chats.map((c) => [c.chat, c.state, c.customer, c.chat === this.chat]));
    if (key === this.shown) return;
    this.shown = key;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.chat : null;
    this.list.replaceChildren(...chats.map((c) => this.#waiting(c)));
    this.none.hidden = chats.length > 0;
    if (focused) [...this.list.children].find((b) => b.dataset.chat === focused)?.focus();
  }

  #waiting(chat) {
    const about = { "aria-pressed": String(chat.chat === this.chat), "data-state": chat.state, "data-chat": chat.chat };
    return element("button", { type: "button", class: "waiting", ...about, onclick: () => this.#select(chat.chat) },
      element("span", { class: "name" }, chat.customer || "Customer"), element("span", { class: "state" }, chat.state),
      element("code", {}, shortChat(chat.chat)), chat.waitingSince ? element("span", { class: "since" }, atMinute(chat.waitingSince)) : null);
  }

  // drawForms shows what the customer has filled in.
  #drawForms(forms) {
    const key = this.chat + forms.length;
    if (key === this.shownForms) return;
    this.shownForms = key;
    this.forms.replaceChildren(...forms.slice(-5).map((f) => element("div", { class: "filled" },
      hint(f.formName ? `The form ${f.formName}` : "The answer", f.data === null ? " (secure: kept from everybody)" : ""),
      f.data === null ? null : coloured(f.data))));
  }

  #select(chat) {
    this.chat = chat;
    this.#draw(this.chats);
  }

  #drawChat(chat) {
    this.desk.hidden = !chat;
    if (!chat) return;
    this.#mayAct(chat);
    this.transcript.show(chat.chat, chat.transcript.map(line).filter(Boolean), "agent");
    this.#drawForms(chat.forms ?? []);
  }

  // mayAct shows what an agent can do now, and leaves the keyboard on something that is there.
  #mayAct(chat) {
    const active = !waits(chat) && !over(chat);
    this.rings.hidden = this.accept.hidden = !waits(chat);
    this.over.hidden = !over(chat);
    const focused = this.acting.contains(document.activeElement);
    this.acting.hidden = !active;
    if (focused && !active) this.transcript.place.focus();
  }
}

const over = (chat) => chat.state === "ended";
const waits = (chat) => chat.state === "waiting";

// line of a transcript; what is none of anybody's words is a note.
function line(l) {
  if (l.name === "message" || l.name === "file") return { from: l.from, text: l.name === "file" ? `▤ ${l.text}` : l.text, at: l.at };
  const told = notes[l.name];
  if (told === null) return null;
  return { from: "system", text: told ? told(l.text) : [l.name.replaceAll("_", " "), l.text].filter(Boolean).join(": "), at: l.at };
}

const notes = {
  __proto__: null, // names come from the wire
  typing: null,
  not_typing: null,
  message_delivered: null,
  message_read: null,
  status: null,
  party_joined: (who) => `${who || "Somebody"} joins`,
  party_left: (who) => `${who || "The agent"} leaves`,
  form_show: (form) => (form ? `You have asked for the form ${form}` : "You have asked a question"),
  secure_form_show: () => "You have asked for a secure form",
  form_data: (form) => (form ? `The customer has filled in the form ${form}` : "The customer has answered"),
  secure_form_data: () => "The customer has filled in the secure form",
  disconnect: () => "The customer has left the conversation",
  end: () => "The customer has ended the chat",
  ended: () => "The session is over",
};
