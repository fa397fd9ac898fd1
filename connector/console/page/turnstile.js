// A turnstile lets so many be under way at once; who comes then waits, in order.

export class Turnstile {
  constructor(most) {
    Object.assign(this, { free: most, waiting: [] });
  }

  async pass(act) {
    if (this.free === 0) await new Promise((resolve) => this.waiting.push(resolve));
    else this.free -= 1;
    try {
      return await act();
    } finally {
      this.#leave();
    }
  }

  // leave hands the place on to who has waited longest.
  #leave() {
    const next = this.waiting.shift();
    if (next) next();
    else this.free += 1;
  }
}
