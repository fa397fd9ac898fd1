// A row of tabs: arrow keys move, one of them is in the tab order.

import { byId } from "./element.js";

export function tabs(list, chosen = () => {}) {
  const buttons = [...list.querySelectorAll("[role=tab]")];
  const choose = (button, focus) => {
    for (const one of buttons) {
      const on = one === button;
      one.setAttribute("aria-selected", on);
      one.tabIndex = on ? 0 : -1;
      const panel = byId(one.getAttribute("aria-controls"));
      if (panel) panel.hidden = !on;
    }
    if (focus) button.focus();
    chosen(button.id);
  };
  list.addEventListener("click", (e) => {
    const button = e.target.closest("[role=tab]");
    if (button) choose(button, false);
  });
  list.addEventListener("keydown", (e) => {
    const to = next(buttons, e);
    if (!to) return;
    e.preventDefault();
    choose(to, true);
  });
  choose(buttons[0], false);
  return (id) => choose(byId(id), false);
}

function next(buttons, event) {
  const at = buttons.indexOf(event.target.closest("[role=tab]"));
  const places = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 };
  return event.key in places ? buttons[(places[event.key] + buttons.length) % buttons.length] : null;
}
