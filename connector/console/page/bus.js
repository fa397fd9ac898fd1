// The middle column: the messages as they pass, what is new said aloud now and then.

import { button, byId, element, say } from "./element.js";
import { Detail } from "./detail.js";
import { Filter } from "./filter.js";
import { List } from "./list.js";
import { fillRow, makeRow } from "./row.js";
import { counted, summary, tone } from "./message.js";

const mostHoles = 3; // that are named
const breath = 4000; // ms between two announcements

export class Bus {
  constructor(stream, about) {
    this.stream = stream;
    this.behind = 0;
    Object.assign(this, { unsaid: [], holes: [], trouble: "", notes: this.#makeNotes() });
    this.filter = new Filter(byId("filter"), () => this.draw());
    const viewport = byId("messages");
    this.detail = new Detail(byId("detail"), { about, closed: () => viewport.focus() });
    this.list = new List(viewport, { make: makeRow, fill: fillRow, open: (m) => this.detail.open(m), moved: (end) => this.#moved(end) });
    viewport.addEventListener("active", (e) => this.detail.isOpen && this.detail.open(e.detail, false));
    byId("newer").addEventListener("click", () => this.#toNewest());
    this.#listen();
    this.draw();
  }

  #listen() {
    this.stream.addEventListener("messages", (e) => this.#add(e.detail));
    this.stream.addEventListener("live", () => this.draw());
    this.stream.addEventListener("reset", () => this.#reset());
    this.stream.addEventListener("skipped", (e) => this.#skipped(e.detail));
    this.stream.addEventListener("trouble", (e) => this.#trouble(e.detail.message));
    this.stream.addEventListener("hello", () => this.trouble && this.#trouble()); // what another server had said
  }

  #reset() {
    this.filter.reset();
    this.#forgetHoles();
    this.behind = 0;
    this.draw();
  }

  #add({ added, live }) {
    this.filter.learn(added);
    if (!this.list.following) this.behind += this.filter.apply(added).length;
    this.draw();
    if (live) this.#announce(added);
  }

  draw() {
    const shown = this.filter.apply(this.stream.messages);
    this.list.show(shown);
    const newer = byId("newer");
    newer.hidden = this.list.following || this.behind === 0;
    if (!newer.hidden) say(newer, `${counted(this.behind, "new message")} ↓`);
    const nothing = byId("nothing");
    nothing.hidden = shown.length > 0;
    nothing.classList.toggle("wrong", this.trouble !== "");
    this.notes.trouble.hidden = this.trouble === "" || shown.length === 0;
    say(nothing, this.trouble || this.#why());
  }

  #why() {
    if (this.filter.narrow) return "Nothing that passes the filter.";
    return this.stream.live ? "Nothing has passed yet. Ask for a chat, and its events come here." : "Reading what has passed …";
  }

  #moved(end) {
    if (end) this.behind = 0;
    byId("newer").hidden = end || this.behind === 0;
  }

  #toNewest() {
    this.behind = 0;
    this.list.toEnd();
    byId("messages").focus();
    this.draw();
  }

  // trouble is why nothing comes.
  #trouble(message = "") {
    this.trouble = message;
    say(this.notes.trouble, message);
    say(byId("alarmed"), message);
    this.draw();
  }

  #skipped({ from, to }) {
    const words = "they came faster than this page could take them, or the stream has them no more.";
    say(byId("alarmed"), `Messages ${from} to ${to} are not shown: ${words}`);
    this.holes = [...this.holes, `#${from} to #${to}`];
    const shown = [this.holes.length > mostHoles ? `${this.holes.length - mostHoles} holes before` : null, ...this.holes.slice(-mostHoles)];
    say(this.notes.words, `${shown.filter(Boolean).join(", ")} are not shown: ${words} `);
    byId("filter").after(this.notes.holes);
  }

  #forgetHoles() {
    this.holes = [];
    this.notes.holes.remove();
  }

  // makeNotes: what stands above the messages where something is wrong with them.
  #makeNotes() {
    const words = element("span");
    const close = button("Close", () => this.#forgetHoles(), { class: "quiet", "aria-label": "Close the note on messages that are not shown" });
    const holes = element("p", { id: "skipped", class: "skipped" }, words, close);
    const trouble = element("p", { id: "trouble", class: "skipped", hidden: true });
    byId("filter").after(trouble);
    return { words, holes, trouble };
  }

  // announce tells those who do not see: a loss or a recovery at once, the rest together.
  #announce(added) {
    const loud = added.filter((m) => ["gap", "recovered"].includes(tone(m)));
    if (loud.length) say(byId("alarmed"), loud.map((m) => `session ${m.name}: ${summary(m)} (#${m.seq})`).join(". "));
    this.unsaid.push(...added.slice(-3));
    this.unsaidCount = (this.unsaidCount ?? 0) + added.length;
    this.timer ??= setTimeout(() => this.#speak(), breath);
  }

  #speak() {
    const last = this.unsaid.at(-1);
    say(byId("said"), `${counted(this.unsaidCount, "message")}. The last: ${last.name} ${summary(last).slice(0, 120)}`);
    Object.assign(this, { unsaid: [], unsaidCount: 0, timer: null });
  }
}
