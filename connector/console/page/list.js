// A list of thousands of messages with the elements of a screenful.
//
// All rows are equally high, so the place of each is known without drawing it:
// a spacer is as high as the whole list, and the rows that can be seen are moved
// to where they belong and filled anew. The list stays at its end while it is
// there; elsewhere it stays on the row that was on top, whatever comes or goes.

import { element } from "./element.js";

const overscan = 6;

export class List {
  constructor(viewport, { make, fill, open, moved }) {
    Object.assign(this, { viewport, make, fill, open, moved });
    this.items = [];
    this.rows = [];
    this.active = null; // the seq that the keyboard is on
    this.following = true;
    this.spacer = element("div", { class: "spacer", role: "presentation" });
    viewport.replaceChildren(this.spacer);
    viewport.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    viewport.addEventListener("keydown", (e) => this.#key(e));
    viewport.addEventListener("click", (e) => this.#click(e));
    new ResizeObserver(() => this.#resized()).observe(viewport);
  }

  show(items) {
    const anchor = this.following ? null : this.#anchor();
    this.items = items;
    this.spacer.style.height = `${items.length * this.height}px`;
    if (anchor) this.viewport.scrollTop = Math.max(0, this.#position(anchor.seq) * this.height + anchor.offset);
    if (this.following) this.toEnd();
    else this.#draw();
  }

  toEnd() {
    this.viewport.scrollTop = this.viewport.scrollHeight;
    this.following = true;
    this.#draw();
  }

  get height() {
    this.measured ??= this.#measure();
    return this.measured;
  }

  #measure() {
    const row = this.make();
    row.classList.add("probe");
    this.spacer.append(row);
    const height = row.offsetHeight;
    row.remove();
    return height || 52;
  }

  // resized keeps the row in sight that the keyboard is on: it opens what takes the room.
  #resized() {
    this.measured = null;
    const inSight = this.rows.some((row) => row.seq === this.active);
    this.show(this.items);
    if (this.active !== null && inSight) this.#reveal(this.active);
  }

  #anchor() {
    const top = this.viewport.scrollTop;
    const first = Math.min(this.items.length - 1, Math.floor(top / this.height));
    return first < 0 ? null : { seq: this.items[first].seq, offset: top - first * this.height };
  }

  // position of the first message with this seq or a higher one.
  #position(seq) {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.items[middle].seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.viewport;
    this.following = scrollTop + clientHeight >= scrollHeight - this.height / 2;
    this.#draw();
    this.moved(this.following);
  }

  #draw() {
    const { scrollTop, clientHeight } = this.viewport;
    const count = Math.min(this.items.length, Math.ceil(clientHeight / this.height) + 1 + 2 * overscan);
    const first = Math.min(this.items.length - count, Math.max(0, Math.floor(scrollTop / this.height) - overscan));
    this.#pool(count);
    for (let at = first; at < first + count; at++) this.#place(this.rows[at % count], at);
    this.#point();
  }

  // pool has as many rows as are needed. The number changes with the height alone; what has the same place keeps its row.
  #pool(needed) {
    while (this.rows.length < needed) {
      const row = this.make();
      this.rows.push(row);
      this.spacer.append(row);
    }
    while (this.rows.length > needed) this.rows.pop().remove();
    if (this.pooled !== needed) for (const row of this.rows) row.seq = null;
    this.pooled = needed;
  }

  #place(row, at) {
    const message = this.items[at];
    if (row.seq !== message.seq) {
      this.fill(row, message);
      row.seq = message.seq;
      row.id = `message-${message.seq}`;
    }
    if (row.at !== at) {
      row.at = at;
      row.style.transform = `translateY(${at * this.height}px)`;
    }
    row.setAttribute("aria-posinset", at + 1);
    row.setAttribute("aria-setsize", this.items.length);
    row.setAttribute("aria-selected", message.seq === this.active);
  }

  #point() {
    const drawn = this.rows.some((row) => row.seq === this.active);
    if (drawn && this.active !== null) this.viewport.setAttribute("aria-activedescendant", `message-${this.active}`);
    else this.viewport.removeAttribute("aria-activedescendant");
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.viewport.clientHeight / this.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) this.#step(steps[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.#openActive();
    else return;
    event.preventDefault();
  }

  #step(by) {
    if (this.items.length === 0) return;
    const last = this.items.length - 1;
    const from = this.active === null ? (by < 0 ? last + 1 : last - 1) : this.#position(this.active);
    const to = Math.min(last, Math.max(0, from + by));
    this.activate(this.items[to].seq);
  }

  activate(seq) {
    this.active = seq;
    this.#reveal(seq);
    this.#draw();
    this.viewport.dispatchEvent(new CustomEvent("active", { detail: this.items[this.#position(seq)] }));
  }

  #reveal(seq) {
    const top = this.#position(seq) * this.height;
    const { scrollTop, clientHeight } = this.viewport;
    if (top < scrollTop) this.viewport.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) this.viewport.scrollTop = top + this.height - clientHeight;
  }

  #openActive() {
    const message = this.items[this.#position(this.active ?? -1)];
    if (message && message.seq === this.active) this.open(message);
  }

  #click(event) {
    const row = event.target.closest("[role=option]");
    if (!row) return;
    this.activate(row.seq);
    this.#openActive();
  }
}
