// A conversation as lines of text, drawn for either side.

import { element } from "./element.js";
import { atMinute } from "./message.js";

const most = 100;

export class Transcript {
  constructor(label) {
    this.place = element("div", { class: "transcript", role: "log", "aria-label": label, tabindex: "0" });
    this.lines = [];
    this.following = true;
    this.place.addEventListener("scroll", () => (this.following = this.#atEnd()), { passive: true });
    new ResizeObserver(() => this.following && this.#toEnd()).observe(this.place);
  }

  #atEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.place;
    return clientHeight === 0 || scrollTop + clientHeight >= scrollHeight - 8;
  }

  #toEnd() {
    this.place.scrollTop = this.place.scrollHeight;
  }

  // show draws what is new behind what is there, so that it alone is read aloud.
  show(owner, lines, mine) {
    const { place } = this;
    this.following ||= this.owner !== owner;
    const last = lines.slice(-most).map((line) => ({ ...line, key: JSON.stringify([line.from, line.text, line.at]) }));
    const known = this.#keep(owner, last);
    for (let at = 0; at < known; at++) {
      if (!same(this.lines[at], last[at])) place.children[at].replaceWith(drawn(last[at], mine));
    }
    place.append(...last.slice(known).map((line) => drawn(line, mine)));
    Object.assign(this, { owner, lines: last });
    if (this.following) this.#toEnd();
  }

  // keep takes away what is shown no more, and says how many lines are left.
  #keep(owner, lines) {
    const first = this.owner === owner && lines.length > 0 ? this.lines.findIndex((l) => l.key === lines[0].key) : -1;
    const gone = first < 0 ? this.lines.length : first;
    for (let n = 0; n < gone; n++) this.place.firstChild.remove();
    this.lines = this.lines.slice(gone);
    while (this.lines.length > lines.length) {
      this.lines.pop();
      this.place.lastChild.remove();
    }
    return this.lines.length;
  }
}

const same = (one, other) => one.key === other.key && one.mark === other.mark && one.name === other.name;

function drawn(line, mine) {
  if (line.from === "system") return element("p", { class: "note" }, line.text);
  const own = line.from === mine;
  const who = own ? "You" : (line.name ?? (line.from === "agent" ? "Agent" : "Customer"));
  return element("div", { class: `said ${own ? "own" : "other"}` },
    element("p", { class: "words" }, line.text),
    element("p", { class: "who" }, `${who} · ${atMinute(line.at)}`, marked(line.mark)));
}

const marked = (mark) => (mark ? element("span", { class: "mark", title: mark === "✓" ? "delivered" : "read" }, ` ${mark}`) : null);
