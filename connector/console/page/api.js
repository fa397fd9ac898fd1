// The server's API. Every refusal becomes an Error with the server's words.

const root = "api/";

export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

async function answer(response) {
  const text = await response.text();
  const value = read(text);
  if (!response.ok) throw new Refused(response.status, value?.error ?? (text.slice(0, 300) || `${response.status}`));
  return value;
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function call(path, options) {
  let response;
  try {
    response = await fetch(root + path, { credentials: "same-origin", ...options });
  } catch {
    throw new Refused(0, "The page's server does not answer.");
  }
  return answer(response);
}

export const get = (path) => call(path, {});

export const post = (path, body = {}) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json", "X-Console": "1" }, body: JSON.stringify(body) });

export const remove = (path) => call(path, { method: "DELETE", headers: { "X-Console": "1" } });

export function upload(path, file) {
  const form = new FormData();
  form.append("file", file, file.name);
  return call(path, { method: "POST", headers: { "X-Console": "1" }, body: form });
}

export const segment = encodeURIComponent;
