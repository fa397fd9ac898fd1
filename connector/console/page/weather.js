// What can go wrong, to be tried out; beside each what the connector promises then.

import { post, segment } from "./api.js";
import { element, say } from "./element.js";

export class Weather {
  constructor(place, stream, about) {
    this.switches = new Map();
    this.outcome = element("p", { class: "outcome", role: "status" });
    place.append(this.outcome, ...about.weather.map((w) => this.#one(w)));
    stream.addEventListener("status", (e) => this.#now(e.detail.weather ?? {}));
  }

  #one({ name, title, promise, kind }) {
    const lasts = kind === "switch";
    const id = `weather-${name}`;
    const button = element("button", { type: "button", class: lasts ? "switch" : "once", "aria-describedby": id, onclick: () => this.#set(name) }, title);
    if (lasts) {
      button.setAttribute("role", "switch");
      button.setAttribute("aria-checked", "false");
    }
    this.switches.set(name, button);
    return element("div", { class: "phenomenon", "data-name": name }, button, element("p", { id }, promise));
  }

  async #set(name) {
    const button = this.switches.get(name);
    const on = button.getAttribute("aria-checked") !== "true";
    button.disabled = true;
    const said = await post(`weather/${segment(name)}`, { on }).then((a) => this.#done(name, on, a), (err) => ({ ok: false, words: err.message }));
    button.disabled = false;
    button.focus({ preventScroll: true });
    say(this.outcome, said.words);
    this.outcome.dataset.ok = said.ok;
  }

  #done(name, on) {
    const button = this.switches.get(name);
    if (button.getAttribute("role") === "switch") button.setAttribute("aria-checked", on);
    return { ok: true, words: `${button.textContent}: ${on ? "done" : "over"}` };
  }

  #now(weather) {
    for (const [name, button] of this.switches) {
      const on = weather[name] === true || (name === "connector-kill" && weather.connector === "stopped");
      button.parentElement.dataset.on = on;
      if (button.getAttribute("role") === "switch") button.setAttribute("aria-checked", on);
    }
  }
}
