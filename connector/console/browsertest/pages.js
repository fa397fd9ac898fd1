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
