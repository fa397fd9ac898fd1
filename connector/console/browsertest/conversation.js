// A whole conversation, from both sides, by the keyboard alone.

import assert from "node:assert/strict";
import { shoot } from "./world.js";
import { pressOn, seen, tabTo, write } from "./keyboard.js";

export async function byKeyboard(world) {
  const page = await world.open();
  await page.locator(".row").first().waitFor(); // what ccdemo plays
  await write(page, "Name", "customer", "Edsger");
  assert.ok(await seen(page), "the focus is seen");
  await page.keyboard.press("Enter");
  await page.locator("#customer input[placeholder='Write to the agent']:focus").waitFor(); // it goes where one goes on
  await page.locator(".waiting[data-state=waiting]", { hasText: "Edsger" }).waitFor();
  await pickChat(page);
  await pressOn(page, "Accept", "desk");
  await answers(page, "Hello Edsger, this is Alex.");
  await says(page, "My cup is broken.");
  await form(page);
  await shoot(page, "conversation");
  await pressOn(page, "End the chat", "customer");
  await page.locator("#customer .transcript .note", { hasText: "The session is closed" }).waitFor();
  await looks(page);
  assert.deepEqual(page.wrong, []);
}

// pickChat chooses Edsger's among those that ring.
async function pickChat(page) {
  await tabTo(page, await page.locator(".waiting", { hasText: "Edsger" }).first().evaluate((b) => b.textContent.trim().replace(/\s+/g, " ")), "desk");
  await page.keyboard.press("Enter");
}

async function answers(page, text) {
  await write(page, "Answer", "desk", text);
  await page.keyboard.press("Enter");
  await page.locator("#customer .said.other", { hasText: text }).waitFor();
}

async function says(page, text) {
  await write(page, "Message", "customer", text);
  const shell = await page.locator(".preview .shell code").textContent();
  assert.match(shell, /^nats --server nats:\/\/\S+ req --timeout 35s -H 'Nats-Msg-Id:\{\{ID\}\}' cc\.chat\.send '\{"chatId":"[^"]+","text":"My cup is broken\."\}'$/);
  await page.keyboard.press("Enter");
  await page.locator("#desk .said.other", { hasText: text }).waitFor();
  await page.locator(".sent .subject", { hasText: "cc.chat.send" }).first().waitFor();
}

async function form(page) {
  await pressOn(page, "Form", "desk");
  await page.locator("#customer .asked").waitFor();
  await write(page, "Value", "customer", "4");
  await pressOn(page, "Send the form", "customer");
  await page.locator("#desk .filled", { hasText: '"rating": "4"' }).waitFor();
  await page.locator("#customer .asked").waitFor({ state: "detached" });
}

// looks opens a message, and comes back.
async function looks(page) {
  await tabTo(page, "To the messages");
  await page.keyboard.press("Enter");
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.locator(".verdict[data-valid=true]").waitFor();
  await tabTo(page, "Data", "bus");
  await page.keyboard.press("ArrowRight");
  await page.locator(".detail .attributes dt", { hasText: "specversion" }).waitFor();
  await shoot(page, "detail");
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.id), "messages");
}
