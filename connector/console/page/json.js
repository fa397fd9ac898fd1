// A JSON value as coloured text.

import { element } from "./element.js";

const words = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const most = 200000; // characters: beyond, it is plain text

export function coloured(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  const made = element("pre", { class: "json", tabindex: "0", role: "group", "aria-label": "JSON" });
  if (text === undefined) return made;
  if (text.length > most) made.append(text);
  else made.append(...parts(text));
  return made;
}

function* parts(text) {
  let end = 0;
  for (const found of text.matchAll(words)) {
    yield text.slice(end, found.index);
    yield* part(found);
    end = found.index + found[0].length;
  }
  yield text.slice(end);
}

function* part([whole, string, colon]) {
  if (colon) {
    yield element("span", { class: "key" }, string);
    yield colon;
  } else if (string) yield element("span", { class: "string" }, whole);
  else yield element("span", { class: "number" }, whole);
}
