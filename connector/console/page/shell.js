// A command as one types it in a shell.

const plain = /^[A-Za-z0-9_\-.,:/@=]+$/;

export const quotedForShell = (text) => (plain.test(text) ? text : `'${String(text).replaceAll("'", `'\\''`)}'`);

// nats is the tool, on the servers that the connector uses.
export const nats = (natsURL) => `nats --server ${quotedForShell(natsURL.replaceAll(" ", ""))}`;

// streamName is that of a stream or bucket of this prefix.
export const streamName = (prefix, what) => `${prefix.toUpperCase().replaceAll(".", "_")}_${what}`;

// natsCommand does the same as the page's command. The tool takes "{{" for a
// template, so in a JSON string it is written another way; {{ID}} becomes an ID,
// by which a command that is sent twice is done once. A reply may take 30 s.
export function natsCommand(natsURL, subject, data) {
  const body = JSON.stringify(data).replaceAll("{{", "{\\u007b");
  return `${nats(natsURL)} req --timeout 35s -H 'Nats-Msg-Id:{{ID}}' ${quotedForShell(subject)} ${quotedForShell(body)}`;
}

// putCommand puts a file where chat.file finds it.
export const putCommand = ({ natsURL, prefix }, file) => `${nats(natsURL)} object put ${streamName(prefix, "FILES")} ${quotedForShell(file)}`;
