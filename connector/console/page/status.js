// The head: whether the connector lives, and how much it does.

import { byId, element, say } from "./element.js";
import { Sparkline } from "./sparkline.js";
import { counted, lasting } from "./message.js";

const whole = new Intl.NumberFormat("en");
const one = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export class Status {
  constructor(stream) {
    this.figures = new Map();
    this.sparkline = new Sparkline();
    byId("figures").append(...this.#all());
    stream.addEventListener("status", (e) => this.show(e.detail));
    stream.addEventListener("connection", (e) => this.#connection(e.detail));
    stream.addEventListener("hello", ({ detail: { version, replica } }) => (byId("ready").title = `version ${version}, replica ${replica}`));
  }

  #all() {
    return [
      this.#figure("chats", "open chats"),
      this.#figure("rate", "events/s", this.sparkline.place),
      this.#figure("poll", "oldest poll"),
      this.#figure("recovered", "recovered"),
      this.#figure("gaps", "gaps"),
      this.#figure("commands", "commands"),
      this.#figure("replicas", "replicas"),
      this.#figure("whose", "figures of"),
    ];
  }

  #figure(name, words, more) {
    const value = element("dd", {}, "–");
    this.figures.set(name, value);
    return element("div", { class: `figure ${name}` }, element("dt", {}, words), value, more ? element("dd", { class: "drawn" }, more) : null);
  }

  show(s) {
    this.last = s;
    this.sparkline.add(s.eventsPerSecond ?? 0);
    this.#set("chats", whole.format(s.openChats ?? 0));
    this.#set("rate", one.format(s.eventsPerSecond ?? 0));
    this.#set("poll", lasting((s.oldestPollSeconds ?? 0) * 1000));
    this.#set("recovered", whole.format(s.recovered ?? 0), s.recovered > 0 ? "good" : "");
    this.#set("gaps", whole.format(s.gaps ?? 0), s.gaps > 0 ? "bad" : "");
    this.#commands(s.commands ?? {});
    this.#replicas(s.replicas ?? []);
    this.#whose(s);
    this.#readiness(s);
    const count = byId("dead-count");
    count.hidden = !(s.deadLetters > 0);
    say(count, whole.format(s.deadLetters ?? 0));
  }

  #set(name, text, tone = "") {
    const value = this.figures.get(name);
    say(value, text);
    value.dataset.tone = tone;
  }

  #commands({ ok = 0, not_done = 0, unknown = 0 }) {
    const key = [ok, not_done, unknown].join();
    if (key === this.shownCommands) return;
    this.shownCommands = key;
    const parts = [outcome(ok, "ok", "good"), " ", outcome(not_done, "not done", "warn"), " ", outcome(unknown, "unknown", "bad")];
    this.figures.get("commands").replaceChildren(...parts);
  }

  #replicas(replicas) {
    const key = JSON.stringify(replicas);
    if (key === this.shownReplicas) return;
    this.shownReplicas = key;
    const most = Math.max(1, ...replicas.map((r) => r.chats));
    const bars = replicas.slice(0, 12).map((r) => {
      const fill = element("span", { class: "share" });
      fill.style.transform = `scaleY(${Math.max(0.08, r.chats / most)})`;
      return element("span", { class: `replica ${r.self ? "self" : ""}`, title: share(r) }, fill);
    });
    const drawn = element("span", { class: "replica-bars", role: "img", "aria-label": replicas.map(share).join(", ") || "none known" }, ...bars);
    this.figures.get("replicas").replaceChildren(String(replicas.length || "–"), drawn);
  }

  // whose figures these are matters where there are several: each replica counts its own.
  #whose({ replica, replicas = [] }) {
    const self = replica ?? replicas.find((r) => r.self)?.id ?? "";
    this.#set("whose", "this replica");
    Object.assign(this.figures.get("whose").parentElement, { hidden: replicas.length < 2, title: self });
  }

  #readiness({ ready, problems = [], weather }) {
    const label = byId("ready");
    label.dataset.state = ready ? "ready" : "not-ready";
    say(label, ready ? "ready" : "not ready");
    const place = byId("problems");
    place.hidden = ready || problems.length === 0;
    const text = problems.map((p) => [[p.part, p.name].filter(Boolean).join(" "), p.message].filter(Boolean).join(": "));
    if (weather?.connector === "stopped") text.push("To go on: Weather, “Start the connector”. What has happened meanwhile is read then.");
    if (place.hidden || this.said === text.join("\n")) return;
    this.said = text.join("\n");
    place.replaceChildren(...text.map((t) => element("p", {}, t)));
  }

  #connection({ up, why }) {
    if (up) return;
    const label = byId("ready");
    label.dataset.state = "lost";
    say(label, why || "no connection: trying again");
  }
}

const outcome = (n, words, tone) =>
  element("span", { "data-tone": n > 0 ? tone : "" }, whole.format(n), element("span", { class: "unit" }, ` ${words}`));

const share = (r) => `${r.id}: ${counted(r.chats, "chat")}${r.self ? " (this one)" : ""}`;
