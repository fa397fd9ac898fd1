// Reads an AsyncAPI document with the AsyncAPI parser. Any error that it finds is
// printed, and fails. It does not compare examples with schemas: a Go test does.
import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';

const severities = ['error', 'warning', 'information', 'hint'];

// What is broken must be found, or the check says nothing.
const broken = {
  asyncapi: '3.0.0',
  info: { title: 'broken', version: '1' },
  channels: { c: { address: 'c', messages: { m: { $ref: '#/components/messages/none' } } } },
};

async function errorsOf(text) {
  const { document, diagnostics } = await new Parser().parse(text);
  const errors = diagnostics.filter(({ severity }) => severity === 0);
  if (!document && errors.length === 0) throw new Error('the parser returned neither a document nor an error');
  return { document, diagnostics, errors };
}

const [path] = process.argv.slice(2);
if ((await errorsOf(JSON.stringify(broken))).errors.length === 0) {
  console.error('the parser finds nothing wrong with a broken document');
  process.exit(1);
}
const { document, diagnostics, errors } = await errorsOf(await readFile(path, 'utf8'));
for (const { severity, code, message, path: at } of diagnostics.filter(({ severity }) => severity < 2).slice(0, 50)) {
  console.error(`${severities[severity]} ${code}: ${message} (${at.join('.')})`);
}
if (errors.length > 0) {
  console.error(`${path}: ${errors.length} errors`);
  process.exit(1);
}
console.log(`${path}: ${document.channels().length} channels, ${document.operations().length} operations, ${document.messages().length} messages`);
