// What comes from the server: an EventSource, and a bounded store of messages.
//
// Messages may come faster than anybody can draw them. They are collected, and
// handed on together after a moment; of the oldest only the last `limit` stay.
// The browser connects again by itself and says which message it had last. Where
// it may not (a refusal ends an EventSource), or where another process answers
// than before, the stream is opened anew, and what is known already is left out.

import { get } from "./api.js";

export const limit = 2000;
const moment = 30; // ms in which messages are collected
const patience = [1000, 2000, 5000, 10000];

export class Stream extends EventTarget {
  constructor(replica) {
    super();
    this.messages = [];
    this.replica = replica;
    this.live = false;
    this.waiting = [];
    this.timer = null;
    this.refusals = 0;
    this.last = 0;
    this.rejoins = false;
  }

  open(past = 500) {
    const source = new EventSource(`api/events?past=${past}`);
    this.source = source;
    source.addEventListener("open", () => this.#opened());
    source.addEventListener("error", () => this.#failed());
    source.addEventListener("message", (e) => this.#take(JSON.parse(e.data)));
    source.addEventListener("live", () => this.#becomeLive());
    source.addEventListener("restarted", () => this.#forget());
    for (const name of ["status", "command", "skipped"]) {
      source.addEventListener(name, (e) => this.#tell(name, JSON.parse(e.data)));
    }
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  async #opened() {
    this.refusals = 0;
    this.#tell("connection", { up: true });
    const about = await get("about").catch(() => null);
    if (about && about.replica !== this.replica) this.#startAnew(about.replica);
  }

  // startAnew forgets everything: it is another process, perhaps with another stream.
  #startAnew(replica) {
    this.source.close();
    Object.assign(this, { replica, live: false });
    this.#forget();
    this.open();
  }

  // forget what is known: its sequence numbers are another stream's.
  #forget() {
    Object.assign(this, { messages: [], waiting: [], last: 0 });
    this.#tell("reset", {});
  }

  #failed() {
    this.#tell("connection", { up: false });
    if (this.source.readyState !== EventSource.CLOSED) return; // the browser tries again
    const wait = patience[Math.min(this.refusals, patience.length - 1)];
    this.refusals += 1;
    setTimeout(() => this.#again(), wait);
  }

  // again opens it anew, or has somebody sign in: an EventSource does not say why it was refused.
  async #again() {
    const refused = await get("about").then(() => null, (err) => err);
    this.rejoins = true;
    if (refused?.status === 401) this.#tell("signedout", {});
    else this.open(limit);
  }

  // rejoin: an EventSource that is opened anew does not say what it had last, so
  // between that and the first message there may be others.
  #rejoin(first) {
    this.rejoins = false;
    if (this.last > 0 && first > this.last + 1) this.#tell("skipped", { from: this.last + 1, to: first - 1 });
  }

  #becomeLive() {
    this.#handOn();
    this.live = true;
    this.#tell("live", {});
  }

  #take(message) {
    if (this.rejoins) this.#rejoin(message.seq);
    if (message.seq <= this.last) return;
    this.last = message.seq;
    this.waiting.push(message);
    this.timer ??= setTimeout(() => this.#handOn(), moment);
  }

  #handOn() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.waiting.length === 0) return;
    const added = this.waiting;
    this.waiting = [];
    this.messages = this.messages.concat(added).slice(-limit);
    this.#tell("messages", { added, live: this.live });
  }
}
