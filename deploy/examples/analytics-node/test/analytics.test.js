// The whole way, with real parts: conversations in both modes of CloudEvents, a consumer that is killed again and
// again, and then the database against the stream.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { nanos } from "@nats-io/transport-node";
import { jetstreamManager } from "@nats-io/jetstream";
import Database from "better-sqlite3";
import { converse } from "./customer.js";
import { perHour, readStream } from "./expected.js";
import { publishGarbage } from "./garbage.js";
import { SchemaServer } from "./schemaserver.js";
import { Program, System, until } from "./system.js";

const program = fileURLToPath(new URL("../index.js", import.meta.url));
const chats = 6; // at once, in each mode
const validating = { ANALYTICS_VALIDATE: "true" };
const tooLong = "long ".repeat(20_000); // for a message of NATS

const running = []; // consumers, the killed ones, too
let failed = false;
let system, jsm, schemas, database, connector, garbage;

before(async () => {
  system = await System.start();
  jsm = await jetstreamManager(system.nc);
  schemas = await SchemaServer.start(system.http);
  database = join(system.dir, "analytics.sqlite");
});

after(async () => {
  await Promise.all(running.map((consumer) => consumer.end("SIGKILL")));
  schemas?.stop();
  await system?.stop();
  if (failed) console.error(running.map(({ said }, i) => `consumer ${i} said:\n${said.slice(0, 4000)}`).join("\n"));
});

/** Starts the program as the user that reads. */
function consume(settings = {}, ...args) {
  const consumer = new Program(process.execPath, [program, ...args], { ...system.as("cc-analytics"), ANALYTICS_DB: database, ...settings });
  running.push(consumer);
  return consumer;
}

function query(sql) {
  const db = new Database(database, { readonly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

const stored = () => query("SELECT count(*) AS n FROM events")[0].n;

/** Waits until the consumer has acknowledged all that the stream has for it. */
function allRead() {
  return until("the end of the stream", async () => {
    const { num_pending, num_ack_pending } = await jsm.consumers.info("CC_EVENTS", "cc-analytics");
    return num_pending + num_ack_pending === 0;
  });
}

async function failsWith(pattern, settings, ...args) {
  const consumer = consume(settings, ...args);
  assert.equal(await consumer.ended, 1, consumer.said);
  assert.match(consumer.said, pattern);
  assert.equal(consumer.said.trim().split("\n").length, 1, `more than a line: ${consumer.said}`);
}

/** A step of the one story: without those before it, it means nothing. */
function step(name, run) {
  test(name, { timeout: 200_000 }, async (t) => {
    if (failed) return t.skip("an earlier step failed");
    failed = true;
    await run();
    failed = false;
  });
}

step("what is wrong is said in a line", async () => {
  await failsWith(/CC_NATS_URL: no NATS server can be reached/, { CC_NATS_URL: "nats://127.0.0.1:1" });
  await failsWith(/CC_NATS_URL: must be like/, { CC_NATS_URL: "not an address:" });
  await failsWith(/CC_SUBJECT_PREFIX: must be like/, { CC_SUBJECT_PREFIX: "cc.>" });
  await failsWith(/CC_NATS_PASSWORD_FILE: the file cannot be read/, { CC_NATS_PASSWORD_FILE: "/nowhere" });
  await failsWith(/CC_NATS_USER.*does not let this user in/, { CC_NATS_USER: "nobody" });
  await failsWith(/ANALYTICS_DB: /, { ANALYTICS_DB: "/nowhere/analytics.sqlite" });
  await failsWith(/the stream CC_EVENTS is not there: start cc-connector/);
  connector = await system.startConnector({ CC_SCHEMA_BASE_URL: schemas.url });
  await failsWith(/CC_EVENTS has no consumer cc-analytics: cc-connector streams --reader cc-analytics --make/);
  await failsWith(/NATS forbids it.*ANALYTICS_CONSUMER/, { ANALYTICS_CONSUMER: "cc-consumer" });
  await system.makeConsumer("cc-analytics");
  await jsm.consumers.update("CC_EVENTS", "cc-analytics", { ack_wait: nanos(5000) }); // for what a killed consumer had
});

const converseAll = () => Promise.all(Array.from({ length: chats }, (_, i) => converse(system.nc, system.sim, i === 0 ? tooLong : "Hello")));

/** Kills the consumer as soon as it has stored so many more events, and starts another one. */
async function killAfter(consumer, more, settings) {
  const enough = stored() + more;
  await until(`${enough} events`, () => stored() >= enough);
  assert.equal(await consumer.end("SIGKILL"), "SIGKILL", consumer.said);
  return consume(settings);
}

step("each event lands once, in both modes, however often the consumer is killed", async () => {
  let consumer = consume(validating);
  let talking = converseAll();
  await until("a question for a schema", () => schemas.asked); // events are delivered, and none is stored
  assert.equal(await consumer.end("SIGKILL"), "SIGKILL", consumer.said);
  schemas.letGo();
  consumer = consume(validating);
  consumer = await killAfter(consumer, 10, validating);
  consumer = await killAfter(consumer, 40, validating);
  await talking;
  await allRead();
  await checkLanded();

  assert.equal(await connector.end("SIGTERM"), 0, connector.said);
  connector = await system.startConnector({ CC_CLOUDEVENTS_MODE: "binary" });
  await consumer.end("SIGKILL");
  consumer = consume(validating); // it has no schema yet
  talking = converseAll();
  consumer = await killAfter(consumer, 40, validating);
  await talking;
  garbage = await publishGarbage(jsm.jetstream());
  await allRead();
  await checkLanded();
  checkReport(await interrupted(consumer));
});

/** Compares the database with the stream. */
async function checkLanded() {
  const expected = await readStream(system.nc);
  const got = query("SELECT * FROM events");
  const byId = (a, b) => (a.source + a.id < b.source + b.id ? -1 : 1);
  assert.deepEqual(
    got.sort(byId).map(({ recorded, data, ...row }) => ({ ...row, data: JSON.parse(data) })),
    expected.sort(byId).map((event) => ({
      source: event.source, id: event.id, type: event.type, sequence: event.sequence ? Number(event.sequence) : null,
      about: event.correlationid ?? null, valid: 1, data: event.data,
    })),
  );
  assert.deepEqual(query("SELECT * FROM holes WHERE missing <> 0"), []);
  assert.deepEqual(query("SELECT * FROM per_hour").map(rounded), perHour(expected).map(rounded));
}

const rounded = (row) => ({ ...row, median: row.median.toFixed(3) });

/** Ends the consumer in order, and returns what it says at last. */
async function interrupted(consumer) {
  assert.equal(await consumer.end("SIGINT"), 0, consumer.said);
  return consumer.said;
}

function checkReport(said) {
  assert.match(said, new RegExp(`${stored()} events, up to \\d+ in the stream; 0 missing, \\d+ came again, ${garbage} refused\n$`));
}

step("who reads everything again stores nothing twice", async () => {
  const talk = "SELECT * FROM events WHERE type NOT LIKE '%.service.result.%'"; // who asks for a schema makes a result
  const before = query(talk);
  const { config } = await jsm.consumers.info("CC_EVENTS", "cc-analytics");
  await jsm.consumers.delete("CC_EVENTS", "cc-analytics");
  const { filter_subjects, ...unfiltered } = config; // it also meets the connector's own business
  await jsm.consumers.add("CC_EVENTS", unfiltered);
  const consumer = consume(validating);
  await allRead();
  checkReport(await interrupted(consumer));
  assert.deepEqual(query(talk), before);
  assert.ok(query("SELECT repeated FROM progress")[0].repeated >= before.length);
  const report = consume({}, "report");
  assert.equal(await report.ended, 0, report.said);
  checkReport(report.said);
});

step("a consumer that is deleted is missed", async () => {
  const consumer = consume();
  await until("the beginning", () => consumer.said.includes("Ctrl-C ends it"));
  await failsWith(/another program reads by the consumer cc-analytics/);
  await jsm.consumers.delete("CC_EVENTS", "cc-analytics");
  assert.equal(await consumer.ended, 1, consumer.said);
  assert.match(consumer.said, /CC_EVENTS has no consumer cc-analytics/);
});
