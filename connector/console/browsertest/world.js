// What the tests play in: the demonstration as a person starts it, and a browser.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const patience = 120000; // a busy machine needs a multiple of what is usual
const shots = process.env.CONSOLE_SHOTS; // a folder: look at what the tests saw

export async function start() {
  const demo = spawn(process.env.CCDEMO, ["-quiet", "-pace", "0", "-http", "127.0.0.1:0", "-nats", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => demo.kill());
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1)); // nothing stays behind
  const addresses = await addressesOf(demo);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  return new World(demo, addresses, browser);
}

const printed = { address: /^Page +(\S+)/, nats: /^NATS with JetStream +(\S+)/, contactCenter: /^Contact center +(\S+)/ };

async function addressesOf(demo) {
  const found = {};
  for await (const line of createInterface({ input: demo.stdout })) {
    for (const [what, pattern] of Object.entries(printed)) found[what] ??= line.match(pattern)?.[1];
    if (Object.values(found).includes(undefined)) continue;
    demo.stdout.resume();
    return found;
  }
  throw new Error(`ccdemo has ended, and told no more than ${JSON.stringify(found)}`);
}

class World {
  constructor(demo, addresses, browser) {
    Object.assign(this, { demo, ...addresses, browser, contexts: [] });
  }

  // open gives a page. What it must never do is collected in page.wrong.
  async open(options = {}, { prepare = async () => {}, address = this.address } = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    this.contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(patience);
    page.wrong = [];
    page.on("pageerror", (err) => page.wrong.push(String(err)));
    page.on("console", (m) => m.type() === "error" && /Content Security Policy/i.test(m.text()) && page.wrong.push(m.text()));
    page.on("dialog", (d) => page.wrong.push(`dialog ${d.message()}`) && d.dismiss());
    await prepare(page);
    await page.goto(address);
    return page;
  }

  async closePages() {
    for (const context of this.contexts.splice(0)) await context.close();
  }

  async stop() {
    await this.browser.close();
    if (this.demo.exitCode !== null) return;
    this.demo.kill("SIGTERM");
    await once(this.demo, "exit");
  }
}

// api asks as the page itself does.
export const api = (page, path, body) =>
  page.evaluate(async ([path, body]) => {
    const answer = await fetch(`api/${path}`, body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json", "X-Console": "1" }, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }, [path, body]);

// askForChat has a chat that an agent has accepted.
export async function askForChat(page, from = "Grace") {
  await page.locator(".ready[data-state=ready]").waitFor();
  const { data } = (await api(page, "command", { command: "chat.request", lane: "live", data: { from } })).cloudevent;
  if (!data.result) throw new Error(`no chat: ${JSON.stringify(data.error)}`);
  const chat = data.result.chatId;
  await api(page, `agent/${encodeURIComponent(chat)}/accept`, {});
  await page.locator("#customer select").first().selectOption(chat);
  await page.locator(`.waiting[data-chat="${chat}"]`).click();
  await page.getByText("Alex joins", { exact: true }).first().waitFor();
  return chat;
}

export const act = (page, chat, action, body = {}) => api(page, `agent/${encodeURIComponent(chat)}/${action}`, body);

export const row = (page, tone) => page.locator(`.row[data-tone="${tone}"]`);

export async function shoot(page, name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: `${shots}/${name}.png` });
}
