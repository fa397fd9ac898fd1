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
  const done = await toClipboard(text, button);
  say(byId("said"), done ? `Copied ${what}` : `The browser did not let ${what} be copied. Where it is selected, press Ctrl C`);
  button.textContent = done ? "Copied" : "Press Ctrl C";
  setTimeout(() => {
    button.textContent = "Copy";
    say(byId("said"), "");
  }, 3000);
}

// toClipboard: on plain HTTP of another machine, browsers have no clipboard but
// for what is selected; then the text beside the button stays selected.
async function toClipboard(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const beside = [...button.parentElement.querySelectorAll("code, .subject, pre")].find((e) => e.textContent === text);
    if (beside) getSelection().selectAllChildren(beside);
    return Boolean(beside) && document.execCommand("copy");
  }
}
