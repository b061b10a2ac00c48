import { expect, test } from 'vitest';
import { programFolderFor } from '../../../src/engine/targets/program-folders.ts';

const nothing = () => {
  throw new Error('nothing was to be said');
};
const both = ['1.31.1=/older', '1.32.0=/newer'];

test.each([
  ['nothing', undefined, undefined, { folder: undefined, istio: undefined }],
  ['a folder for all', '/programs', undefined, { folder: '/programs', istio: undefined }],
  ['a folder for all', ['/programs'], '1.31.1', { folder: '/programs', istio: '1.31.1' }],
  ['a folder of the version', both, '1.31.1', { folder: '/older', istio: '1.31.1' }],
  ['a folder of the version', both, '1.32.0', { folder: '/newer', istio: '1.32.0' }],
  ['its own folder, then that for all', ['/all', ...both], '1.32.0', { folder: '/newer', istio: '1.32.0' }],
  ['its own folder, then that for all', ['/all', ...both], '1.30.5', { folder: '/all', istio: '1.30.5' }],
  ['its own folder, then that for all', ['/all', ...both], undefined, { folder: '/all', istio: undefined }],
  ['the only version', ['1.31.1=/older'], undefined, { folder: '/older', istio: '1.31.1' }],
  ['a development version', ['1.31-alpha.b016=/o'], undefined, { folder: '/o', istio: '1.31-alpha.b016' }],
  ['a name with =', ['./1.31.1=x', './1.31.1=x'], undefined, { folder: './1.31.1=x', istio: undefined }],
  ['a path with =', ['/a=b/1'], '1.31.1', { folder: '/a=b/1', istio: '1.31.1' }],
] as const)('%s: %o for %s', (_, programs, istio, wanted) => {
  const given = programs === undefined || typeof programs === 'string' ? programs : [...programs];
  expect(programFolderFor({ programs: given }, istio, nothing)).toEqual(wanted);
});

test('that no folder is for a version is said', () => {
  const said: string[] = [];
  const found = programFolderFor({ programs: both }, '1.30.5', (message) => said.push(message));
  expect(found).toEqual({ folder: undefined, istio: '1.30.5' });
  expect(said).toEqual([
    '--programs has no folder for Istio 1.30.5, only for 1.31.1 and 1.32.0; --programs 1.30.5=FOLDER names one',
  ]);
});

test.each([
  [
    both,
    '--programs has folders for Istio 1.31.1 and 1.32.0, so it is not clear which one is meant',
    'Write --istio 1.31.1,1.32.0 for one mesh each, or name one of them.',
  ],
  [
    ['1.31.1=/a', '1.31.1=/b'],
    '--programs has two folders for Istio 1.31.1: /a and /b',
    'Leave one of them out.',
  ],
  [
    ['/a', '/b'],
    '--programs has two folders for all versions: /a and /b',
    'Say for which Istio each is, such as --programs 1.31.1=FOLDER.',
  ],
  [['1.31.1='], '--programs has no folder behind "1.31.1="', 'Write --programs 1.31.1=FOLDER.'],
])('what is not clear is refused: %o', (programs, message, hint) => {
  expect(() => programFolderFor({ programs }, undefined, nothing)).toThrow(
    expect.objectContaining({ code: 'E_USAGE', message, hint }),
  );
});
