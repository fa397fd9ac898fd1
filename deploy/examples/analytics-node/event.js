// Reads a message of the stream as a CloudEvent, in whichever mode it was published.
import { createHash } from "node:crypto";
import { HTTP } from "cloudevents";

/** Says of a message what it is instead of an event of the connector's. To read it again is no use. */
export class Refused extends Error {}

/**
 * Reads attributes and data. NATS carries a CloudEvent as HTTP does, so the SDK reads both modes:
 * structured (one JSON object) and binary (attributes are headers, the payload is the data).
 */
export function readEvent(msg) {
  let event, id;
  try {
    const headers = plain(msg.headers);
    const structured = headers["content-type"]?.startsWith("application/cloudevents");
    const text = new TextDecoder("utf-8", { fatal: true }).decode(msg.data);
    const body = structured ? JSON.parse(text) : text;
    event = HTTP.toEvent({ headers, body });
    event.validate();
    id = structured ? body.id : headers["ce-id"];
  } catch {
    throw new Refused("is no CloudEvent");
  }
  if (!id) throw new Refused("has no id"); // the SDK makes one up, a new one at each delivery
  if (!event.type.startsWith("com.brightpattern.")) throw new Refused("is somebody else's CloudEvent");
  if (Number.isNaN(Date.parse(event.recordedtime ?? event.time))) throw new Refused("has a time that is none");
  return event;
}

// The NATS binding percent-encodes attributes in headers. The SDK takes headers as they are.
function plain(headers) {
  const given = {};
  for (const [name, [value]] of headers ?? []) {
    const key = name.toLowerCase();
    given[key] = key.startsWith("ce-") ? decodeURIComponent(value) : value;
  }
  return given;
}

/** Returns the data of an event, an object. Those that are too large for a message lie in the object store. */
export async function dataOf(event, bus) {
  const data = event.dataref ? await fetchData(event.dataref, bus) : event.data;
  if (typeof data !== "object" || data === null) throw new Refused("has data that are no JSON object");
  return data;
}

async function fetchData(dataref, bus) {
  const [where, object] = String(dataref).split(/\/(.*)/);
  if (where !== `nats-object:${bus.files}`) throw new Refused("has its data at an unknown place");
  const content = await readObject(object, bus);
  try {
    return JSON.parse(content);
  } catch {
    throw new Refused("has data that are no JSON");
  }
}

// An object is a message about it and messages with its content. Each is asked for by itself: the
// library reads objects by a consumer that it makes, and who only reads may make none.
async function readObject(object, { jsm, files }) {
  const ask = (query) => jsm.streams.getMessage(`OBJ_${files}`, query);
  const name = Buffer.from(object).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
  const about = (await ask({ last_by_subj: `$O.${files}.M.${name}` }))?.json();
  const chunks = [];
  for (let seq = 1; chunks.length < (about?.chunks ?? 0); ) {
    const chunk = await ask({ seq, next_by_subj: `$O.${files}.C.${about.nuid}` });
    if (!chunk) break;
    chunks.push(chunk.data);
    seq = chunk.seq + 1;
  }
  const content = Buffer.concat(chunks);
  const digest = createHash("sha256").update(content).digest("base64url");
  if (about?.digest?.replace(/=*$/, "") !== `SHA-256=${digest}`) throw new Refused("has its data no more");
  return content.toString();
}
