// By day and by night, large, narrow, still: and nothing that shuts somebody out.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { act, askForChat, row, shoot } from "./world.js";

const axe = createRequire(import.meta.url)("axe-core").source;

const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const alike = [[".channels ~ .channels"], [".channel:nth-of-type(n+6)"]]; // as all the others are

// axe takes seconds: it looks for what is peculiar to a form, so not at documents that are the same in each.
const forms = {
  dark: { options: { colorScheme: "dark" }, judged: /./ },
  light: { options: { colorScheme: "light" }, judged: /./ },
  "zoom 200 %": { options: { colorScheme: "light", viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 }, judged: /^$/ }, // that is what it does to 1440 × 900
  "360 px": { options: { colorScheme: "dark", viewport: { width: 360, height: 740 } }, judged: /^(customer|bus|desk)$/ },
};

export async function inEveryForm(world) {
  for (const [name, { options, judged }] of Object.entries(forms)) {
    const page = await world.open({ ...options, reducedMotion: "reduce" });
    await page.locator(".row").first().waitFor();
    await inThisForm(page, (part) => check(page, `${name}, ${part}`, judged.test(part)));
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0, `${name}: nothing moves by itself`);
    assert.deepEqual(page.wrong, []);
  }
}

async function inThisForm(page, check) {
  const narrow = await page.locator(".column-switch").isVisible();
  for (const column of narrow ? ["customer", "bus", "desk"] : ["bus"]) {
    if (narrow) await page.locator(`.column-switch [data-column=${column}]`).click();
    if (column === "bus") await opened(page);
    await check(column);
  }
  for (const view of ["contract", "dead"]) {
    await page.locator(`#tab-${view}`).click();
    await page.locator(`#view-${view} h2`).waitFor();
    await check(view);
  }
}

// opened has a message opened, and its row in sight.
async function opened(page) {
  await page.locator("#messages").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  await page.locator(".verdict[data-valid=true]").waitFor();
  await page.waitForFunction(() => {
    const row = document.querySelector(".row[aria-selected=true]")?.getBoundingClientRect();
    const list = document.querySelector("#messages").getBoundingClientRect();
    return row && row.top >= list.top - 1 && row.bottom <= list.bottom + 1;
  });
}

async function check(page, name, judged) {
  await shoot(page, name.replaceAll(/[^a-z0-9]+/g, "-"));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name}: ${wide} px stick out`);
  if (!judged) return;
  await page.evaluate(axe);
  const { violations } = await page.evaluate(([exclude, runOnly]) => axe.run({ exclude }, { runOnly, resultTypes: ["violations"] }), [alike, rules]);
  const bad = violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join("\n   ")}`);
  assert.deepEqual(bad, [], name);
}

// forTheReadme takes the two pictures, where a folder for them is named: a chat
// that has lost an answer, and what the bus tells of that.
export async function forTheReadme(world) {
  for (const colorScheme of ["dark", "light"]) {
    const page = await world.open({ colorScheme });
    await lively(page);
    if (colorScheme === "light") await readsOfTheRecovery(page);
    await shoot(page, `console-${colorScheme}`);
    await page.getByRole("button", { name: "End the chat" }).click();
    await page.locator("#customer .now", { hasText: "closed" }).waitFor();
  }
}

async function lively(page) {
  const chat = await askForChat(page, "Grace");
  await act(page, chat, "message", { text: "Hello Grace, this is Alex. How can I help?" });
  await page.locator("#customer input[placeholder]").fill("My cup came broken. The order is 4711.");
  await page.keyboard.press("Enter");
  await page.locator("#desk .said.other", { hasText: "4711" }).waitFor();
  await page.locator(".phenomenon[data-name=cut-answer] button").click();
  await act(page, chat, "message", { text: "A new one is on its way." });
  await row(page, "recovered").filter({ hasText: chat.slice(0, 8) }).waitFor();
  await act(page, chat, "form", { name: "survey" });
  await page.locator("#customer .asked").waitFor();
  await page.locator("#customer input[placeholder]").focus();
}

async function readsOfTheRecovery(page) {
  await row(page, "recovered").last().click();
  await page.locator(".verdict[data-valid=true]").waitFor();
}
