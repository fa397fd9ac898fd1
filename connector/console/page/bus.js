// The middle column: the messages as they pass, what is new said aloud now and then.

import { byId, say, element } from "./element.js";
import { Detail } from "./detail.js";
import { Filter } from "./filter.js";
import { List } from "./list.js";
import { fillRow, makeRow } from "./row.js";
import { counted, summary, tone } from "./message.js";

const breath = 4000; // ms between two announcements

export class Bus {
  constructor(stream, about) {
    this.stream = stream;
    this.behind = 0;
    this.unsaid = [];
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
    this.stream.addEventListener("reset", () => {
      this.filter.reset();
      byId("skipped")?.remove();
      this.draw();
    });
    this.stream.addEventListener("skipped", (e) => this.#skipped(e.detail));
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
    say(nothing, this.#why());
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

  #skipped({ from, to }) {
    say(byId("alarmed"), `Messages ${from} to ${to} are not shown: this page was too slow, or the stream has them no more.`);
    if (!byId("skipped")) byId("filter").after(element("p", { id: "skipped", class: "skipped" }));
    say(byId("skipped"), `#${from} to #${to} are not shown: they came faster than this page could take them, or the stream has them no more.`);
  }

  // announce tells those who do not see: a loss or a recovery at once, the rest together.
  #announce(added) {
    const loud = added.filter((m) => ["gap", "recovered"].includes(tone(m)));
    if (loud.length) say(byId("alarmed"), loud.map((m) => `session ${m.name}: ${summary(m)}`).join(". "));
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
