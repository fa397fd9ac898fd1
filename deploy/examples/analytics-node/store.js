// The database. Each of its writes is one transaction, on the disk when it returns.
import { readFileSync } from "node:fs";
import Database from "better-sqlite3";

export class Store {
  constructor(path) {
    this.db = open(path);
    this.db.pragma("journal_mode = WAL");
    this.db.pragma("synchronous = FULL"); // an acknowledged event outlives a power cut, too
    this.db.exec(readFileSync(new URL("analytics.sql", import.meta.url), "utf8"));
    this.insert = this.db.prepare(`INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
    this.refuse = this.db.prepare(`INSERT INTO refused VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
    this.progress = this.db.prepare(`UPDATE progress SET position = max(position, ?), repeated = repeated + ?`);
    this.write = this.db.transaction((batch) => batch.forEach((one) => this.#add(one)));
  }

  #add({ msg, refused, event, data, valid }) {
    if (refused) {
      const headers = JSON.stringify([...(msg.headers ?? [])]);
      this.refuse.run(msg.seq, msg.timestamp, msg.subject, refused, headers, msg.data);
      this.progress.run(msg.seq, 0);
      return;
    }
    const { source, id, type } = event;
    const sequence = event.sequence === undefined ? null : Number(event.sequence);
    const recorded = Date.parse(event.recordedtime ?? event.time);
    const about = event.correlationid === undefined ? null : String(event.correlationid);
    const { changes } = this.insert.run(source, id, type, sequence, recorded, about, Number(valid), JSON.stringify(data));
    this.progress.run(msg.seq, 1 - changes);
  }

  report() {
    const hours = this.db.prepare(`SELECT * FROM per_hour`).all();
    const { events, position, repeated } = this.db.prepare(`SELECT (SELECT count(*) FROM events) AS events, * FROM progress`).get();
    const { missing } = this.db.prepare(`SELECT coalesce(sum(missing), 0) AS missing FROM holes`).get();
    const { refused } = this.db.prepare(`SELECT count(*) AS refused FROM refused`).get();
    return [
      "hour (UTC)        chats  answered  median first response",
      ...hours.map(({ hour, chats, answered, median }) =>
        `${hour}  ${String(chats).padStart(5)}  ${String(answered).padStart(8)}  ${median === null ? "-" : `${median.toFixed(1)} s`}`),
      `${events} events, up to ${position} in the stream; ${missing} missing, ${repeated} came again, ${refused} refused`,
    ].join("\n");
  }
}

function open(path) {
  try {
    return new Database(path);
  } catch (err) {
    throw new Error(`ANALYTICS_DB: ${err.message}`);
  }
}
