// Validates data against the JSON Schema that the event itself names.
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { Refused, dataOf, readEvent } from "./event.js";

const timeout = 5000; // milliseconds

export class Schemas {
  #validators = new Map(); // by dataschema

  constructor(bus) {
    this.bus = bus;
    this.ajv = new Ajv({ strict: false, loadSchema: (uri) => this.#fetch(uri) });
    addFormats(this.ajv);
  }

  async check(dataschema, data) {
    if (!dataschema) throw new Refused("names no schema");
    if (!this.#validators.has(dataschema)) this.#validators.set(dataschema, await this.#compile(dataschema));
    const validate = this.#validators.get(dataschema);
    if (!validate(data)) throw new Refused(`does not match its schema: ${this.ajv.errorsText(validate.errors)}`);
  }

  async #compile(dataschema) {
    const schema = await this.#fetch(dataschema);
    return this.ajv.getSchema(schema.$id ?? dataschema) ?? this.ajv.compileAsync(schema);
  }

  // CC_SCHEMA_BASE_URL may be a place to fetch from. Its default is a name: then the connector is asked.
  async #fetch(uri) {
    if (/^https?:/.test(uri)) {
      const answer = await fetch(uri, { signal: AbortSignal.timeout(timeout) });
      if (!answer.ok) throw new Error(`its schema cannot be had: status ${answer.status}`);
      return answer.json();
    }
    const name = uri.split("/").slice(-2).join("/"); // v1/event.message.json
    const { nc, prefix } = this.bus;
    const reply = await nc.request(`${prefix}.service.schemas`, JSON.stringify({ name }), { timeout });
    const { error, result } = await dataOf(readEvent(reply), this.bus);
    if (error) throw new Error(`its schema cannot be had: ${error.code}`);
    return result.schema;
  }
}
