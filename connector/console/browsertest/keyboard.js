// A person without a mouse.

const most = 200; // presses: more than all that can be reached

// nameOf is how the focused element is called.
const nameOf = () => {
  const at = document.activeElement;
  const label = at.id && document.querySelector(`label[for="${CSS.escape(at.id)}"]`);
  const name = at.getAttribute("aria-label") ?? label?.textContent ?? at.textContent;
  return { name: name.trim().replace(/\s+/g, " "), column: at.closest(".column")?.id ?? "" };
};

export async function tabTo(page, wanted, column = "", key = "Tab") {
  for (let press = 0; press < most; press++) {
    const { name, column: place } = await page.evaluate(nameOf);
    if (name === wanted && (column === "" || place === column)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`the keyboard does not reach ${wanted}`);
}

export async function pressOn(page, wanted, column) {
  await tabTo(page, wanted, column);
  await page.keyboard.press("Enter");
}

// write replaces what stands in the field.
export async function write(page, wanted, column, text) {
  await tabTo(page, wanted, column);
  await page.keyboard.press("Control+A");
  await page.keyboard.type(text);
}

// seen tells that the focused element shows that it is.
export const seen = (page) =>
  page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
