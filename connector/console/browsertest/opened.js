// A message that is opened: as it was published, what was checked, and copied anywhere.

import assert from "node:assert/strict";
import { api, askForChat } from "./world.js";
import { NATS } from "./nats.js";

export async function asPublished(world) {
  const page = await world.open({}, { prepare: (page) => page.addInitScript(asOnPlainHTTP) });
  const chat = await askForChat(page, "Exact");
  const nats = await NATS.of((await api(page, "about")).natsURL);
  const body = { specversion: "1.0", id: "exact-1", source: "urn:test", type: "exact", time: "2099-01-01T00:00:00Z", data: { chatId: chat, n: 0 } };
  nats.publishText(`cc.chat.${chat}.event.broken`, "{");
  nats.publishText(`cc.chat.${chat}.event.exact`, JSON.stringify(body).replace('"n":0', '"n":12345678901234567890'));
  const row = page.locator(".row", { hasText: ".event.exact" });
  await row.locator(".latency", { hasText: "clock ahead" }).waitFor();
  nats.close(); // no sooner: it drops what is not yet sent
  await row.click();
  await page.locator(".verdict", { hasText: "– not checked: " }).waitFor();
  await page.getByRole("tab", { name: "Raw" }).click();
  await page.locator(".detail .raw .json", { hasText: '"n":12345678901234567890' }).waitFor();
  await page.getByRole("button", { name: "Copy the subject" }).click();
  await page.getByText("Copied", { exact: true }).waitFor();
  await page.locator(".row", { hasText: ".event.broken" }).click();
  await page.locator(".verdict[data-valid=false]", { hasText: /^✗ not valid(?! by)/ }).waitFor();
  assert.deepEqual(page.wrong, []);
}

const asOnPlainHTTP = () => Object.defineProperty(Navigator.prototype, "clipboard", { get: () => undefined });
