// A line between the browser and the page's server, which can be cut.

import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Line {
  static async to(address) {
    const line = new Line();
    const { port } = new URL(address);
    line.server = createServer((near) => line.#take(near, port)).listen(0, "127.0.0.1");
    await once(line.server, "listening");
    line.address = address.replace(`:${port}/`, `:${line.server.address().port}/`);
    return line;
  }

  constructor() {
    Object.assign(this, { sockets: new Set(), refusal: null });
  }

  #take(near, port) {
    this.#keep(near);
    if (this.refusal) return near.end(this.refusal);
    const far = connect(port, "127.0.0.1");
    this.#keep(far);
    near.pipe(far).pipe(near);
  }

  #keep(socket) {
    this.sockets.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => this.sockets.delete(socket));
  }

  // cut ends what runs over it; what comes anew is answered with a 503, after which no browser tries again by itself.
  cut() {
    this.refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (const socket of this.sockets) socket.destroy();
  }

  mend() {
    this.refusal = null;
  }

  close() {
    this.cut();
    this.server.close();
  }
}
