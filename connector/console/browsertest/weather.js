// Something breaks, and the page shows what became of it.

import assert from "node:assert/strict";
import { act, askForChat, row, shoot } from "./world.js";

const turn = (page, name) => page.locator(`.phenomenon[data-name="${name}"] button`).click();

// standsOut: its ground and its edge are no other row's.
function standsOut(row) {
  const plain = getComputedStyle(document.querySelector(".row[data-tone=event]"));
  const own = getComputedStyle(row);
  return own.backgroundColor !== plain.backgroundColor && parseFloat(own.borderLeftWidth) > parseFloat(plain.borderLeftWidth);
}

export async function recovery(world) {
  const page = await world.open();
  const chat = await askForChat(page, "Recovered");
  await turn(page, "cut-answer");
  await act(page, chat, "message", { text: "Will this arrive?" });
  const told = row(page, "recovered").filter({ hasText: chat.slice(0, 8) });
  await told.waitFor();
  assert.ok(await told.evaluate(standsOut), "a recovery is seen at once");
  await page.locator("#customer .said.other", { hasText: "Will this arrive?" }).waitFor();
  await page.locator("#alarmed", { hasText: "session recovered" }).waitFor({ state: "attached" });
  await shoot(page, "recovered");
  assert.deepEqual(page.wrong, []);
}

export async function loss(world) {
  const page = await world.open();
  const chat = await askForChat(page, "Lost");
  await turn(page, "lost-history");
  await act(page, chat, "message", { text: "This is lost." });
  const told = row(page, "gap").filter({ hasText: chat.slice(0, 8) });
  await told.waitFor();
  await page.locator("#alarmed", { hasText: "session gap" }).waitFor({ state: "attached" });
  assert.ok(await told.evaluate(standsOut), "a loss is seen at once");
  await act(page, chat, "message", { text: "The chat goes on." });
  await page.locator("#customer .said.other", { hasText: "The chat goes on." }).waitFor();
  await shoot(page, "gap");
  await turn(page, "clear");
}

// theConnectorDies: it is red, and well again.
export async function theConnectorDies(world) {
  const page = await world.open();
  await page.locator(".ready[data-state=ready]").waitFor();
  await turn(page, "connector-kill");
  await page.locator(".ready[data-state=not-ready]").waitFor();
  await page.locator("#problems p").first().waitFor();
  await shoot(page, "not-ready");
  await turn(page, "connector-start");
  await page.locator(".ready[data-state=ready]").waitFor();
  assert.deepEqual(page.wrong, []);
}
