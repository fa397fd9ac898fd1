// Whatever is in a field is text.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { act, api, askForChat, shoot } from "./world.js";

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
  await deadLetters(page);
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

// deadLetters are looked at, put back and deleted.
async function deadLetters(page) {
  const { natsURL } = await api(page, "about");
  for (const chat of ["one", "two", "three"]) await publishDeadLetter(natsURL, chat);
  await page.locator("#dead-count", { hasText: "3" }).waitFor();
  await page.locator("#tab-dead").click();
  await page.locator(".letter summary").nth(1).click();
  await page.locator(".letter .json", { hasText: "onerror" }).waitFor();
  await shoot(page, "dead");
  await page.getByRole("button", { name: "Put back" }).first().click();
  await page.locator(".letter").nth(2).waitFor({ state: "detached" });
  assert.equal(await page.locator(".letter details[open] summary:focus").count(), 1, "the next one is open still, and has the focus");
  for (const left of [1, 0]) {
    await page.locator(".letter .danger").first().click();
    await page.getByRole("button", { name: "Delete for good?" }).click();
    await page.locator(".letter").nth(left).waitFor({ state: "detached" });
  }
  await page.getByText("No dead letters", { exact: true }).waitFor();
}

// publishDeadLetter as the connector does, but with what it would never write.
async function publishDeadLetter(natsURL, chat) {
  const { hostname, port } = new URL(natsURL);
  const told = { "Cc-Command-Id": `${chat} ${evil}`, "Cc-Error-Code": evil, "Cc-Error-Message": evil, "Cc-Attempts": "3" };
  const head = `NATS/1.0\r\n${Object.entries(told).map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  const body = JSON.stringify({ chatId: chat, text: evil });
  const socket = connect(port, hostname);
  await once(socket, "data"); // INFO
  socket.write(`CONNECT {"headers":true,"verbose":false}\r\nHPUB cc.deadletter.chat.send.${chat} ${head.length} ${head.length + body.length}\r\n${head}${body}\r\nPING\r\n`);
  await once(socket, "data"); // PONG
  socket.destroy();
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
