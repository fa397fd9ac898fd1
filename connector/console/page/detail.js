// One message opened: its data, envelope, what the contact center had said, and
// whether it keeps to its schema.

import { get } from "./api.js";
import { element } from "./element.js";
import { coloured } from "./json.js";
import { copyButton } from "./copy.js";
import { tabs } from "./tabs.js";
import { tone, data, sized, lasting } from "./message.js";
import { quotedForShell } from "./shell.js";

export class Detail {
  constructor(place, { about, closed }) {
    Object.assign(this, { place, about, closed });
    place.addEventListener("keydown", (e) => {
      if (e.key === "Escape") this.close();
    });
  }

  get isOpen() {
    return !this.place.hidden;
  }

  async open(message, focus = true) {
    this.seq = message.seq;
    this.#show(message);
    if (focus) this.place.focus();
    if (message.truncated) await this.#whole(message);
    if (this.seq === message.seq) this.#validate(message.seq);
  }

  close() {
    if (!this.isOpen) return;
    this.place.hidden = true;
    this.seq = null;
    this.closed();
  }

  async #whole(message) {
    const whole = await get(`messages/${message.seq}`).catch(() => null);
    if (whole && this.seq === message.seq) this.#show(whole);
  }

  #show(message) {
    const { data: content, ...envelope } = message.cloudevent ?? {};
    const panels = {
      Data: message.unreadable ? element("p", { class: "error" }, message.unreadable) : coloured(content ?? null),
      Envelope: attributes(envelope),
      Raw: raw(message),
      "On the bus": this.#onTheBus(message),
    };
    this.place.dataset.tone = tone(message);
    this.place.replaceChildren(this.#head(message), ...sections(panels));
    this.place.hidden = false;
    this.#remember();
  }

  // remember goes to the part that was looked at in the message before.
  #remember() {
    const part = this.part;
    const choose = tabs(this.place.querySelector("[role=tablist]"), (id) => (this.part = id));
    if (part) choose(part);
  }

  #head(message) {
    this.verdict = element("p", { class: "verdict", role: "status" }, "checking against its schema …");
    const close = element("button", { type: "button", class: "quiet", "aria-label": "Close the message", onclick: () => this.close() }, "Close");
    return element("header", { class: "detail-head" },
      element("div", { class: "detail-title" }, element("h3", { class: "subject" }, message.subject), copyButton(message.subject, "the subject"), close),
      this.verdict);
  }

  #onTheBus(message) {
    const { prefix, natsURL } = this.about;
    const stream = `${prefix.toUpperCase().replaceAll(".", "_")}_EVENTS`;
    const shell = `nats --server ${quotedForShell(natsURL)} stream get ${stream} ${message.seq}`;
    const facts = { stream, sequence: message.seq, stored: message.stored, size: sized(message.size), "time on the way": lasting(message.latencyMs), ...message.headers };
    return element("div", { class: "facts" }, attributes(facts), element("div", { class: "shell" }, element("code", {}, shell), copyButton(shell, "the nats command")));
  }

  // validate waits a little: arrow keys pass many messages by.
  async #validate(seq) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (this.seq !== seq) return;
    const verdict = this.verdict;
    const found = await get(`validate/${seq}`).catch((err) => ({ failed: err.message }));
    if (found.failed) return verdict.replaceChildren(`not checked: ${found.failed}`);
    verdict.dataset.valid = found.valid;
    verdict.replaceChildren(found.valid ? "✓ valid by " : "✗ not valid by ", link(found.schema), ...(found.errors ?? []).map((e) => element("span", { class: "fault" }, e)));
  }
}

function link(schema) {
  const name = String(schema ?? "").split("/").pop();
  return String(schema).startsWith("/schemas/") ? element("a", { href: schema, target: "_blank", rel: "noreferrer" }, name) : name;
}

function raw(message) {
  const wire = data(message).raw;
  return wire === undefined ? element("p", { class: "hint" }, "The connector itself said this: the contact center has no event of it.") : coloured(wire);
}

function attributes(envelope) {
  const rows = Object.entries(envelope).filter(([, value]) => value !== "" && value !== null && value !== undefined)
    .flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, Array.isArray(value) ? value.join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value))]);
  return element("dl", { class: "attributes" }, ...rows);
}

function sections(panels) {
  const names = Object.keys(panels);
  const id = (name, what) => `detail-${what}-${names.indexOf(name)}`;
  const list = element("div", { class: "views small", role: "tablist", "aria-label": "Parts of the message" },
    ...names.map((name) => element("button", { type: "button", role: "tab", id: id(name, "tab"), "aria-controls": id(name, "panel") }, name)));
  const shown = names.map((name) => element("div", { class: "detail-panel", role: "tabpanel", tabindex: "0", id: id(name, "panel"), "aria-labelledby": id(name, "tab") }, panels[name]));
  return [list, ...shown];
}
