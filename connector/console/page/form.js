// A form that the customer is asked for. The contact center names it, and says
// no more: its fields are written down here. One without a name is a question.

import { button, element, labelled, submit } from "./element.js";

export function formFor(asked, { preview, send }) {
  const fields = asked.name === "" ? question() : pairs();
  const form = element("form", { class: "asked", "aria-label": asked.name || "Question" },
    element("p", { class: "asked-title" }, asked.name ? ["The agent asks for the form ", element("b", {}, asked.name)] : "The agent asks a question"),
    fields.place,
    submit(asked.name ? "Send the form" : "Answer"));
  const data = () => ({ formRequestId: asked.id, formName: asked.name, data: fields.data() });
  for (const event of ["focusin", "pointerenter", "input"]) form.addEventListener(event, () => preview(data()));
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    send(data());
  });
  return form;
}

function question() {
  const text = element("input", { autocomplete: "off" });
  return { place: labelled("Answer", text), data: () => ({ text: text.value }) };
}

function pairs() {
  const rows = [];
  const place = element("div", { class: "pairs" });
  const add = (name, value) => {
    const key = element("input", { value: name, autocomplete: "off", "aria-label": "Field" });
    const content = element("input", { value, autocomplete: "off", "aria-label": "Value" });
    rows.push([key, content]);
    more.before(element("div", { class: "pair" }, key, content));
  };
  const more = button("One more field", () => add("", ""), { class: "quiet" });
  place.append(more);
  add("rating", "5");
  return { place, data: () => Object.fromEntries(rows.filter(([key]) => key.value).map(([key, content]) => [key.value, content.value])) };
}
