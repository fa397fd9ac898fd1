// The left column: a customer's back end. Whatever it does is a command on the bus.

import { upload } from "./api.js";
import { button, element, hint, labelled, say, status, submit } from "./element.js";
import { Commander } from "./command.js";
import { Echo } from "./echo.js";
import { Transcript } from "./transcript.js";
import { formFor } from "./form.js";
import { shortChat } from "./message.js";
import { anyCommand } from "./anycommand.js";

const quiet = 3000; // ms without a key: the customer types no more

export class Customer {
  constructor(place, stream, about, conversations) {
    Object.assign(this, { stream, conversations, chat: null });
    this.commander = new Commander(about);
    this.echo = new Echo(about.natsURL);
    this.transcript = new Transcript("The conversation as the customer sees it");
    this.none = hint("Ask for a chat: its agent's desk rings, and what passes between you stands on the bus.");
    place.append(this.#asking(), this.none, this.#choosing(), this.#talking(), this.outcome, anyCommand(this), this.echo.place);
    this.#listen();
    this.draw();
    this.#preview(this.#request());
  }

  #listen() {
    this.stream.addEventListener("messages", () => this.draw());
    this.stream.addEventListener("live", () => this.draw());
    this.stream.addEventListener("reset", () => this.#select(null));
    this.stream.addEventListener("command", (e) => this.echo.published(e.detail));
  }

  // --- what there is to see

  #asking() {
    this.from = element("input", { value: "Ada", autocomplete: "off", maxlength: "100" });
    this.topic = element("input", { value: "parcel", autocomplete: "off", maxlength: "100" });
    const form = element("form", { class: "asking" }, labelled("Name", this.from), labelled("Topic", this.topic), submit("Ask for a chat"));
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      this.#ask();
    });
    this.#previews(form, () => this.#request());
    return form;
  }

  #choosing() {
    this.chats = element("select", { onchange: () => this.#select(this.chats.value) });
    this.lanes = element("select", { onchange: () => this.#preview(this.#message()) },
      element("option", { value: "live" }, "live (answered)"),
      element("option", { value: "durable" }, "durable (kept)"));
    this.choice = element("div", { class: "choosing" }, labelled("Chat", this.chats), labelled("Lane", this.lanes));
    return this.choice;
  }

  #talking() {
    this.state = status("state");
    this.forms = element("div", { class: "forms" });
    this.typing = status("typing");
    this.outcome = status("outcome");
    this.acting = element("div", { class: "acting" }, this.#composing(), this.#ending());
    this.over = hint("This chat is over. Ask for another one.");
    const now = element("div", { class: "now" }, this.state, this.typing);
    this.box = element("div", { class: "talking" }, now, this.transcript.place, this.forms, this.acting, this.over);
    return this.box;
  }

  #composing() {
    this.text = element("input", { autocomplete: "off", placeholder: "Write to the agent", oninput: () => this.#types() });
    const form = element("form", { class: "composing" }, labelled("Message", this.text, "field unlabelled"), submit("Send"));
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      this.#send();
    });
    this.#previews(form, () => this.#message());
    return form;
  }

  #ending() {
    this.file = element("input", { type: "file", class: "unseen", tabindex: "-1", "aria-hidden": "true", onchange: () => this.#sendFile() });
    const act = (words, name) => {
      const made = button(words, () => this.act(name));
      this.#previews(made, () => ({ name, data: this.#onChat({}) }));
      return made;
    };
    const file = button("File …", () => this.file.click());
    const sample = { object: "cup.png", fileName: "cup.png", fileType: "image" };
    this.#previews(file, () => ({ name: "chat.file", data: this.#onChat(sample), put: sample.object }));
    return element("div", { class: "actions" }, this.file, file, act("Leave the conversation", "chat.disconnect"), act("End the chat", "chat.end"));
  }

  // previews shows an action's command as soon as the pointer or the keyboard is on it.
  #previews(place, action) {
    for (const event of ["focusin", "pointerenter", "input"]) place.addEventListener(event, () => this.#preview(action()));
  }

  #preview(action) {
    this.echo.preview(this.commander.describe({ ...action, lane: this.lanes.value, token: this.current?.token }));
  }

  preview(action) {
    this.#preview(action);
  }

  // --- the commands

  #request() {
    const topic = this.topic.value.trim();
    return { name: "chat.request", data: { from: this.from.value.trim() || undefined, parameters: topic ? { topic } : undefined } };
  }

  #message() {
    return { name: "chat.send", data: this.#onChat({ text: this.text.value }) };
  }

  #onChat(rest) {
    return { chatId: this.chat ?? "<chat>", ...rest };
  }

  async #ask() {
    const { told, result } = await this.run(this.#request());
    const id = result?.chatId ?? told?.chatId;
    if (!id) return;
    this.wanted = id;
    this.draw();
  }

  async #send() {
    if (!this.text.value.trim()) return;
    const action = this.#message();
    this.text.value = "";
    clearTimeout(this.pause);
    this.isTyping = false;
    const { ok } = await this.run(action);
    if (!ok && !this.text.value) this.text.value = action.data.text;
  }

  #types() {
    if (!this.chat) return;
    if (!this.isTyping) this.commander.tell(this.#typingCommand("chat.typing"));
    this.isTyping = true;
    clearTimeout(this.pause);
    this.pause = setTimeout(() => {
      this.isTyping = false;
      this.commander.tell(this.#typingCommand("chat.nottyping"));
    }, quiet);
  }

  #typingCommand(name) {
    return { name, data: this.#onChat({}), chat: this.chat };
  }

  async #sendFile() {
    const [file] = this.file.files;
    this.file.value = "";
    if (!file) return;
    say(this.outcome, `putting ${file.name} into the object store …`);
    const put = await upload("files", file).catch((err) => this.#came({ ok: false, words: err.message }));
    if (put?.object) await this.run({ name: "chat.file", data: this.#onChat(put) });
  }

  act(name) {
    return this.run({ name, data: this.#onChat({}) });
  }

  // run is how every action of this column goes.
  async run(action) {
    this.#preview(action);
    this.#came({ words: "…" });
    const came = await this.commander.run({ ...action, lane: this.lanes.value, chat: action.data.chatId });
    this.#came({ ...came, words: `${action.name}: ${came.words}` });
    return came;
  }

  #came({ ok, words }) {
    say(this.outcome, words);
    this.outcome.dataset.ok = ok ?? "";
  }

  // --- the chats

  get current() {
    return this.conversations.chats.get(this.chat);
  }

  #select(chat) {
    this.chat = chat;
    this.draw();
  }

  draw() {
    const all = [...this.conversations.chats.values()];
    const wanted = all.find((c) => c.id === this.wanted);
    if (wanted) this.#show(wanted);
    if (!this.current) this.chat = (all.findLast((c) => c.open) ?? all.at(-1))?.id ?? null;
    this.conversations.chosen = this.chat;
    this.#drawChoice(all);
    this.#drawChat(this.current);
  }

  // show goes to the chat that was asked for, once the bus has told of it.
  #show(chat) {
    Object.assign(this, { chat: chat.id, wanted: null });
    this.box.hidden = this.acting.hidden = false;
    this.text.focus();
  }

  #drawChoice(all) {
    const key = all.map((c) => `${c.id}${c.open}${c.customer}`).join() + this.chat;
    if (key === this.shownChats) return;
    this.shownChats = key;
    const words = (c) => `${c.customer || "customer"} · ${shortChat(c.id)}${c.open ? "" : " (closed)"}`;
    this.chats.replaceChildren(...all.toReversed().map((c) => element("option", { value: c.id, selected: c.id === this.chat }, words(c))));
    this.choice.hidden = all.length === 0;
    this.none.hidden = all.length > 0;
  }

  #drawChat(chat) {
    this.box.hidden = !chat;
    if (!chat) return;
    say(this.state, chat.open ? chat.state || "open" : "closed");
    this.state.dataset.state = chat.open ? chat.state : "closed";
    this.transcript.show(chat.id, chat.lines, "customer");
    say(this.typing, chat.typing ? `${chat.typing} is typing …` : "");
    this.#drawForms(chat);
    this.#mayAct(chat.open);
  }

  #mayAct(open) {
    this.over.hidden = open;
    if (this.acting.hidden === !open) return;
    const focused = this.acting.contains(document.activeElement);
    this.acting.hidden = !open;
    if (focused) this.transcript.place.focus();
  }

  #drawForms(chat) {
    const key = chat.id + chat.forms.map((f) => f.id).join();
    if (key === this.shownForms) return;
    this.shownForms = key;
    this.forms.replaceChildren(...chat.forms.map((asked) => formFor(asked, {
      preview: (data) => this.#preview({ name: asked.command, data: this.#onChat(data) }),
      send: (data) => this.run({ name: asked.command, data: this.#onChat(data) }),
    })));
  }
}
