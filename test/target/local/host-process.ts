/** A process that keeps a mesh which is none: {@link MeshHost} with a stub for its target. Arguments: name, file for its log. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { MeshHost } from '../../../src/target/local/host/host.ts';
import { stateFileOf } from '../../../src/target/local/host/kept.ts';
import { hostConfig, stubTarget } from './stub-target.ts';

const [name = '', log = ''] = process.argv.slice(2);
const file = stateFileOf(name);
mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
const host = new MeshHost(
  hostConfig(name, file),
  () => process.exit(0),
  (_, progress) => stubTarget(progress, (line) => appendFileSync(log, `${line}\n`)).target,
);
await host.start(new AbortController().signal);
