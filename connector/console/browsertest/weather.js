// Something breaks, and the page shows what became of it.

import assert from "node:assert/strict";
import { act, askForChat, row, shoot } from "./world.js";

const turn = (page, name) => page.locator(`.phenomenon[data-name="${name}"] button`).click();

export async function recovery(world) {
  const page = await world.open();
  const chat = await askForChat(page, "Recovered");
  await turn(page, "cut-answer");
  await act(page, chat, "message", { text: "Will this arrive?" });
  await row(page, "recovered").first().waitFor();
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
  await row(page, "gap").first().waitFor();
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
