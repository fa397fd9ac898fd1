// How elements are made. What comes from the wire becomes a text node or an
// attribute's value here, and nowhere in this page is it read as HTML.

// element makes one: attributes that begin with "on" are listeners, true and
// false are attributes that are there or not.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) give(made, key, value);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

function give(made, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
  else made.setAttribute(key, value === true ? "" : String(value));
}

// drawing makes an element of an SVG picture.
export function drawing(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

export const byId = (id) => document.getElementById(id);

// say sets a text only where it differs: what is announced is announced once.
export function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

// numbered gives ids for labels.
let last = 0;
export function numbered(prefix) {
  last += 1;
  return `${prefix}-${last}`;
}

// What there is much of.
export const button = (words, onclick, more = {}) => element("button", { type: "button", onclick, ...more }, words);
export const submit = (words) => element("button", { type: "submit", class: "primary" }, words);
export const hint = (...words) => element("p", { class: "hint" }, ...words);
export const subject = (text, name = "code") => element(name, { class: "subject" }, text);
export const status = (className) => element("p", { class: className, role: "status" });

// labelled is a label with its field.
export function labelled(text, field, className = "field") {
  if (!field.id) field.id = numbered("field");
  return element("div", { class: className }, element("label", { for: field.id }, text), field);
}
