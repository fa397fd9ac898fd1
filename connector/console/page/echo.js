// "The same from a shell": what the action at hand would publish, and what was
// published last.

import { element, subject as code } from "./element.js";
import { coloured } from "./json.js";
import { copyable } from "./copy.js";
import { natsCommand } from "./shell.js";

const most = 10;

export class Echo {
  constructor(natsURL) {
    this.natsURL = natsURL;
    this.ids = [];
    this.now = element("div", { class: "preview" });
    this.sent = element("ol", { class: "sent", reversed: true, "aria-label": "Published last" });
    this.place = element("section", { class: "echo", "aria-labelledby": "echo-title" },
      element("h3", { id: "echo-title" }, "The same from a shell"), this.now, element("h4", {}, "Published last"), this.sent);
  }

  preview({ subject, data, shell, lane }) {
    const key = shell;
    if (key === this.key) return;
    this.key = key;
    this.now.replaceChildren(...parts(subject, data, shell, lane));
  }

  // published is told anew of what it has heard of already, where the browser has connected again.
  published({ id, subject, data, lane }) {
    if (id !== undefined && this.ids.includes(id)) return;
    this.ids = [id, ...this.ids].slice(0, 10 * most);
    const shell = natsCommand(this.natsURL, subject, data);
    const entry = element("details", {}, element("summary", {}, code(subject)), ...parts(subject, data, shell, lane));
    this.sent.prepend(element("li", {}, entry));
    while (this.sent.childElementCount > most) this.sent.lastElementChild.remove();
  }
}

function parts(subject, data, shell, lane) {
  return [
    element("p", { class: "subject-line" }, element("span", { class: `lane ${lane}` }, lane), code(subject)),
    coloured(data),
    copyable(shell, "the nats command"),
  ];
}
