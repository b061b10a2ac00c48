/** What the machine has, against what is needed. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  diskForLocal,
  GiB,
  inotify,
  memoryForLocal,
  node,
  thisMachine,
} from '../../../src/cli/doctor/machine.ts';
import { temporaryFolder } from '../../programs/downloads.ts';
import { around, machineWith } from './support.ts';

const on = (changes: Parameters<typeof machineWith>[0]) => around({}, {}, machineWith(changes));
const states = (findings: readonly { state: string }[]) => findings.map(({ state }) => state);

test.each([
  ['20.19.0', 'ok'],
  ['24.1.0', 'ok'],
  ['20.18.3', 'broken'],
  ['18.20.4', 'broken'],
])('Node.js %s is %s', async (version, state) => {
  const [finding] = await node(on({ node: version }));
  expect(finding).toMatchObject({ state, version });
  expect(finding?.remedy !== undefined).toBe(state === 'broken');
});

test('memory that one local mesh does not fit into is a warning', async () => {
  expect(states(await memoryForLocal(on({ memory: () => 1.6 * GiB })))).toEqual(['ok']);
  expect(await memoryForLocal(on({ memory: () => 1.2 * GiB }))).toEqual([
    {
      name: 'memory',
      state: 'warning',
      text: '1.2 GiB can be had',
      remedy: 'End other programs: a local mesh counts with 1.5 GiB.',
    },
  ]);
});

describe('disk', () => {
  test.each([
    [2, ['ok', 'ok']],
    [0.4, ['warning', 'warning']],
    // Programs may be there already; without room for a mesh there is none.
    [0.1, ['warning', 'broken']],
    [undefined, ['ok', 'ok']],
  ])('%s GiB', async (free, wanted) => {
    const freeDisk = async () => (free === undefined ? undefined : free * GiB);
    expect(states(await diskForLocal(on({ freeDisk })))).toEqual(wanted);
  });

  test('is looked at where the cache would be made, and nothing is made', async () => {
    const folder = temporaryFolder();
    const asked: string[] = [];
    const freeDisk = async (path: string) => {
      asked.push(path);
      return thisMachine.freeDisk(path);
    };
    const [finding] = await diskForLocal(around({}, { XDG_CACHE_HOME: folder }, machineWith({ freeDisk })));
    expect(asked[0]).toBe(join(folder, 'istio-jwt-e2e', 'programs'));
    expect(finding?.text).toMatch(/^\d+\.\d GiB free in /);
  });
});

describe('limits of inotify', () => {
  test('below what kind recommends are warnings with the command', async () => {
    const limits: Record<string, number> = { max_user_instances: 128, max_user_watches: 524_288 };
    const limit = (file: string) => limits[file.replace('/proc/sys/fs/inotify/', '')];
    expect(await inotify(on({ limit }))).toEqual([
      {
        name: 'fs.inotify.max_user_instances',
        state: 'warning',
        text: '128; with less than 512, pods may end with "too many open files"',
        remedy: 'sudo sysctl fs.inotify.max_user_instances=512',
      },
      { name: 'fs.inotify.max_user_watches', state: 'ok', text: '524288' },
    ]);
  });

  test('are nothing to speak of where there are none, as on macOS', async () => {
    expect(await inotify(on({ limit: () => undefined }))).toEqual([]);
    expect(thisMachine.limit('/proc/no/such/file')).toBeUndefined();
  });
});
