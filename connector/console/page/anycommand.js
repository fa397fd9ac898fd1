// Every other command of the contract, its data written by hand.

import { element, labelled } from "./element.js";

export function anyCommand(customer) {
  const { commander } = customer;
  const names = element("select", {}, ...commander.names.map((name) => element("option", { value: name }, name)));
  const body = element("textarea", { rows: "5", spellcheck: "false", class: "code" });
  const wrong = element("p", { class: "error", role: "alert" });
  const fill = () => {
    const example = commander.example(names.value);
    const { chat } = customer;
    body.value = JSON.stringify("chatId" in example && chat ? { ...example, chatId: chat } : example, null, 2);
    show();
  };
  const read = () => ({ name: names.value, data: JSON.parse(body.value) });
  const show = () => {
    wrong.textContent = "";
    try {
      const order = read();
      customer.preview({ ...order, put: order.name === "chat.file" && order.data.object });
    } catch {
      // not yet JSON
    }
  };
  names.addEventListener("change", fill);
  body.addEventListener("input", show);
  const form = element("form", {}, labelled("Command", names), labelled("Data", body), wrong, element("button", { type: "submit" }, "Publish it"));
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    try {
      customer.run(read());
    } catch {
      wrong.textContent = "The data must be JSON.";
    }
  });
  const details = element("details", { class: "any" }, element("summary", {}, "Any other command"), form);
  details.addEventListener("toggle", () => details.open && fill());
  return details;
}
