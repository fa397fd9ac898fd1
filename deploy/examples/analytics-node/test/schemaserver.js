// Serves the connector's schemas under another address, and keeps those who ask waiting until they are let go.
import { once } from "node:events";
import { createServer } from "node:http";

export class SchemaServer {
  asked = false;
  exist = false; // else the connector is an earlier one: then everything is valid
  #open = new Promise((letGo) => (this.letGo = letGo));

  static async start(connector) {
    const server = new SchemaServer();
    server.connector = connector;
    server.http = createServer((request, response) => server.#answer(request, response).catch(() => response.destroy())).listen(0, "127.0.0.1");
    await once(server.http, "listening");
    server.url = `http://127.0.0.1:${server.http.address().port}/schemas`;
    return server;
  }

  /** Finds out whether the connector has schemas. */
  async look() {
    this.exist = (await fetch(`${this.connector}/schemas/v1/event.message.json`)).ok;
  }

  async #answer(request, response) {
    this.asked = true;
    await this.#open;
    const answer = await fetch(this.connector + request.url);
    response.end(this.exist ? await answer.text() : "{}");
  }

  stop() {
    this.http.close();
    this.http.closeAllConnections();
  }
}
