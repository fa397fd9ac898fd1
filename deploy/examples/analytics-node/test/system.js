// What the consumer runs against, as processes: nats-server with the users of `cc-connector permissions`,
// the simulated contact center, and the connector.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "@nats-io/transport-node";

const project = fileURLToPath(new URL("../../../..", import.meta.url));
const password = "only-for-the-test";
const patience = 60_000; // only a hanging test ever waits as long

/** Waits until the condition holds, and returns what it gives. */
export async function until(what, condition) {
  for (const deadline = Date.now() + patience; Date.now() < deadline; ) {
    const found = await condition();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what}: not within ${patience / 1000} s`);
}

function build(dir) {
  const programs = ["./cmd/cc-connector", "./cmd/ccsim", "github.com/nats-io/nats-server/v2"];
  execFileSync("go", ["build", "-o", `${dir}/`, ...programs], { cwd: project, env: { ...process.env, CGO_ENABLED: "0" } });
  return dir;
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** A program that runs, and all that it has said. */
export class Program {
  said = "";

  constructor(path, args, env) {
    this.child = spawn(path, args, { env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on("data", (text) => (this.said += text));
    this.ended = new Promise((resolve) => this.child.on("close", (code, signal) => resolve(signal ?? code)));
  }

  /** Sends the signal and returns how the program ended. */
  async end(signal) {
    this.child.kill(signal);
    return this.ended;
  }
}

export class System {
  #running = [];

  static async start() {
    const system = new System();
    system.dir = mkdtempSync(join(tmpdir(), "analytics-node-"));
    system.programs = process.env.PROGRAMS ?? build(system.dir);
    [system.natsPort, system.simPort, system.httpPort] = [await freePort(), await freePort(), await freePort()];
    system.sim = `http://127.0.0.1:${system.simPort}`;
    system.http = `http://127.0.0.1:${system.httpPort}`;
    writeFileSync(join(system.dir, "password"), password, { mode: 0o600 });
    await system.#startNATS();
    system.run("ccsim", ["-listen", `127.0.0.1:${system.simPort}`, "-pace", "0.05"]);
    await until("the contact center", () => fetch(`${system.sim}/sim/chats`).then((r) => r.ok, () => false));
    return system;
  }

  run(name, args, env) {
    const program = new Program(join(this.programs, name), args, env);
    this.#running.push(program);
    return program;
  }

  async #startNATS() {
    const users = execFileSync(join(this.programs, "cc-connector"), ["permissions", "--reader", "cc-analytics"]).toString();
    const passwords = [...users.matchAll(/\$(\w+_PASSWORD)/g)].map(([, name]) => `${name}: "${password}"`);
    this.#write("passwords.conf", passwords.join("\n"));
    this.#write("users.conf", users.replace(/\]\s*$/, `{user: admin, password: "${password}"}\n]\n`)); // who may do all
    this.#write("nats.conf", `listen: "127.0.0.1:${this.natsPort}"\nmax_payload: 64KB\n
      jetstream { store_dir: "${this.dir}/jetstream" }\nauthorization { include "users.conf" }`);
    this.run("nats-server", ["-c", join(this.dir, "nats.conf")]);
    this.nc = await until("NATS", () => connect({ servers: `127.0.0.1:${this.natsPort}`, user: "admin", pass: password }).catch(() => null));
  }

  #write(name, content) {
    writeFileSync(join(this.dir, name), content, { mode: 0o600 });
  }

  /** Settings of a program that signs in as this user. */
  as(user) {
    return {
      CC_NATS_URL: `nats://127.0.0.1:${this.natsPort}`,
      CC_NATS_USER: user,
      CC_NATS_PASSWORD_FILE: join(this.dir, "password"),
      CC_NATS_INBOX_PREFIX: `_INBOX_${user}`,
    };
  }

  get #contactCenter() {
    return { CC_BASE_URL: this.sim, CC_TENANT_URL: "demo.example", CC_APP_ID: "demo" };
  }

  async startConnector(settings) {
    const env = { ...this.as("cc-connector"), ...this.#contactCenter, CC_HTTP_ADDR: `127.0.0.1:${this.httpPort}`, ...settings };
    const connector = this.run("cc-connector", [], env);
    const ready = () => fetch(`${this.http}/readyz`).then((r) => r.ok, () => false);
    await Promise.race([until("the connector", ready), connector.ended.then(() => Promise.reject(new Error(connector.said)))]);
    return connector;
  }

  /** Makes the consumer as an administrator does. */
  async makeConsumer(reader) {
    const made = this.run("cc-connector", ["streams", "--reader", reader, "--make"], { ...this.as("admin"), ...this.#contactCenter });
    if ((await made.ended) !== 0) throw new Error(made.said);
  }

  async stop() {
    await this.nc?.close();
    await Promise.all(this.#running.map((program) => program.end("SIGKILL")));
    rmSync(this.dir, { recursive: true, force: true });
  }
}
