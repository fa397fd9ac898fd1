// What a consumer must not stumble over.
import { headers } from "@nats-io/transport-node";

const ours = {
  specversion: "1.0",
  id: "1",
  source: "x",
  type: "com.brightpattern.chat.event.message.v1",
  dataschema: "cc-connector:/schemas/v1/event.message.json",
  recordedtime: "2026-01-01T00:00:00.000Z",
  data: { chatId: "garbage" },
};
const structured = { "Content-Type": "application/cloudevents+json" };
const event = (changes) => [JSON.stringify({ ...ours, ...changes }), structured];

const garbage = [
  ["no CloudEvent", {}],
  ["{", structured],
  ["null", structured],
  [new Uint8Array([0xff, 0xfe]), structured], // no UTF-8
  event({ id: undefined }),
  event({ type: "com.example.other" }),
  event({ recordedtime: "yesterday" }),
  event({ data: "text" }),
  event({ data: undefined }),
  event({ data: undefined, dataref: "nats-object:CC_FILES/not-there" }),
  event({ data: undefined, dataref: "nats-object:>/x" }),
  event({ data: undefined, dataref: 7 }),
  ["{}", { "ce-specversion": "1.0", "ce-source": "x", "ce-type": ours.type }],
  ["{}", { "ce-specversion": "1.0", "ce-source": "x", "ce-type": ours.type, "ce-id": "%" }],
  event({ data: { chatId: 7 } }),
  event({ data: {} }),
  event({ dataschema: undefined }),
];

/** Writes it into the stream, and returns how much it was. */
export async function publishGarbage(js) {
  for (const [payload, given] of garbage) {
    const h = headers();
    for (const [name, value] of Object.entries(given)) h.set(name, value);
    await js.publish("cc.chat.garbage.event.message", payload, { headers: h });
  }
  return garbage.length;
}
