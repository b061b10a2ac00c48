#!/usr/bin/env node
// Stands for Envoy in tests: serves the admin interface that its bootstrap names, and says that it listens on what the
// file listeners-POD beside its configuration has, which a test writes in the place of istiod.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';

const file = process.argv[process.argv.indexOf('-c') + 1] ?? '';
const { node, admin } = JSON.parse(readFileSync(file, 'utf8'));
const listeners = () => {
  try {
    return readFileSync(join(dirname(file), `listeners-${node.metadata.NAME}`), 'utf8');
  } catch {
    return '';
  }
};
createServer((request, response) => {
  if (request.url === '/listeners') response.end(listeners());
  else response.writeHead(404).end();
}).listen(admin.address.pipe.path);
