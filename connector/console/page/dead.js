// Dead letters: durable commands that were given up. To be looked at by whoever
// may look; put back and deleted in the workbench alone.

import { get, post, remove } from "./api.js";
import { button, element, hint, say, status, subject } from "./element.js";
import { coloured } from "./json.js";
import { counted, lasting } from "./message.js";

export class Dead {
  constructor(place, about) {
    Object.assign(this, { place, workbench: about.workbench });
    this.outcome = status("outcome");
    this.list = element("div", { class: "letters" });
    place.append(
      element("header", { class: "document-head" }, element("h2", {}, "Dead letters"), button("Look again", () => this.open())),
      hint("Durable commands that could not be done before their time was over. Each has its reason; put back, it is tried anew."),
      this.outcome, this.list);
  }

  async open() {
    try {
      const letters = await get("dead");
      this.list.replaceChildren(...(letters.length ? letters.map((l) => this.#letter(l)) : [this.#none()]));
    } catch (err) {
      this.#came(false, err.message);
    }
  }

  #none() {
    return element("div", { class: "nothing" }, element("p", { class: "nothing-title" }, "No dead letters"),
      element("p", {}, "Every durable command was done, or is being tried still. One that cannot be done comes to lie here, with its reason."));
  }

  #letter(l) {
    const content = element("div", { class: "letter-content" });
    const look = element("details", {}, element("summary", {}, "Look"), content);
    look.addEventListener("toggle", () => this.#look(l.seq, content), { once: true });
    return element("article", { class: "letter", "aria-label": `${l.command}, ${l.code}` },
      element("header", {}, subject(l.command), element("span", { class: "code-word" }, l.code), element("span", { class: "since" }, since(l))),
      element("p", {}, l.message ?? ""),
      hint(history(l)),
      look, this.workbench ? this.#actions(l) : null);
  }

  async #look(seq, content) {
    const whole = await get(`dead/${seq}`).catch((err) => err.message);
    content.replaceChildren(coloured(whole));
  }

  #actions({ seq }) {
    return element("div", { class: "actions" },
      button("Put back", () => this.#do(`put back #${seq}`, () => post(`dead/${seq}/put-back`)), { class: "primary" }),
      this.#deleting(seq));
  }

  // deleting asks once more, in its own place.
  #deleting(seq) {
    const asked = "Delete for good?";
    const made = button("Delete", () => {
      if (made.textContent === asked) this.#do(`deleted #${seq}`, () => remove(`dead/${seq}`));
      else say(made, asked);
    }, { class: "danger" });
    made.addEventListener("blur", () => say(made, "Delete"));
    return made;
  }

  async #do(words, act) {
    await act().then(() => this.#came(true, words), (err) => this.#came(false, err.message));
    await this.open();
  }

  #came(ok, words) {
    say(this.outcome, words);
    this.outcome.dataset.ok = ok;
  }
}

const since = (l) => [`#${l.seq}`, l.age && `${lasting(l.age * 1000)} old`].filter(Boolean).join(" · ");

const history = (l) => [`${counted(l.attempts ?? 0, "call")} made`, l.chat && `chat ${l.chat}`, l.firstSeen && `first seen ${l.firstSeen}`].filter(Boolean).join(", ");
