// A command as one types it in a shell.

const plain = /^[A-Za-z0-9_\-.,:/@=]+$/;

export const quotedForShell = (text) => (plain.test(text) ? text : `'${String(text).replaceAll("'", `'\\''`)}'`);

// natsCommand does the same as the page's command: the nats tool takes "{{" for
// a template, so in a JSON string it is written another way.
export function natsCommand(natsURL, subject, data) {
  const body = JSON.stringify(data).replaceAll("{{", "{\\u007b");
  return `nats --server ${quotedForShell(natsURL)} req ${quotedForShell(subject)} ${quotedForShell(body)}`;
}
