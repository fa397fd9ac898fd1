// One message opened: its data, envelope, what was published, and
// whether it keeps to its schema.

import { get } from "./api.js";
import { button, element, hint, subject } from "./element.js";
import { coloured } from "./json.js";
import { copyButton, copyable } from "./copy.js";
import { tabs } from "./tabs.js";
import { tone, sized, lasting } from "./message.js";
import { nats, streamName } from "./shell.js";

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
      Raw: element("div", { class: "raw" }),
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
    const choose = tabs(this.place.querySelector("[role=tablist]"), (id) => this.#chosen(id));
    if (part) choose(part);
  }

  #chosen(part) {
    this.part = part;
    const place = this.place.querySelector(`[aria-labelledby=${part}] .raw`);
    if (place) this.#raw(place, this.seq);
  }

  // raw is every character as it was published: what JSON is read into loses some of it.
  async #raw(place, seq) {
    place.replaceChildren(hint("Reading it …"));
    const whole = await get(`messages/${seq}`).catch((err) => ({ failed: err.message }));
    if (whole.failed) place.replaceChildren(element("p", { class: "error" }, whole.failed));
    else place.replaceChildren(hint("As it was published, character by character:"), coloured(whole.raw ?? ""), copyButton(whole.raw ?? "", "the raw message"));
  }

  #head(message) {
    this.verdict = element("p", { class: "verdict", role: "status" }, "checking against its schema …");
    const close = button("Close", () => this.close(), { class: "quiet", "aria-label": "Close the message" });
    return element("header", { class: "detail-head" },
      element("div", { class: "detail-title" }, subject(message.subject, "h3"), copyButton(message.subject, "the subject"), close),
      this.verdict);
  }

  #onTheBus(message) {
    const { prefix, natsURL } = this.about;
    const stream = streamName(prefix, "EVENTS");
    const shell = `${nats(natsURL)} stream get ${stream} ${message.seq}`;
    const { seq, stored, size, latencyMs, headers } = message;
    const facts = { stream, sequence: seq, stored, size: sized(size), "time on the way": latencyMs < 0 ? `the sender's clock is ahead by ${lasting(-latencyMs)}` : lasting(latencyMs), ...headers };
    return element("div", { class: "facts" }, attributes(facts), copyable(shell, "the nats command"));
  }

  // validate waits a little: arrow keys pass many messages by.
  async #validate(seq) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (this.seq !== seq) return;
    const verdict = this.verdict;
    const found = await get(`validate/${seq}`).catch((err) => ({ failed: err.message }));
    if (found.failed) return verdict.replaceChildren(`– not checked: ${found.failed}`);
    const said = found.verdict ?? (found.valid ? "valid" : "invalid");
    if (said === "unchecked") return verdict.replaceChildren(`– not checked: ${found.why}`);
    verdict.dataset.valid = said === "valid";
    const faults = (found.errors ?? []).map((fault) => element("span", { class: "fault" }, fault));
    const by = found.schema ? [" by ", link(found.schema)] : []; // what is no CloudEvent names none
    verdict.replaceChildren(said === "valid" ? "✓ valid" : "✗ not valid", ...by, ...faults);
  }
}

function link(schema) {
  const name = String(schema ?? "").split("/").pop();
  return String(schema).startsWith("/schemas/") ? element("a", { href: schema, target: "_blank", rel: "noreferrer" }, name) : name;
}

function attributes(envelope) {
  const rows = Object.entries(envelope).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return element("dl", { class: "attributes" }, ...rows.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, inWords(value))]));
}

function inWords(value) {
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function sections(panels) {
  const names = Object.keys(panels);
  const id = (name, what) => `detail-${what}-${names.indexOf(name)}`;
  const list = element("div", { class: "views small", role: "tablist", "aria-label": "Parts of the message" },
    ...names.map((name) => element("button", { type: "button", role: "tab", id: id(name, "tab"), "aria-controls": id(name, "panel") }, name)));
  const attributesOf = (name) => ({ role: "tabpanel", tabindex: "0", id: id(name, "panel"), "aria-labelledby": id(name, "tab") });
  const shown = names.map((name) => element("div", { class: "detail-panel", ...attributesOf(name) }, panels[name]));
  return [list, ...shown];
}
