// Where the contact center answers nothing, the page still does.

import assert from "node:assert/strict";
import { act, askForChat } from "./world.js";

const slow = 400; // ms that each request of the desk takes here

export async function whileNothingAnswers(world) {
  const page = await world.open();
  const chat = await askForChat(page, "Patient");
  await page.locator(".phenomenon[data-name=hang] button").click();
  await page.locator(".phenomenon[data-name=hang][data-on=true]").waitFor();
  const commands = (wanted) => count(page, (r) => r.url().endsWith("api/command") && wanted(r.postDataJSON()));
  const [all, sends, requests] = [commands((c) => c.wait !== false), commands((c) => c.command === "chat.send"), commands((c) => c.command === "chat.request")];
  const field = page.locator("#customer input[placeholder='Write to the agent']");
  for (const text of ["one", "two", "three"]) {
    await field.fill(text);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("#customer input[placeholder]").value === "");
  }
  const besides = page.waitForRequest(() => requests.now.size === 2);
  for (let n = 0; n < 3; n++) await page.getByRole("button", { name: "Ask for a chat" }).click();
  await besides;
  await page.locator(".phenomenon[data-name=clear] button").click();
  await page.locator(".phenomenon[data-name=hang][data-on=false]").waitFor();
  for (const text of ["one", "two", "three"]) await page.locator("#desk .said.other", { hasText: text }).waitFor();
  assert.equal(sends.most, 1, "of a chat, one command is under way");
  assert.equal(all.most, 3, "of all, three are");
  await looksOnce(page, chat);
  assert.deepEqual(page.wrong, []);
}

// looksOnce: however slow the answers are, the desk asks for one at a time.
async function looksOnce(page, chat) {
  await page.route("**/api/agent/chats", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, slow));
    await route.continue();
  });
  const pending = count(page, (r) => r.url().endsWith("api/agent/chats"));
  for (let n = 0; n < 5; n++) await act(page, chat, "message", { text: `line ${n}` });
  await page.locator("#desk .said.own", { hasText: "line 4" }).waitFor();
  assert.equal(pending.most, 1);
}

// count tells how many such requests were under way at once, at most.
function count(page, wanted) {
  const counted = { now: new Set(), most: 0 };
  page.on("request", (r) => {
    if (!wanted(r)) return;
    counted.now.add(r);
    counted.most = Math.max(counted.most, counted.now.size);
  });
  for (const end of ["requestfinished", "requestfailed"]) page.on(end, (r) => counted.now.delete(r));
  return counted;
}
