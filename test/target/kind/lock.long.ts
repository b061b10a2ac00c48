/** One process at a time uses a cluster, and a killed one does not keep it. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ClusterLock } from '../../../src/target/kind/lock.ts';
import { typescript } from '../../support/typescript.ts';

const lockModule = fileURLToPath(new URL('../../../src/target/kind/lock.ts', import.meta.url));

let folder: string;
let file: string;
const held = (holder: unknown) => writeFileSync(file, JSON.stringify(holder));
const lock = () => new ClusterLock(file, 'kind cluster "demo"');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-lock-'));
  file = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('is taken and given back, and leaves no file', () => {
  writeFileSync(join(folder, 'kubeconfig'), '');
  const own = lock();
  own.take();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid });
  expect(readdirSync(folder).sort()).toEqual(['kubeconfig', 'lock']);
  own.release();
  own.release();
  expect(readdirSync(folder)).toEqual(['kubeconfig']);
});

test('makes its folder, and removes it when nothing else came into it', () => {
  file = join(folder, 'state', 'demo', 'lock');
  const own = lock();
  own.take();
  own.release();
  expect(existsSync(dirname(file))).toBe(false);
});

describe('a second process', () => {
  test('is refused, and told which process has it and what to do', () => {
    const other = spawn('sleep', ['60']);
    try {
      held({ pid: other.pid, since: Date.now() });
      expect(() => lock().take()).toThrow(
        expect.objectContaining({
          code: 'E_CLUSTER',
          message: expect.stringMatching(
            new RegExp(
              `^kind cluster "demo" is in use by process ${other.pid}, since \\d{4}-\\d\\d-\\d\\d [\\d:]{8} UTC$`,
            ),
          ),
          hint: expect.stringContaining(file),
        }),
      );
      expect(readdirSync(folder)).toEqual(['lock']);
    } finally {
      other.kill('SIGKILL');
    }
  });

  test('is this one, too', () => {
    const first = lock();
    first.take();
    expect(() => lock().take()).toThrow(`in use by process ${process.pid}`);
    first.release();
    expect(() => lock().take()).not.toThrow();
  });

  test('does not give back what is not its own', () => {
    const own = lock();
    own.take();
    held({ pid: 1, since: Date.now() });
    own.release();
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: 1 });
  });

  test.skipIf(process.platform !== 'linux')(
    'that was killed and is only not taken note of is none',
    async () => {
      const shell = spawn('sh', [
        '-c',
        `node --import '${typescript}' --input-type=module -e "import { ClusterLock } from '${lockModule}'; new ClusterLock('${file}', 'demo').take(); setInterval(() => {}, 1000);" & exec sleep 60`,
      ]);
      try {
        await vi.waitFor(() => expect(existsSync(file)).toBe(true), 20_000);
        const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number };
        expect(() => lock().take()).toThrow(`in use by process ${pid}`);
        process.kill(pid, 'SIGKILL');
        await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z'), 10_000);
        expect(() => lock().take()).not.toThrow();
      } finally {
        shell.kill('SIGKILL');
      }
    },
  );
});

describe('is taken over from a process', () => {
  test('that was killed', async () => {
    const program = `import { ClusterLock } from '${lockModule}'; new ClusterLock('${file}', 'kind cluster "demo"').take(); process.kill(process.pid, 'SIGKILL');`;
    const { signal } = await execa('node', ['--import', typescript, '--input-type=module', '-e', program], {
      reject: false,
    });
    expect(signal).toBe('SIGKILL');
    expect(existsSync(file)).toBe(true);
    expect(() => lock().take()).not.toThrow();
  });

  test.each([
    [
      'from before the computer was started',
      () => ({ pid: 1, since: Date.now() - uptime() * 1000 - 60_000 }),
    ],
    ['that had the number of this one', () => ({ pid: process.pid, since: Date.now() - 24 * 3600_000 })],
    [
      'whose number another one has now',
      () => ({ pid: 1, since: Date.now(), start: '00000000-0000-0000-0000-000000000000 1' }),
    ],
    ['that wrote nothing of use', () => ({ pid: 'x' })],
  ])('%s', (_, holder) => {
    held(holder());
    expect(() => lock().take()).not.toThrow();
    expect(readdirSync(folder)).toEqual(['lock']);
  });
});

test('a process that ends gives it back by itself', async () => {
  const program = `import { ClusterLock } from '${lockModule}'; new ClusterLock('${file}', 'kind cluster "demo"').take(); process.exit(3);`;
  const { exitCode } = await execa('node', ['--import', typescript, '--input-type=module', '-e', program], {
    reject: false,
  });
  expect(exitCode).toBe(3);
  expect(existsSync(file)).toBe(false);
});

test('says what to do when there is no place for it', () => {
  writeFileSync(join(folder, 'file'), '');
  for (const path of ['file/lock', 'file/demo/lock']) {
    expect(() => new ClusterLock(join(folder, path), 'kind cluster "demo"').take()).toThrow(
      expect.objectContaining({ code: 'E_FILE', hint: expect.stringContaining('XDG_STATE_HOME') }),
    );
  }
});

describe('says at once which file it is, and what to do', () => {
  const refused = () =>
    expect(() => lock().take()).toThrow(
      expect.objectContaining({
        code: 'E_FILE',
        message: expect.stringContaining(file),
        hint: expect.stringMatching(/sudo.*XDG_STATE_HOME/),
      }),
    );

  test('when it can be made by nobody: a folder has its name', () => {
    mkdirSync(file);
    refused();
  });

  test.each([
    ['nowhere', 'no-such-file'],
    ['to itself', 'lock'],
  ])('when it is a link that leads %s', (_, to) => {
    symlinkSync(join(folder, to), file);
    refused();
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  test("when sudo has left it: the folder is this user's, and the file is not", async () => {
    held({ pid: 1, since: Date.now() });
    chmodSync(file, 0);
    // Whoever is root can read everything, and becomes somebody else.
    const nobody = 65534;
    if (process.getuid?.() === 0) chownSync(folder, nobody, nobody);
    const module = `import { ClusterLock } from '${lockModule}';`;
    const program = `${module} if (process.getuid() === 0) process.setuid(${nobody}); try { new ClusterLock('${file}', 'x').take(); } catch (error) { console.log(error.code, error.message); }`;
    const { stdout } = await execa('node', ['--import', typescript, '--input-type=module', '-e', program], {
      reject: false,
      timeout: 20_000,
    });
    expect(stdout).toContain(`E_FILE the lock, ${file}, cannot be read or written: EACCES`);
  });
});

test('of many at once exactly one gets it', async () => {
  held({ pid: 2 ** 22 - 1, since: Date.now() });
  const program = `
    import { ClusterLock } from '${lockModule}';
    while (Date.now() < ${Date.now() + 4000});
    try { new ClusterLock('${file}', 'kind cluster "demo"').take(); console.log('mine'); setTimeout(() => {}, 3000); }
    catch (error) { console.log(error.code); }`;
  const all = await Promise.all(
    Array.from({ length: 4 }, () =>
      execa('node', ['--import', typescript, '--input-type=module', '-e', program], { reject: false }),
    ),
  );
  expect(all.map(({ stdout }) => stdout).sort()).toEqual(['E_CLUSTER', 'E_CLUSTER', 'E_CLUSTER', 'mine']);
});
