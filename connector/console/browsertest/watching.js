// The page of a connector that one runs: it asks for the token, shows what passes,
// and lets nobody do anything. And one of which a part does not come says so.

import assert from "node:assert/strict";
import { Connector, token } from "./connector.js";
import { NATS } from "./nats.js";

const prefix = "watched";
const told = (page, text) => page.locator(".row .summary", { hasText: text });

export async function onlyWatching(world) {
  const half = await world.open({}, { prepare: (page) => page.route("**/filter.js", (route) => route.fulfill({ status: 404 })) });
  const connector = await Connector.on(world, prefix);
  try {
    const page = await world.open({}, { address: connector.address });
    await signsIn(page);
    await seesAChat(world, page);
    await onlyLooks(page);
    await signsOut(page);
    assert.deepEqual(page.wrong, []);
  } finally {
    await connector.stop();
  }
  await half.getByText("The page could not be loaded whole").waitFor();
}

async function signsIn(page) {
  for (let press = 0; press < 3; press++) await page.keyboard.press("Escape"); // the question stays
  await page.getByLabel("Token").fill("another token of this test");
  await page.keyboard.press("Enter");
  await page.getByText("this is not the token").waitFor();
  assert.equal(await mayRead(page), 401);
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
  await page.locator(".ready[data-state=ready]").waitFor();
  assert.equal(await page.locator("#unloaded").count(), 0);
}

const mayRead = (page) => page.evaluate(async () => (await fetch("api/about")).status);

// seesAChat that somebody else asks for, and ends.
async function seesAChat(world, page) {
  const nats = await NATS.of(world.nats);
  const { chatId } = (await nats.ask(`${prefix}.chat.request`, { from: "Watched" })).result;
  await told(page, "polling begins").waitFor();
  await nats.ask(`${prefix}.chat.end`, { chatId });
  nats.close();
  await told(page, "polling ends").click();
  await page.locator(".verdict[data-valid=true]").waitFor();
}

async function onlyLooks(page) {
  for (const part of ["#customer", "#desk", ".column-switch"]) assert.equal(await page.locator(part).isVisible(), false, part);
  assert.ok(!page.url().includes("token"));
  const [cookie] = await page.context().cookies();
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict", "no script and no other site has it");
}

async function signsOut(page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
  assert.equal(await page.locator(".row").count(), 0, "nothing of it is left");
  assert.equal(await mayRead(page), 401);
}
