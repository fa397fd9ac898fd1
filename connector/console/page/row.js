// A row of the middle column. It is made once and filled for many messages, so
// its parts are kept beside it.

import { element } from "./element.js";
import { tone, summary, atClock, lasting, parts as partsOf, reach, shortChat } from "./message.js";

export function makeRow() {
  const row = element("div", { class: "row", role: "option" });
  const parts = {};
  const part = (name, tag = "span") => (parts[name] = element(tag, { class: name }));
  const bar = element("span", { class: "bar", "aria-hidden": "true" }, part("reach"));
  row.append(
    element("span", { class: "line" }, part("subject"), part("origin"), element("span", { class: "delay" }, bar, part("latency"))),
    element("span", { class: "line" }, part("summary"), part("seq"), part("stored", "time")),
  );
  row.parts = parts;
  return row;
}

// fillRow: one that cannot be drawn does not stop the others.
export function fillRow(row, message) {
  try {
    fill(row, message);
  } catch {
    row.dataset.tone = "error";
    row.parts.subject.textContent = message.subject;
    row.parts.summary.textContent = "it cannot be drawn: open it";
  }
}

function fill(row, message) {
  const { parts } = row;
  row.dataset.tone = tone(message);
  subject(parts.subject, message);
  parts.summary.textContent = summary(message);
  parts.origin.textContent = message.origin || "";
  parts.origin.dataset.origin = message.origin || "";
  parts.seq.textContent = `#${message.seq}`;
  parts.stored.textContent = atClock(message.stored);
  delay(parts, message.latencyMs);
}

// subject shows the chat's token short, and the name strong: it is what one looks for.
function subject(place, message) {
  const whole = message.subject;
  const name = whole.endsWith(`.${message.name}`) ? message.name : "";
  const stem = name ? whole.slice(0, -name.length) : whole;
  const found = partsOf(whole);
  if (!found) return place.replaceChildren(stem, element("b", {}, name));
  const [before, token] = found;
  const after = stem.slice(before.length + token.length);
  place.replaceChildren(before, element("span", { class: "chat", title: token }, shortChat(token)), after, element("b", {}, name));
}

function delay(parts, ms) {
  const known = typeof ms === "number" && ms >= 0;
  parts.reach.parentElement.classList.toggle("none", !known);
  parts.latency.textContent = ms < 0 ? "clock ahead" : known ? lasting(ms) : "";
  parts.reach.style.transform = `scaleX(${known ? reach(ms) : 0})`;
  parts.reach.dataset.slow = known && ms > 1000 ? "yes" : "no";
}
