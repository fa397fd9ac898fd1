// Two thousand events at once: the page draws a screenful, and stays alive. One
// whose line is cut meanwhile comes back by itself, and says what it has missed.

import assert from "node:assert/strict";
import { act, askForChat, shoot } from "./world.js";
import { Line } from "./line.js";

const many = 2100; // more than the server keeps for a page that comes back

export async function staysFluid(world) {
  const page = await world.open();
  const chat = await askForChat(page, "Flooded");
  const line = await Line.to(world.address);
  try {
    const other = await world.open({}, { address: line.address });
    await other.locator(".row .summary", { hasText: "Flooded" }).waitFor();
    line.cut();
    await other.locator(".ready[data-state=lost]").waitFor();
    await flood(page, chat);
    line.mend();
    await comesBack(other);
  } finally {
    line.close();
  }
  assert.deepEqual(page.wrong, []);
}

async function flood(page, chat) {
  await page.evaluate(watch);
  await act(page, chat, "flow", { events: many });
  await last(page).waitFor();
  const seen = await page.evaluate(() => window.seen());
  assert.ok(seen.rows <= 80, `${seen.rows} rows were drawn`);
  assert.ok(seen.elements <= 3000, `the page had ${seen.elements} elements`);
  assert.ok(seen.stuck <= 0.5, `it was stuck for ${Math.round(100 * seen.stuck)} % of the burst`);
  assert.equal(await page.locator(".row").first().getAttribute("aria-setsize"), "2000");
  assert.equal(await page.locator("#skipped").count(), 0);
  await scrollsBack(page);
  await shoot(page, "burst");
}

const last = (page) => page.locator(".row .summary", { hasText: `message ${many} of many` });

// watch counts, frame by frame, in the page.
function watch() {
  const seen = { rows: 0, elements: 0, blocked: 0 };
  const began = performance.now();
  new PerformanceObserver((list) => list.getEntries().forEach((task) => (seen.blocked += task.duration))).observe({ type: "longtask" });
  const look = () => {
    seen.rows = Math.max(seen.rows, document.querySelectorAll(".row").length);
    seen.elements = Math.max(seen.elements, document.querySelectorAll("*").length);
    requestAnimationFrame(look);
  };
  look();
  window.seen = () => ({ ...seen, stuck: seen.blocked / (performance.now() - began) });
}

// scrollsBack: what one reads does not move away when more comes.
async function scrollsBack(page) {
  await page.locator("#messages").evaluate((list) => (list.scrollTop = list.scrollHeight / 2));
  await last(page).waitFor({ state: "detached" });
  assert.ok((await page.locator(".row").count()) > 5);
}

async function comesBack(page) {
  await last(page).waitFor();
  await page.locator(".ready[data-state=ready]").waitFor();
  const told = (await page.locator("#skipped").textContent()).match(/#(\d+) to #(\d+)/).slice(1).map(Number);
  assert.ok(told[0] > 1 && told[1] >= told[0], `${told} are skipped`);
  await page.locator("#messages").evaluate((list) => (list.scrollTop = 0));
  await page.locator(".row[aria-posinset='1']").waitFor();
}
