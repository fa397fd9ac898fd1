// Two thousand events at once: the page draws a screenful, and stays alive.

import assert from "node:assert/strict";
import { act, askForChat, shoot } from "./world.js";

const many = 2000;

export async function staysFluid(world) {
  const page = await world.open();
  const chat = await askForChat(page, "Flooded");
  await page.evaluate(watch);
  await act(page, chat, "flow", { events: many });
  await page.locator(".row .summary", { hasText: `message ${many} of many` }).waitFor();
  const seen = await page.evaluate(() => window.seen());
  assert.ok(seen.rows <= 80, `${seen.rows} rows were drawn`);
  assert.ok(seen.elements <= 3000, `the page had ${seen.elements} elements`);
  assert.ok(seen.stuck <= 0.5, `it was stuck for ${Math.round(100 * seen.stuck)} % of the burst`);
  assert.ok(await page.locator(".row").first().evaluate((r) => Number(r.getAttribute("aria-setsize")) <= 2000));
  await scrollsBack(page);
  await shoot(page, "burst");
  assert.deepEqual(page.wrong, []);
}

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
  await page.locator(".row .summary", { hasText: `message ${many} of many` }).waitFor({ state: "detached" });
  assert.ok((await page.locator(".row").count()) > 5);
}
