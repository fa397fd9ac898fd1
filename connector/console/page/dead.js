// Dead letters: durable commands that were given up. To be looked at by whoever
// may look; put back and deleted in the workbench alone.

import { get, post, remove } from "./api.js";
import { element, say } from "./element.js";
import { coloured } from "./json.js";
import { lasting } from "./message.js";

export class Dead {
  constructor(place, about) {
    Object.assign(this, { place, workbench: about.workbench });
    this.outcome = element("p", { class: "outcome", role: "status" });
    this.list = element("div", { class: "letters" });
    place.append(
      element("header", { class: "document-head" }, element("h2", {}, "Dead letters"), element("button", { type: "button", onclick: () => this.open() }, "Look again")),
      element("p", { class: "hint" }, "Durable commands that could not be done before their time was over. Each has its reason; put back, it is tried anew."),
      this.outcome, this.list);
  }

  async open() {
    try {
      const letters = await get("dead");
      this.list.replaceChildren(...(letters.length ? letters.map((l) => this.#letter(l)) : [element("p", { class: "nothing" }, "There are none.")]));
    } catch (err) {
      this.#came(false, err.message);
    }
  }

  #letter(l) {
    const content = element("div", { class: "letter-content" });
    const look = element("details", {}, element("summary", {}, "Look"), content);
    look.addEventListener("toggle", () => this.#look(l.seq, content), { once: true });
    return element("article", { class: "letter", "aria-label": `${l.command}, ${l.code}` },
      element("header", {}, element("code", { class: "subject" }, l.command), element("span", { class: "code-word" }, l.code), element("span", { class: "since" }, `#${l.seq} · ${l.age ? `${lasting(l.age * 1000)} old` : ""}`)),
      element("p", {}, l.message ?? ""),
      element("p", { class: "hint" }, `${l.attempts === 1 ? "one call" : `${l.attempts ?? 0} calls`} made${l.chat ? `, chat ${l.chat}` : ""}${l.firstSeen ? `, first seen ${l.firstSeen}` : ""}`),
      look, this.workbench ? this.#actions(l) : null);
  }

  async #look(seq, content) {
    const whole = await get(`dead/${seq}`).catch((err) => err.message);
    content.replaceChildren(coloured(whole));
  }

  #actions({ seq }) {
    return element("div", { class: "actions" },
      element("button", { type: "button", class: "primary", onclick: () => this.#do(`put back #${seq}`, () => post(`dead/${seq}/put-back`)) }, "Put back"),
      this.#deleting(seq));
  }

  // deleting asks once more, in its own place.
  #deleting(seq) {
    const button = element("button", { type: "button", class: "danger" }, "Delete");
    button.addEventListener("click", () => {
      if (button.dataset.sure) return this.#do(`deleted #${seq}`, () => remove(`dead/${seq}`));
      button.dataset.sure = "yes";
      say(button, "Delete for good?");
    });
    button.addEventListener("blur", () => {
      delete button.dataset.sure;
      say(button, "Delete");
    });
    return button;
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
