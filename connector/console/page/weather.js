// What can go wrong, to be tried out; beside each what the connector promises then.

import { post, segment } from "./api.js";
import { button, element, say, status } from "./element.js";

export class Weather {
  constructor(place, stream, about) {
    this.switches = new Map();
    this.outcome = status("outcome");
    place.append(this.outcome, ...about.weather.map((w) => this.#one(w)));
    stream.addEventListener("status", (e) => this.#now(e.detail.weather ?? {}));
  }

  #one({ name, title, promise, kind }) {
    const lasts = kind === "switch";
    const id = `weather-${name}`;
    const form = lasts ? { class: "switch", role: "switch", "aria-checked": "false" } : { class: "once" };
    const made = button(title, () => this.#set(name), { ...form, "aria-describedby": id });
    this.switches.set(name, made);
    return element("div", { class: "phenomenon", "data-name": name }, made, element("p", { id }, promise));
  }

  async #set(name) {
    const pressed = this.switches.get(name);
    const on = pressed.getAttribute("aria-checked") !== "true";
    pressed.disabled = true;
    const failed = (err) => ({ ok: false, words: err.message });
    const said = await post(`weather/${segment(name)}`, { on }).then(() => this.#done(name, on), failed);
    pressed.disabled = false;
    if (document.activeElement === document.body) pressed.focus({ preventScroll: true }); // it has lost it
    say(this.outcome, said.words);
    this.outcome.dataset.ok = said.ok;
  }

  #done(name, on) {
    const pressed = this.switches.get(name);
    if (pressed.getAttribute("role") === "switch") pressed.setAttribute("aria-checked", on);
    return { ok: true, words: `${pressed.textContent}: ${on ? "done" : "over"}` };
  }

  #now(weather) {
    for (const [name, pressed] of this.switches) {
      const on = weather[name] === true || (name === "connector-kill" && weather.connector === "stopped");
      pressed.parentElement.dataset.on = on;
      if (pressed.getAttribute("role") === "switch") pressed.setAttribute("aria-checked", on);
    }
  }
}
