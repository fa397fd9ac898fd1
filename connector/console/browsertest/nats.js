// A client of NATS that knows what the tests need of it: publish, and ask.

import { connect } from "node:net";
import { once } from "node:events";

export class NATS {
  static async of(url) {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    socket.write('CONNECT {"verbose":false}\r\nSUB answer 1\r\n');
    return new NATS(socket);
  }

  constructor(socket) {
    this.socket = socket;
    this.text = "";
    socket.on("data", (bytes) => (this.text += bytes));
  }

  publish(subject, value, answerTo) {
    this.publishText(subject, JSON.stringify(value), answerTo);
  }

  publishText(subject, text, answerTo = "") {
    const body = Buffer.from(text);
    this.socket.write(`PUB ${subject} ${answerTo} ${body.length}\r\n${body}\r\n`);
  }

  async ask(subject, value = {}) {
    this.text = "";
    this.publish(subject, value, "answer");
    const [, answer] = await this.#until(/^MSG answer .*\r\n(.*)\r\n/m);
    return JSON.parse(answer);
  }

  async #until(wanted) {
    for (;;) {
      const found = this.text.match(wanted);
      if (found) return found;
      await once(this.socket, "data");
    }
  }

  close() {
    this.socket.destroy();
  }
}
