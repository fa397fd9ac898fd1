// Whatever is in a field is text.

import assert from "node:assert/strict";
import { act, api, askForChat } from "./world.js";

const evil = `<img src=x onerror="window.hit=1"><script>window.hit=1</script>"'>{{7*7}}`;

export async function everythingIsText(world) {
  const page = await world.open();
  const chat = await askForChat(page, evil);
  await fromTheCustomer(page, chat);
  await fromTheAgent(page, chat);
  await page.locator("#customer .said.other", { hasText: "onerror" }).first().waitFor();
  await page.locator("#desk .said.other", { hasText: "onerror" }).first().waitFor();
  await openAll(page);
  await page.locator("#tab-contract").click();
  await page.locator(".channel").first().waitFor();
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.equal(await page.locator("img").count(), 1, "the page's own mark");
  assert.equal(await page.locator("script").count(), 1);
  assert.deepEqual(page.wrong, []);
}

async function fromTheCustomer(page, chatId) {
  const orders = {
    "chat.request": { from: evil, parameters: { [evil]: evil } },
    "chat.send": { chatId, text: evil },
    "chat.location": { chatId, url: evil },
    "chat.navigation": { chatId, page: evil, title: evil },
    "chat.form": { chatId, formRequestId: evil, formName: evil, data: { [evil]: evil } },
    "chat.file": { chatId, content: "AAAA", fileName: evil, fileType: "image" },
    "chat.cobrowsing": { chatId, action: "started", providerType: evil, url: evil },
    "chat.read": { chatId, messageId: evil },
    "service.version": { [evil]: evil },
  };
  for (const [command, data] of Object.entries(orders)) await api(page, "command", { command, lane: "live", chat: data.chatId, data });
  await api(page, "command", { command: "chat.send", lane: "live", data: { chatId, html: evil } });
}

async function fromTheAgent(page, chat) {
  for (const [action, body] of [["message", { text: evil }], ["form", { name: evil }], ["secureform", { name: evil }], ["case", { caseId: evil }]]) {
    await act(page, chat, action, body).catch((err) => assert.match(err.message, / 4\d\d /)); // what the contact center itself refuses
  }
}

// openAll opens each message, with all its parts.
async function openAll(page) {
  await page.locator("#messages").focus();
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  for (let at = 0; at < 25; at++) {
    for (const tab of await page.locator(".detail [role=tab]").all()) await tab.click();
    await page.locator("#messages").focus();
    await page.keyboard.press("ArrowUp");
  }
}
