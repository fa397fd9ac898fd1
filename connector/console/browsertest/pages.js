// Two pages see the same, and a reload shows what has passed.

import assert from "node:assert/strict";
import { act, askForChat } from "./world.js";

const subjects = (page) => page.locator(".row").evaluateAll((rows) => rows.map((r) => r.id).sort());

export async function twoPages(world) {
  const [one, other] = [await world.open(), await world.open()];
  const chat = await askForChat(one, "Both");
  await act(one, chat, "message", { text: "Seen by both." });
  for (const page of [one, other]) await page.locator(".row .summary", { hasText: "Seen by both." }).waitFor();
  await other.locator(".sent .subject", { hasText: "cc.chat.request" }).first().waitFor();
  const before = await subjects(one);
  await one.reload();
  await one.locator(".row .summary", { hasText: "Seen by both." }).waitFor();
  assert.deepEqual(await subjects(one), before, "the same messages as before the reload");
  assert.deepEqual([...one.wrong, ...other.wrong], []);
}

// aFilter: by chat, kind and words.
export async function aFilter(world) {
  const page = await world.open();
  const chat = await askForChat(page, "Filtered");
  await act(page, chat, "message", { text: "A needle." });
  await page.locator(".row .summary", { hasText: "A needle." }).waitFor();
  await page.getByLabel("Find", { exact: true }).first().fill("needle");
  await page.waitForFunction(() => [...document.querySelectorAll(".row .summary")].every((s) => s.textContent.includes("needle")));
  assert.equal(await page.locator(".row").count(), 1);
  await page.getByLabel("Find", { exact: true }).first().fill("");
  for (const kind of ["event", "result"]) await page.getByRole("button", { name: kind, exact: true }).click();
  await page.waitForFunction(() => [...document.querySelectorAll(".row .subject")].every((s) => s.textContent.includes(".session.")));
  assert.ok((await page.locator(".row").count()) > 0);
}

// onlyWatching is the page of cc-connector: no customer, no agent, and a token first.
export async function onlyWatching(world) {
  let signedIn = false;
  const prepare = async (page) => {
    await page.route("**/api/login", (route) => {
      signedIn = route.request().postDataJSON().token === "the token";
      return signedIn ? route.fulfill({ status: 204 }) : route.fulfill({ status: 403, json: { error: "this is not the token" } });
    });
    await page.route("**/api/about", async (route) => {
      if (!signedIn) return route.fulfill({ status: 401, json: { error: "sign in" } });
      const about = await (await route.fetch()).json();
      return route.fulfill({ json: { ...about, workbench: false, needsToken: true } });
    });
  };
  const page = await world.open({}, { prepare });
  await page.getByLabel("Token").fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByText("this is not the token").waitFor();
  await page.getByLabel("Token").fill("the token");
  await page.keyboard.press("Enter");
  await page.locator(".row").first().waitFor();
  for (const part of ["#customer", "#desk", ".column-switch"]) assert.equal(await page.locator(part).isVisible(), false, part);
  assert.ok(!page.url().includes("token"));
}
