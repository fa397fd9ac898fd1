// The page: what the server says of itself decides which of its parts there are.

import { get, remove } from "./api.js";
import { byId, hint, say } from "./element.js";
import { Agent } from "./agent.js";
import { Bus } from "./bus.js";
import { Contract } from "./contract.js";
import { Conversations } from "./conversation.js";
import { Customer } from "./customer.js";
import { Dead } from "./dead.js";
import { Status } from "./status.js";
import { Stream } from "./stream.js";
import { Weather } from "./weather.js";
import { login } from "./login.js";
import { tabs } from "./tabs.js";

async function learn() {
  for (;;) {
    try {
      return await get("about");
    } catch (err) {
      if (err.status === 401) await login();
      else await fail(err);
    }
  }
}

async function fail(err) {
  const label = byId("ready");
  label.dataset.state = "lost";
  say(label, err.message);
  await new Promise((resolve) => setTimeout(resolve, 2000));
}

function columns() {
  for (const button of document.querySelectorAll(".column-switch button")) {
    button.addEventListener("click", () => show(button.dataset.column));
  }
  for (const link of document.querySelectorAll(".skips a")) {
    link.addEventListener("click", (e) => skip(e, link.hash.slice(1)));
  }
}

function show(column) {
  document.body.dataset.column = column;
  for (const button of document.querySelectorAll(".column-switch button")) button.setAttribute("aria-pressed", button.dataset.column === column);
}

function skip(event, id) {
  event.preventDefault();
  byId("tab-bus").click();
  show(id === "messages" ? "bus" : id);
  byId(id).focus();
}

function views(about) {
  const contract = new Contract(byId("view-contract"));
  const dead = new Dead(byId("view-dead"), about);
  const opened = { "tab-contract": () => contract.open(), "tab-dead": () => dead.open() };
  tabs(byId("views"), (id) => opened[id]?.());
}

function workbench(stream, about) {
  const conversations = new Conversations();
  stream.addEventListener("messages", (e) => conversations.take(e.detail.added));
  stream.addEventListener("reset", () => conversations.chats.clear());
  new Customer(byId("customer-body"), stream, about, conversations);
  if (about.contactCenter === "real") byId("desk-body").append(hint("The contact center is a real one: answer there, as its agent."));
  else new Agent(byId("desk-body"), stream, about);
  new Weather(byId("weather"), stream, about);
}

// signOut loads the page anew, so that nothing of what it has shown is left in it.
async function signOut() {
  const refused = await remove("login").then(() => null, (err) => err);
  if (refused) say(byId("signout"), `Still signed in: ${refused.message}`);
  else location.reload();
}

async function begin() {
  byId("unloaded").remove(); // all modules are here
  columns();
  byId("signout").addEventListener("click", signOut);
  const about = await learn();
  byId("signout").hidden = !about.needsToken;
  document.body.dataset.form = about.workbench ? "workbench" : "watching";
  const stream = new Stream();
  stream.addEventListener("signedout", () => login().then(() => stream.open()));
  new Status(stream);
  views(about);
  if (about.workbench) workbench(stream, about);
  new Bus(stream, about);
  stream.open();
}

begin();
