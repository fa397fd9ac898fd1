// Lands what happens in the chats of a contact center in SQLite, each event exactly once, and tells
// how many chats there were an hour, and how long customers waited for an agent's first message.
import { setTimeout } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Refused, dataOf, readEvent } from "./event.js";
import { Schemas } from "./schemas.js";
import { explain, readSettings } from "./settings.js";
import { Store } from "./store.js";

const batchSize = 100; // messages of a transaction, if so many wait
const retryAfter = 2000; // milliseconds: then comes again what could not be read for the moment
const reportEvery = 5000;
const goodbye = 1000; // no longer than that where NATS is away

let settings;

async function main() {
  settings = readSettings(process.env);
  const store = new Store(settings.database);
  if (process.argv[2] !== "report") await follow(store);
  console.log(store.report());
}

/** Lands events until it is interrupted. */
async function follow(store) {
  const nc = await connect(settings.nats);
  try {
    const jsm = await jetstreamManager(nc, { checkAPI: false }); // who only reads may not ask
    const bus = { nc, jsm, prefix: settings.prefix, files: settings.files };
    const consumer = await jsm.jetstream().consumers.getPushConsumer(settings.stream, settings.consumer);
    const messages = await consumer.consume();
    console.log(`reading ${settings.stream} by the consumer ${settings.consumer}; Ctrl-C ends it`);
    process.once("SIGINT", () => messages.stop()).once("SIGTERM", () => messages.stop());
    const looking = setInterval(look, reportEvery, consumer, messages, store);
    const schemas = settings.validate ? new Schemas(bus) : null;
    try {
      const batch = [];
      for await (const msg of messages) {
        await take(msg, batch, bus, schemas);
        if (batch.length >= batchSize || messages.getPending() === 0) land(batch, store);
      }
      land(batch, store);
    } finally {
      clearInterval(looking);
    }
    if (nc.isClosed()) throw (await nc.closed()) ?? new Error("NATS has closed the connection");
  } finally {
    await Promise.race([nc.drain().catch(() => {}), setTimeout(goodbye, null, { ref: false })]); // the last acknowledgements go out
    await nc.close();
  }
}

/** Reads a message, and adds to the batch what is to be stored of it. */
async function take(msg, batch, bus, schemas) {
  if (!concernsUs(msg.subject)) return msg.ack();
  try {
    const event = readEvent(msg);
    const data = await dataOf(event, bus);
    await schemas?.check(event.dataschema, data);
    batch.push({ msg, event, data, valid: schemas !== null });
  } catch (err) {
    if (err instanceof Refused) {
      batch.push({ msg, refused: err.message });
    } else {
      console.error(`message ${msg.seq} is tried again: ${explain(err, settings)}`);
      msg.nak(retryAfter);
    }
  }
}

/** Stores a batch, and acknowledges it after the commit: whatever happens before, it comes again. */
function land(batch, store) {
  store.write(batch);
  for (const { msg, refused } of batch.splice(0)) {
    if (!refused) {
      msg.ack();
      continue;
    }
    console.error(`message ${msg.seq} is refused: it ${refused}`);
    msg.term(refused);
  }
}

// A consumer without a filter also meets the connector's internal business.
function concernsUs(subject) {
  const rest = subject.slice(settings.prefix.length + 1);
  return /^(chat\.[^.]+\.(event|result|session)|result)\./.test(rest);
}

let shown = "";

// look shows what is new, and finds out that the consumer is gone: nothing else would tell.
async function look(consumer, messages, store) {
  try {
    const report = store.report();
    if (report !== shown) console.log((shown = report));
  } catch (err) {
    console.error(`there is no report now: ${explain(err, settings)}`); // the database may be busy
  }
  try {
    await consumer.info();
  } catch (err) {
    if (/NotFound/.test(err.name)) messages.stop(err);
  }
}

try {
  await main();
} catch (err) {
  console.error(`analytics: ${explain(err, settings)}`);
  process.exitCode = 1;
}
