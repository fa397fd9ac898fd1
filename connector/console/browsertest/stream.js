// What a page knows is of a stream: it is kept where that goes on, and forgotten
// where another one has begun.

import assert from "node:assert/strict";
import { act, api, askForChat } from "./world.js";
import { NATS } from "./nats.js";

const turn = (page, name) => page.locator(`.phenomenon[data-name="${name}"] button`).click();
const told = (page, text) => page.locator(".row .summary", { hasText: text });
const places = (page) => page.locator(".row").evaluateAll((rows) => rows.map((r) => r.getAttribute("aria-setsize")));

// anotherStream: the stream goes, which is said, and another one comes.
export async function anotherStream(world) {
  const page = await world.open();
  const chat = await askForChat(page, "Before");
  await act(page, chat, "message", { text: "Of the old stream." });
  await told(page, "Of the old stream.").waitFor();
  const nats = await NATS.of((await api(page, "about")).natsURL);
  await turn(page, "connector-kill");
  await page.locator(".ready[data-state=not-ready]").waitFor();
  assert.equal((await nats.ask("$JS.API.STREAM.DELETE.CC_EVENTS")).success, true);
  nats.close();
  await page.locator("#trouble", { hasText: "CC_EVENTS" }).waitFor();
  await startAgain(page);
  await told(page, "Of the old stream.").waitFor({ state: "detached", timeout: 150000 }); // it is looked for ever less often
  await act(page, await askForChat(page, "After"), "message", { text: "Of the new stream." });
  await told(page, "Of the new stream.").waitFor();
  await page.locator("#trouble").waitFor({ state: "hidden" });
  assert.deepEqual(page.wrong, []);
}

// startAgain: on a busy machine, the connector may not reach NATS at the first try.
async function startAgain(page) {
  const ready = () => page.locator(".ready[data-state=ready]").waitFor({ timeout: 20000 }).then(() => true, () => false);
  do await turn(page, "connector-start");
  while (!(await ready()));
}

// outOfSight: a tab that nobody sees takes none of the browser's few connections, and misses nothing.
export async function outOfSight(world) {
  const page = await world.open();
  const chat = await askForChat(page, "Unseen");
  await act(page, chat, "message", { text: "Before it rests." });
  await told(page, "Before it rests.").waitFor();
  const ended = page.waitForEvent("requestfailed", (r) => r.url().includes("api/events"));
  await see(page, false);
  await ended;
  await act(page, chat, "message", { text: "While it rests." });
  const opened = page.waitForRequest(/api\/events\?.*after=\d+/);
  await see(page, true);
  assert.equal(new URL((await opened).url()).searchParams.get("stream"), await streamOf(world));
  await told(page, "While it rests.").waitFor();
  assert.equal(await told(page, "Before it rests.").count(), 1, "what it knew is there still");
  assert.equal(new Set(await places(page)).size, 1);
  assert.deepEqual(page.wrong, []);
}

// streamOf tells the stream from another one of its name.
async function streamOf(world) {
  const nats = await NATS.of(world.nats);
  const { created } = await nats.ask("$JS.API.STREAM.INFO.CC_EVENTS");
  nats.close();
  return created;
}

const see = (page, seen) =>
  page.evaluate((seen) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => !seen });
    document.dispatchEvent(new Event("visibilitychange"));
  }, seen);

const words = "too many pages are open: close some";
const two = { ready: true, replica: "r1", replicas: [{ id: "r1", chats: 1, self: true }, { id: "r2", chats: 2, self: false }] };
const answers = {
  full: (route) => route.fulfill({ status: 503, json: { error: words } }),
  two: (route) => route.fulfill({ contentType: "text/event-stream", body: `event: status\ndata: ${JSON.stringify(two)}\n\n` }),
  real: (route) => route.continue(),
};

// refused: what the server says is shown, and a page that may come back goes on, with whoever answers.
export async function refused(world) {
  let answer = answers.full;
  const page = await world.open({}, { prepare: (page) => page.route("**/api/events?*", (route) => answer(route)) });
  await page.locator("#ready", { hasText: words }).waitFor();
  answer = answers.two;
  await page.locator(".figure.whose[title=r1]", { hasText: "this replica" }).waitFor();
  answer = answers.real;
  await page.locator(".ready[data-state=ready]").waitFor();
  await page.locator(".figure.whose").waitFor({ state: "hidden" });
  assert.deepEqual(page.wrong, []);
}
