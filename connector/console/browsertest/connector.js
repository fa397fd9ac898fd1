// A connector as one runs it, which serves its page to who has the token.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const token = "a token of this test";

export class Connector {
  // on a demonstration's NATS and contact center, beside its connector: with a prefix of its own.
  static async on(demo, prefix) {
    const folder = mkdtempSync(join(tmpdir(), "connector-"));
    writeFileSync(join(folder, "token"), `${token}\n`, { mode: 0o600 });
    const env = {
      CC_NATS_URL: demo.nats, CC_BASE_URL: demo.contactCenter, CC_TENANT_URL: "demo.example", CC_APP_ID: "demo",
      CC_SUBJECT_PREFIX: prefix, CC_HTTP_ADDR: "127.0.0.1:0", CC_CONSOLE: "true", CC_CONSOLE_TOKEN_FILE: join(folder, "token"),
    };
    const process = spawn(globalThis.process.env.CCCONNECTOR, [], { env, stdio: ["ignore", "ignore", "pipe"] });
    const connector = new Connector(process, folder);
    connector.address = await connector.#listens();
    return connector;
  }

  constructor(process, folder) {
    Object.assign(this, { process, folder, log: "" });
    this.leaves = () => process.kill("SIGKILL");
    globalThis.process.once("exit", this.leaves);
  }

  // listens gives the page's address, which it logs.
  async #listens() {
    const lines = createInterface({ input: this.process.stderr });
    return new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        this.log += `${line}\n`;
        if (line.includes('"serving HTTP"')) resolve(`http://${JSON.parse(line).address}/console/`);
      });
      lines.on("close", () => reject(new Error(`the connector has ended:\n${this.log}`)));
    });
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill("SIGTERM");
      await once(this.process, "exit");
    }
    globalThis.process.off("exit", this.leaves);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
