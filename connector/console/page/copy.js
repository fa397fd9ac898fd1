// Copying to the clipboard, said where it is seen and heard.

import { element, byId, say } from "./element.js";

export function copyButton(text, what) {
  const button = element("button", { type: "button", class: "quiet copy", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", () => copy(typeof text === "function" ? text() : text, what, button));
  return button;
}

// copyable is a line that can be copied.
export const copyable = (text, what) => element("div", { class: "shell" }, element("code", {}, text), copyButton(text, what));

async function copy(text, what, button) {
  const done = await navigator.clipboard.writeText(text).then(() => true, () => false);
  say(byId("said"), done ? `Copied ${what}` : `The browser did not let ${what} be copied`);
  button.textContent = done ? "Copied" : "No access";
  setTimeout(() => (button.textContent = "Copy"), 1500);
}
