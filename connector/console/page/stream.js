// What comes from the server: an EventSource, and a bounded store of messages.
//
// Messages may come faster than anybody can draw them. They are collected, and
// handed on together after a moment, the longer the more time drawing takes: most
// of it stays for whoever uses the page. Of the oldest only the last `limit` stay.
// Each connection is opened here, not by the browser: it says which message of
// which stream was seen last, and goes on behind it, whichever replica answers.
// A tab that nobody sees gives its connection back: a browser has six for all of them.

import { get } from "./api.js";

const usual = 500; // messages of the past, for a new page
const limit = 2000;
const moment = { least: 30, most: 1000 }; // ms in which messages are collected
const rest = 2; // times as long as drawing took, nothing is drawn
const patience = [1000, 2000, 5000, 10000];
const unseen = 5000; // ms out of sight, then it rests

export class Stream extends EventTarget {
  constructor() {
    super();
    Object.assign(this, { source: null, stream: "", why: "", refusals: 0, wanted: false, resting: false, moment: moment.least });
    this.#forget();
    document.addEventListener("visibilitychange", () => this.#sight());
  }

  #forget() {
    clearTimeout(this.timer);
    Object.assign(this, { messages: [], waiting: [], timer: null, last: 0, live: false });
  }

  open() {
    this.#close();
    Object.assign(this, { wanted: true, resting: false });
    this.#sight();
    const source = new EventSource(`api/events?${this.#place()}`);
    this.source = source;
    source.addEventListener("open", () => this.#opened());
    source.addEventListener("error", () => this.#failed());
    source.addEventListener("hello", (e) => this.#greeted(JSON.parse(e.data)));
    source.addEventListener("restarted", (e) => this.#restarted(JSON.parse(e.data)));
    source.addEventListener("message", (e) => this.#take(JSON.parse(e.data)));
    source.addEventListener("skipped", (e) => this.#passedOver(JSON.parse(e.data)));
    source.addEventListener("live", () => this.#becomeLive());
    for (const name of ["status", "command", "trouble"]) {
      source.addEventListener(name, (e) => this.#tell(name, JSON.parse(e.data)));
    }
  }

  // place is where to go on: the server begins anew where the stream is another one.
  #place() {
    return new URLSearchParams(this.last ? { past: limit, after: this.last, stream: this.stream } : { past: usual });
  }

  #close() {
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #opened() {
    Object.assign(this, { refusals: 0, why: "" });
    this.#tell("connection", { up: true });
  }

  #greeted(hello) {
    if (this.stream && hello.stream && hello.stream !== this.stream) this.#startAnew();
    this.stream = hello.stream || this.stream;
    this.#tell("hello", hello);
  }

  // restarted: what comes now happens now, if that was so before.
  #restarted({ stream = "" }) {
    const { live } = this;
    this.#startAnew();
    Object.assign(this, { stream, live });
  }

  // startAnew forgets what was of another stream: its numbers mean something else.
  #startAnew() {
    this.#forget();
    this.#tell("reset", {});
  }

  #failed() {
    this.#close();
    this.#tell("connection", { up: false, why: this.why });
    const wait = patience[Math.min(this.refusals, patience.length - 1)];
    this.refusals += 1;
    this.retry = setTimeout(() => this.#again(), wait);
  }

  // again asks first whether it may: an EventSource does not say why it was refused.
  async #again() {
    const refused = await get("events?probe=1").then(() => null, (err) => err);
    if (this.source || this.resting) return;
    this.why = refused?.status ? refused.message : "";
    if (refused?.status === 401) this.#signedOut();
    else if (refused) this.#failed();
    else this.open();
  }

  #signedOut() {
    this.wanted = false;
    this.#tell("signedout", {});
  }

  #sight() {
    clearTimeout(this.sight);
    if (document.hidden) this.sight = setTimeout(() => this.#rest(), unseen);
    else if (this.resting) this.open();
  }

  #rest() {
    if (!this.wanted) return; // it has not begun, or somebody has to sign in
    this.resting = true;
    this.#close();
  }

  #becomeLive() {
    this.#handOn();
    this.live = true;
    this.#tell("live", {});
  }

  #passedOver(hole) {
    this.last = Math.max(this.last, hole.to);
    this.#tell("skipped", hole);
  }

  #take(message) {
    if (message.seq <= this.last) return;
    this.last = message.seq;
    this.waiting.push(message);
    this.timer ??= setTimeout(() => this.#handOn(), this.moment);
  }

  #handOn() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.waiting.length === 0) return;
    const added = this.waiting;
    this.waiting = [];
    this.messages = this.messages.concat(added).slice(-limit);
    this.#measure();
    this.#tell("messages", { added, live: this.live });
  }

  // measure how long it takes from here to the next frame.
  #measure() {
    const began = performance.now();
    const done = () => (this.moment = Math.min(moment.most, Math.max(moment.least, rest * (performance.now() - began))));
    requestAnimationFrame(() => setTimeout(done));
  }
}
