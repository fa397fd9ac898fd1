// What the consumer must have stored, found out by other means: the stream is read as it stands, by plain JavaScript.
import { jetstreamManager } from "@nats-io/jetstream";

/** Reads all events of the stream, with the data of those that lie elsewhere. */
export async function readStream(nc) {
  const jsm = await jetstreamManager(nc);
  const files = await objects(jsm);
  const { state } = await jsm.streams.info("CC_EVENTS");
  const events = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const msg = await jsm.streams.getMessage("CC_EVENTS", { seq });
    if (!msg || msg.subject.startsWith("cc.internal.") || msg.subject.startsWith("cc.chat.garbage.")) continue;
    const event = msg.header.get("ce-id") ? fromHeaders(msg) : msg.json();
    if (event.dataref) event.data = JSON.parse(files.get(event.dataref));
    events.push(event);
  }
  return events;
}

function fromHeaders(msg) {
  const event = { mode: "binary" };
  for (const [name, [value]] of msg.header) {
    if (name.startsWith("ce-")) event[name.slice(3)] = decodeURIComponent(value);
  }
  if (msg.data.length > 0) event.data = msg.json();
  return event;
}

/** The objects of the store, by what a dataref calls them. */
async function objects(jsm) {
  const found = new Map();
  const { state } = await jsm.streams.info("OBJ_CC_FILES", { subjects_filter: "$O.CC_FILES.M.>" });
  for (const subject of Object.keys(state.subjects ?? {})) {
    const { name, nuid } = (await jsm.streams.getMessage("OBJ_CC_FILES", { last_by_subj: subject })).json();
    let content = "";
    for (let seq = 1, chunk; (chunk = await jsm.streams.getMessage("OBJ_CC_FILES", { seq, next_by_subj: `$O.CC_FILES.C.${nuid}` })); ) {
      content += chunk.string();
      seq = chunk.seq + 1;
    }
    found.set(`nats-object:CC_FILES/${name}`, content); // data, or a file
  }
  return found;
}

/** The same table as the consumer's, without SQL. */
export function perHour(events) {
  const hours = new Map();
  for (const opened of events.filter((e) => e.type === "com.brightpattern.chat.session.opened.v1")) {
    const ofChat = events.filter((e) => e.source === opened.source);
    const agents = ofChat.filter((e) => e.type.includes(".party_joined.") && e.data.partyType === "internal").map((e) => e.data.partyId);
    const words = ofChat.filter((e) => e.type === "com.brightpattern.chat.event.message.v1" && agents.includes(e.data.partyId));
    const first = Math.min(...words.map((e) => Date.parse(e.recordedtime)));
    const began = Date.parse(opened.time);
    const hour = `${new Date(began).toISOString().slice(0, 13).replace("T", " ")}:00`;
    hours.set(hour, [...(hours.get(hour) ?? []), (first - began) / 1000]);
  }
  return [...hours].sort().map(([hour, waits]) => ({ hour, chats: waits.length, answered: waits.length, median: median(waits) }));
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}
