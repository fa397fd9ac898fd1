// The contract: what the AsyncAPI document says, as something to read.

import { get } from "./api.js";
import { element, hint, labelled, subject } from "./element.js";
import { coloured } from "./json.js";
import { copyable } from "./copy.js";

const groups = [
  ["Live commands", (name) => name.startsWith("live.")],
  ["Durable commands", (name) => name.startsWith("durable.")],
  ["Events", (name) => name.startsWith("event.")],
  ["Session messages", (name) => name.startsWith("session.")],
  ["Results", (name) => name.startsWith("result.")],
  ["Replies", (name) => name.startsWith("reply.")],
  ["Dead letters", (name) => name.startsWith("deadletter.")],
  ["Others", () => true],
];

const directions = { send: "the connector publishes", receive: "you publish" }; // the document tells it from the connector's side

export class Contract {
  constructor(place) {
    this.place = place;
  }

  async open() {
    if (this.document) return;
    this.place.replaceChildren(hint("Reading the contract …"));
    try {
      this.document = await get("contract");
      this.#draw();
    } catch (err) {
      this.place.replaceChildren(element("p", { class: "error", role: "alert" }, err.message));
    }
  }

  #draw() {
    const { info, channels } = this.document;
    const find = element("input", { type: "search", placeholder: "subject or title", oninput: () => this.#filter(find.value) });
    const rest = new Set(Object.keys(channels));
    const taken = (belongs) => [...rest].filter((name) => belongs(name) && rest.delete(name));
    this.sections = groups.map(([title, belongs]) => this.#group(title, taken(belongs))).filter(Boolean);
    const whole = element("a", { href: "/schemas/v1/asyncapi.json", target: "_blank", rel: "noreferrer" }, "AsyncAPI document");
    this.place.replaceChildren(
      element("header", { class: "document-head" }, element("h2", {}, `The contract, version ${info.version}`), whole),
      this.#prose(String(info.description ?? "")),
      labelled("Find", find), ...this.sections);
  }

  // prose is what the contract says of itself; all but its first words are folded.
  #prose(text) {
    const [first, ...more] = text.split("\n\n").map((p) => element("p", {}, p));
    const folded = more.length ? element("details", {}, element("summary", {}, "How to read it"), ...more) : null;
    return element("div", { class: "prose" }, first, folded);
  }

  #group(title, names) {
    if (names.length === 0) return null;
    const entries = names.map((name) => this.#channel(name, this.document.channels[name]));
    return element("section", { class: "channels" }, element("h3", {}, title, element("span", { class: "count" }, String(names.length))), ...entries);
  }

  // channel is filled when it is opened: there are two hundred.
  #channel(name, channel) {
    const address = channel.address ?? "(the reply subject)";
    const operation = this.#operation(name);
    const entry = element("details", { class: "channel" },
      element("summary", {}, subject(address),
        element("span", { class: "direction" }, directions[operation?.action] ?? ""),
        element("span", { class: "about" }, this.#about(channel))));
    entry.dataset.words = `${address} ${name} ${channel.title ?? ""} ${channel.description ?? ""}`.toLowerCase();
    entry.addEventListener("toggle", () => entry.childElementCount === 1 && entry.append(...this.#messages(channel, address)), { once: true });
    return entry;
  }

  // about says what its message is for, which tells more than that it is on the bus.
  #about(channel) {
    const [first] = Object.values(channel.messages ?? {});
    return this.#resolve(first)?.description ?? channel.description ?? "";
  }

  #operation(name) {
    this.operations ??= new Map(Object.values(this.document.operations ?? {}).map((o) => [o.channel?.$ref?.split("/").pop(), o]));
    return this.operations.get(name);
  }

  #messages(channel, address) {
    const intro = copyable(address, "the subject");
    const [first, ...others] = Object.values(channel.messages ?? {}).map((ref) => this.#resolve(ref)).filter(Boolean);
    const more = others.map((m) => element("details", {}, element("summary", {}, m.title ?? m.name), this.#message(m)));
    return [intro, first ? this.#message(first) : null, ...more].filter(Boolean);
  }

  #resolve(value) {
    let found = value;
    for (let depth = 0; found?.$ref && depth < 5; depth++) {
      const path = found.$ref.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
      found = path.reduce((at, key) => at?.[key], this.document);
    }
    return found;
  }

  #message(message) {
    const schema = this.#schema(message);
    const parts = [element("h4", {}, message.title ?? message.name), element("p", {}, message.description ?? "")];
    if (message.summary) parts.push(hint(message.summary));
    for (const example of (message.examples ?? []).slice(0, 2)) parts.push(hint("Example"), coloured(example.payload ?? example));
    if (schema) parts.push(element("details", {}, element("summary", {}, "Schema"), coloured(schema)));
    return element("article", { class: "contract-message" }, ...parts);
  }

  // schema of the data: what is around them is the same everywhere.
  #schema(message) {
    const whole = this.#resolve(message.payload);
    const content = whole?.allOf?.map((part) => part.properties?.data).find(Boolean);
    return content ? this.#resolve(content) : whole;
  }

  #filter(text) {
    const words = text.trim().toLowerCase();
    for (const section of this.sections) {
      let any = false;
      for (const entry of section.querySelectorAll(".channel")) {
        entry.hidden = words !== "" && !entry.dataset.words.includes(words);
        any ||= !entry.hidden;
      }
      section.hidden = !any;
    }
  }
}
