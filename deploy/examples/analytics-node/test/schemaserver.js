// Serves the connector's schemas under another address, and keeps those who ask waiting until they are let go.
import { once } from "node:events";
import { createServer } from "node:http";

export class SchemaServer {
  asked = false;
  #open = new Promise((letGo) => (this.letGo = letGo));

  static async start(connector) {
    const server = new SchemaServer();
    server.connector = connector;
    server.http = createServer((request, response) => server.#answer(request, response).catch(() => response.destroy())).listen(0, "127.0.0.1");
    await once(server.http, "listening");
    server.url = `http://127.0.0.1:${server.http.address().port}/schemas`;
    return server;
  }

  async #answer(request, response) {
    this.asked = true;
    await this.#open;
    const answer = await fetch(this.connector + request.url);
    response.end(await answer.text());
  }

  stop() {
    this.http.close();
    this.http.closeAllConnections();
  }
}
