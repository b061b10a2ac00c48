/** Another user of the machine tries every listener of a mesh while a run is in its middle. docs/local-mesh-listeners.md */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeOnLocal, Home, haveLocal } from './command.ts';
import { isPart, listening } from './processes.ts';

const program = fileURLToPath(new URL('stranger.mjs', import.meta.url));
const nobody = '65534';
const isRoot = process.geteuid?.() === 0;

/** What each listener has answered to each attempt. */
interface Found {
  readonly addresses: readonly Readonly<
    Record<'etcd' | 'keys' | 'proxy' | 'tunnel' | 'api' | 'plain' | 'secure', unknown>
  >[];
  readonly sockets: readonly string[];
  /** How often a server that is no part of the mesh has got a connection. */
  readonly reached: number;
}

let home: Home;
beforeAll(() => {
  if (haveLocal && isRoot) home = new Home();
});
afterAll(() => home?.remove());

/** Unix sockets with a name in the folder. */
function socketsBelow(folder: string): string[] {
  const paths = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.split(' ').at(-1) ?? '');
  return [...new Set(paths.filter((path) => path.startsWith(`${folder}/`)))];
}

async function strange(addresses: readonly object[], sockets: readonly string[]): Promise<Found> {
  const become = ['--reuid', nobody, '--regid', nobody, '--clear-groups'];
  const tried = JSON.stringify({ addresses, sockets });
  const { stdout } = await execa('setpriv', [...become, process.execPath, program, tried], { cwd: '/' });
  return JSON.parse(stdout) as Found;
}

describeOnLocal('another user of the machine', () => {
  test('changes nothing of a mesh, and gets no configuration and no way on', async (context) => {
    if (!isRoot) context.skip('only root can become another user');
    const running = await home.startMidway('strangers');
    const processes = home.processes;
    const addresses = listening(processes);
    const folder = join(home.temporary, home.meshes[0] ?? '');
    const sockets = socketsBelow(folder);
    const found = await strange(addresses, sockets);

    const pidOf = (part: string) => processes.find((each) => isPart[part]?.(each))?.pid;
    expect(addresses.filter(({ pid }) => pid === pidOf('etcd'))).toEqual([]);
    expect(sockets).toEqual(expect.arrayContaining([join(folder, 'etcd.client'), join(folder, 'sds')]));
    // Not even whether there is one.
    expect(found.sockets).toEqual(sockets.map(() => 'EACCES'));

    const answered = (attempt: keyof Found['addresses'][number], answer: unknown) =>
      addresses.filter((_, index) => found.addresses[index]?.[attempt] === answer).map(({ pid }) => pid);
    expect(found.reached).toBe(0);
    for (const attempt of ['etcd', 'keys', 'tunnel', 'api'] as const) {
      expect(answered(attempt, 200), attempt).toEqual([]);
    }
    for (const attempt of ['plain', 'secure'] as const) {
      for (const answer of ['configuration', 'silent', '0']) {
        expect(answered(attempt, answer), `${attempt} ${answer}`).toEqual([]);
      }
    }
    // Those who could have said yes have said no.
    expect(answered('api', 401)).toEqual([pidOf('the API server')]);
    expect(answered('keys', 403)).toContain(pidOf('key server external'));
    expect(answered('proxy', 407)).toEqual([running.pid]);
    expect(answered('tunnel', 407)).toEqual([running.pid]);
    // 16 is UNAUTHENTICATED: of istiod itself, and through the address that stays.
    expect(answered('plain', '16')).toEqual([pidOf('istiod')]);
    expect(answered('secure', '16').sort()).toEqual([pidOf('istiod'), running.pid].sort());

    expect(await home.policies()).toEqual(['RequestAuthentication foo/jwt-example']);
    running.kill('SIGTERM');
    expect((await running.ended()).exitCode).toBe(143);
  });
});
