import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asHarnessError } from '../../src/base/errors.ts';
import { fileError, writePrivately } from '../../src/base/files/file-error.ts';

/** What a call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('it has not thrown');
}

/** As mkdtemp throws it in a temporary folder that is full. */
const full = (more: object) =>
  Object.assign(new Error('ENOSPC: no space left on device, mkdtemp'), { code: 'ENOSPC', ...more });

describe('what keeps files from being written is no mistake of this tool', () => {
  test('a full folder, with its path', () => {
    const error = asHarnessError(full({ syscall: 'mkdtemp', path: '/var/tmp/jwt-e2e-XXXXXX' }));
    expect(error).toMatchObject({
      code: 'E_FILE',
      exitCode: 4,
      message: '/var/tmp/jwt-e2e-XXXXXX cannot be read or written: ENOSPC: no space left on device, mkdtemp',
      hint: expect.stringMatching(/^Make room .*TMPDIR/),
    });
  });

  test.skipIf(process.platform !== 'linux')('a write, for which the operating system names no path', () => {
    const file = openSync('/dev/full', 'w');
    expect(asHarnessError(thrownBy(() => writeFileSync(file, 'x')))).toMatchObject({
      code: 'E_FILE',
      message: expect.stringContaining(tmpdir()),
    });
  });

  test('but a connection, a limit of watching, and what is not there by mistake are something else', async () => {
    const socket = connect({ host: '127.0.0.1', port: 1 });
    const [refused] = (await once(socket, 'error')) as [Error];
    const others = [
      refused,
      full({ syscall: 'watch' }),
      Object.assign(new Error('spawn x EACCES'), { code: 'EACCES', syscall: 'spawn x' }),
      thrownBy(() => openSync('/no/such/file', 'r')),
      new Error('ENOSPC'),
    ];
    expect(others.map((each) => asHarnessError(each).code)).toEqual(others.map(() => 'E_INTERNAL'));
  });
});

test('a file of this tool that cannot be written is named, with what it is and what to do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'files-'));
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'taken'));
  for (const path of [join(folder, 'file', 'kubeconfig'), join(folder, 'taken')]) {
    expect(thrownBy(() => writePrivately('the kubeconfig', path, ''))).toMatchObject({
      code: 'E_FILE',
      message: expect.stringContaining(`the kubeconfig, ${path}, cannot be read or written: E`),
      hint: expect.stringContaining('this user may write'),
    });
  }
  expect(fileError('the kubeconfig', '/x/y', full({ syscall: 'write' })).hint).toBe(
    'Make room on the disk of /x, or let it be another folder.',
  );
  rmSync(folder, { recursive: true });
});
