// A command: the subject and the JSON it is published with, and the nats command
// that does the same. The page's server publishes it; nothing here is special.

import { post } from "./api.js";
import { natsCommand, putCommand } from "./shell.js";
import { Turnstile } from "./turnstile.js";

const atOnce = 3; // live commands under way: a browser has six connections

export class Commander {
  constructor(about) {
    this.about = about;
    this.turns = new Map(); // of each chat, the live command that was given last
    this.turnstile = new Turnstile(atOnce);
    this.known = new Map((about.commands ?? []).map((c) => [named(about.prefix, c.subject), c]));
  }

  get names() {
    return [...this.known.keys()];
  }

  example(name) {
    return this.known.get(name)?.schema?.examples?.[0] ?? {};
  }

  // describe says how it is published. Without a chat in the data, a durable one is for a chat to come.
  // A file that is to be put into the object store is put before.
  describe({ name, data, lane, token, put }) {
    const durable = lane === "durable" && this.known.get(name)?.durable;
    const live = `${this.about.prefix}.${name}`;
    const subject = durable ? durable.replace("<chat>", token ?? "<chat>") : live;
    const before = put ? [putCommand(this.about, put)] : [];
    const shell = [...before, natsCommand(this.about.natsURL, subject, data)].join(" && ");
    return { subject, data, lane: durable ? "durable" : "live", shell };
  }

  // run gives a sentence of what came of it, and the result where there is one.
  async run({ name, data, lane, chat }) {
    const { lane: taken } = this.describe({ name, data, lane });
    const send = () => this.#send({ command: name, lane: taken, chat, data });
    if (taken === "durable") return send();
    const pass = () => this.turnstile.pass(send);
    return chat ? this.#inTurn(chat, pass) : pass();
  }

  // tell sends a live command of which nobody waits to hear.
  async tell({ name, data, chat }) {
    await post("command", { command: name, lane: "live", chat, data, wait: false }).catch(() => {});
  }

  // inTurn: the connector does a chat's commands one after the other. Here they
  // wait for that without a connection.
  #inTurn(chat, send) {
    const turn = (this.turns.get(chat) ?? Promise.resolve()).then(send);
    this.turns.set(chat, turn);
    turn.then(() => this.turns.get(chat) === turn && this.turns.delete(chat));
    return turn;
  }

  async #send(order) {
    try {
      const reply = await post("command", order);
      return order.lane === "durable" ? stored(reply) : read(reply);
    } catch (err) {
      return { ok: false, words: err.message };
    }
  }
}

const named = (prefix, subject) => (subject.startsWith(`${prefix}.`) ? subject.slice(prefix.length + 1) : subject);

function stored(reply) {
  if (reply?.error) return { ok: false, words: words(reply.error) };
  return { ok: true, words: `kept in ${reply.stream} as ${reply.seq}: its outcome comes on the bus` };
}

function read(reply) {
  if (reply?.error) return { ok: false, words: words(reply.error) };
  const told = reply?.cloudevent?.data ?? {};
  if (told.status === "ok") return { ok: true, words: "ok", result: told.result ?? {}, told };
  const error = told.error ?? {};
  return { ok: false, words: `${error.code ?? "failed"}: ${error.message ?? ""}${error.outcome ? ` (${error.outcome.replaceAll("_", " ")})` : ""}` };
}

const words = (error) => (typeof error === "string" ? error : (error.message ?? error.code ?? "failed"));
