// Dead letters: durable commands that were given up. To be looked at by whoever
// may look; put back and deleted in the workbench alone.

import { get, post, remove } from "./api.js";
import { button, element, hint, say, status, subject } from "./element.js";
import { coloured } from "./json.js";
import { counted, lasting } from "./message.js";

const atOnce = 200;
const whole = new Intl.NumberFormat("en");

export class Dead {
  constructor(place, about) {
    Object.assign(this, { place, workbench: about.workbench });
    this.outcome = status("outcome");
    this.list = element("div", { class: "letters" });
    this.count = status("hint");
    this.more = button("Show more", () => this.#showMore(), { hidden: true });
    this.again = button("Look again", () => this.open());
    place.append(
      element("header", { class: "document-head" }, element("h2", {}, "Dead letters"), this.again),
      hint("Durable commands that could not be done before their time was over. Each has its reason; put back, it is tried anew."),
      this.outcome, this.list, element("div", { class: "actions" }, this.count, this.more));
  }

  async open() {
    try {
      const found = await this.#read(0);
      this.list.replaceChildren(...(found.length ? found : [this.#none()]));
    } catch (err) {
      this.#came(false, err.message);
    }
  }

  async #showMore() {
    try {
      const found = await this.#read(this.last);
      this.list.append(...found);
      found[0]?.querySelector("summary").focus();
    } catch (err) {
      this.#came(false, err.message);
    }
  }

  // read gives some of the letters, drawn: there may be thousands.
  async #read(after) {
    const found = await get(`dead?after=${after}&most=${atOnce}`);
    const { letters, more, total } = Array.isArray(found) ? { letters: found } : found; // a list is all there are
    this.last = letters.at(-1)?.seq ?? after;
    this.shown = letters.length + (after ? this.shown : 0);
    this.more.hidden = !more;
    Object.assign(this, { total, counts: more || after > 0 });
    this.#sayCount();
    return letters.map((l) => this.#letter(l));
  }

  #sayCount() {
    say(this.count, this.counts ? `${whole.format(this.shown)} of ${whole.format(this.total)}` : "");
  }

  #none() {
    return element("div", { class: "nothing" }, element("p", { class: "nothing-title" }, "No dead letters"),
      element("p", {}, "Every durable command was done, or is being tried still. One that cannot be done comes to lie here, with its reason."));
  }

  #letter(l) {
    const content = element("div", { class: "letter-content" });
    const look = element("details", {}, element("summary", {}, "Look"), content);
    look.addEventListener("toggle", () => look.open && this.#look(l.seq, content));
    return element("article", { class: "letter", "data-seq": l.seq, "aria-label": `${l.command}, ${l.code}` },
      element("header", {}, subject(l.command), element("span", { class: "code-word" }, l.code), element("span", { class: "since" }, since(l))),
      element("p", {}, l.message ?? ""),
      hint(history(l)),
      look, this.workbench ? this.#actions(l) : null);
  }

  async #look(seq, content) {
    if (content.dataset.read) return;
    const found = await get(`dead/${seq}`).catch((err) => ({ failed: err.message }));
    if (found.failed) return content.replaceChildren(element("p", { class: "error", role: "alert" }, found.failed));
    content.dataset.read = "yes";
    content.replaceChildren(coloured(readable(found)));
  }

  #actions({ seq }) {
    return element("div", { class: "actions" },
      button("Put back", () => this.#do(seq, "put back", () => post(`dead/${seq}/put-back`)), { class: "primary" }),
      this.#deleting(seq));
  }

  // deleting asks once more, in its own place.
  #deleting(seq) {
    const asked = "Delete for good?";
    const made = button("Delete", () => {
      if (made.textContent === asked) this.#do(seq, "deleted", () => remove(`dead/${seq}`));
      else say(made, asked);
    }, { class: "danger" });
    made.addEventListener("blur", () => say(made, "Delete"));
    return made;
  }

  async #do(seq, done, act) {
    const failed = await act().then(() => null, (err) => err);
    this.#came(!failed, failed ? failed.message : `${done} #${seq}`);
    if (!failed || failed.status === 404) this.#take(seq);
  }

  // take takes one from the list: the others stay as they are, and the keyboard goes on.
  #take(seq) {
    const letter = this.list.querySelector(`[data-seq="${seq}"]`);
    if (!letter) return;
    const focused = letter.contains(document.activeElement);
    const next = letter.nextElementSibling ?? letter.previousElementSibling;
    letter.remove();
    this.shown -= 1;
    this.total -= 1;
    this.#sayCount();
    if (focused) (next?.querySelector("summary") ?? this.again).focus();
    if (!next) this.open();
  }

  #came(ok, words) {
    say(this.outcome, words);
    this.outcome.dataset.ok = ok;
  }
}

// readable: data that are JSON are shown as such, not as a string of it.
function readable(letter) {
  try {
    return { ...letter, data: JSON.parse(letter.data) };
  } catch {
    return letter;
  }
}

const since = (l) => [`#${l.seq}`, l.age && `${lasting(l.age * 1000)} old`].filter(Boolean).join(" · ");

const history = (l) => [`${counted(l.attempts ?? 0, "call")} made`, l.chat && `chat ${l.chat}`, l.firstSeen && `first seen ${l.firstSeen}`].filter(Boolean).join(", ");
