// Names that nobody foresaw.

import assert from "node:assert/strict";
import { api, askForChat } from "./world.js";
import { NATS } from "./nats.js";

const names = ["valueOf", "constructor", "hasOwnProperty", "__proto__", "toString"];

// strangeNames: events called like what every object has are messages like others.
export async function strangeNames(world) {
  const page = await world.open();
  const chat = await askForChat(page, "Strange");
  const nats = await NATS.of((await api(page, "about")).natsURL);
  for (const name of names) nats.publish(`cc.chat.${chat}.event.${name}`, event(name, { chatId: chat }));
  nats.publish(`cc.chat.${chat}.event.party_left`, event("party_left", { chatId: chat, displayName: { toString: 1 } }));
  nats.publish(`cc.chat.${chat}.event.message`, event("message", { chatId: chat, partyId: "p", text: "Behind them all." }));
  await page.locator(".row .summary", { hasText: "Behind them all." }).waitFor();
  await page.locator("#customer .said.other", { hasText: "Behind them all." }).waitFor();
  for (const name of names) await page.locator(".row .subject", { hasText: `.event.${name}` }).waitFor();
  await page.getByLabel("Find", { exact: true }).first().fill("behind them");
  await page.waitForFunction(() => document.querySelectorAll(".row").length === 1);
  nats.close();
  assert.deepEqual(page.wrong, []);
}

const event = (name, data) => ({
  specversion: "1.0", id: crypto.randomUUID(), source: "urn:test", type: `strange.${name}`, time: new Date().toISOString(), datacontenttype: "application/json", data,
});
