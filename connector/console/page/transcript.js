// A conversation as lines of text, drawn for either side.

import { element } from "./element.js";
import { atMinute } from "./message.js";

const most = 100;

export class Transcript {
  constructor(label) {
    this.place = element("div", { class: "transcript", role: "log", "aria-label": label, tabindex: "0" });
    this.shown = "";
  }

  // show draws only what is new behind what is there, so that it alone is read aloud.
  show(owner, lines, mine) {
    const last = lines.slice(-most);
    const keys = last.map((l) => JSON.stringify([l.from, l.text, l.at, l.mark]));
    const before = this.owner === owner ? this.keys : [];
    if (before.length > keys.length || before.some((key, at) => key !== keys[at])) this.place.replaceChildren();
    const known = this.place.childElementCount && this.owner === owner ? before.length : (this.place.replaceChildren(), 0);
    const atEnd = this.place.scrollTop + this.place.clientHeight >= this.place.scrollHeight - 8;
    this.place.append(...last.slice(known).map((l) => drawn(l, mine)));
    Object.assign(this, { owner, keys });
    if (atEnd || known === 0) this.place.scrollTop = this.place.scrollHeight;
  }
}

function drawn(line, mine) {
  if (line.from === "system") return element("p", { class: "note" }, line.text);
  const own = line.from === mine;
  const who = own ? "You" : (line.name ?? (line.from === "agent" ? "Agent" : "Customer"));
  return element("div", { class: `said ${own ? "own" : "other"}` },
    element("p", { class: "words" }, line.text),
    element("p", { class: "who" }, `${who} · ${atMinute(line.at)}`, line.mark ? element("span", { class: "mark", title: line.mark === "✓" ? "delivered" : "read" }, ` ${line.mark}`) : null));
}
