// Settings are environment variables, named like the connector's.
import { readFileSync } from "node:fs";
import { credsAuthenticator } from "@nats-io/transport-node";

export function readSettings(env) {
  const prefix = env.CC_SUBJECT_PREFIX || "cc";
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(prefix)) throw new Error("CC_SUBJECT_PREFIX: must be like cc or acme.eu");
  const streams = prefix.toUpperCase().replaceAll(".", "_"); // names begin with it
  const user = env.CC_NATS_USER || undefined;
  const creds = read(env, "CC_NATS_CREDS");
  return {
    prefix,
    stream: `${streams}_EVENTS`,
    files: `${streams}_FILES`,
    consumer: env.ANALYTICS_CONSUMER || user || "analytics",
    database: env.ANALYTICS_DB || "analytics.sqlite",
    validate: env.ANALYTICS_VALIDATE === "true",
    nats: {
      name: "analytics-node",
      servers: (env.CC_NATS_URL || "nats://127.0.0.1:4222").split(","),
      user,
      pass: read(env, "CC_NATS_PASSWORD_FILE")?.trim(),
      authenticator: creds && credsAuthenticator(Buffer.from(creds)),
      inboxPrefix: env.CC_NATS_INBOX_PREFIX || (user && `_INBOX_${user}`),
      maxReconnectAttempts: -1, // it waits for NATS as long as that takes
    },
  };
}

function read(env, variable) {
  if (!env[variable]) return undefined;
  try {
    return readFileSync(env[variable], "utf8");
  } catch (err) {
    throw new Error(`${variable}: the file cannot be read: ${err.code}`);
  }
}

/** Says in one line what went wrong, and what to do about it. */
export function explain(err, { stream, consumer } = {}) {
  if (err.name === "RequestError") err = err.cause ?? err;
  if (/credentials/.test(err.message)) return "CC_NATS_CREDS: the file holds no credentials";
  if (err.code === "ERR_INVALID_URL") return "CC_NATS_URL: must be like nats://127.0.0.1:4222";
  switch (err.name) {
    case "StreamNotFoundError":
      return `the stream ${stream} is not there: start cc-connector, which makes it, or correct CC_SUBJECT_PREFIX`;
    case "ConsumerNotFoundError":
      return `${stream} has no consumer ${consumer}: cc-connector streams --reader ${consumer} --make`;
    case "InvalidOperationError":
      return `another program reads by the consumer ${consumer}: have one made for each`;
    case "ConnectionError":
      return `CC_NATS_URL: no NATS server can be reached there: ${err.message}`;
    case "AuthorizationError":
      return "CC_NATS_USER, CC_NATS_PASSWORD_FILE, CC_NATS_CREDS: NATS does not let this user in";
    case "TimeoutError":
      return "NATS does not answer in time";
    case "PermissionViolationError":
      return `NATS forbids it: ${err.message}; see CC_NATS_USER, CC_NATS_INBOX_PREFIX and ANALYTICS_CONSUMER`;
    case "SqliteError":
      return `ANALYTICS_DB: ${err.message}`;
  }
  return err.message;
}
