import { expect, test } from 'vitest';
import type { Entry } from '../../../src/programs/oci/layer.ts';
import { Tree } from '../../../src/programs/oci/tree.ts';

const entry = (path: string, kind: Entry['kind'], link = ''): Entry => ({
  path,
  kind,
  link,
  size: 1,
  executable: true,
});
const file = (path: string) => entry(path, 'file');
const folder = (path: string) => entry(`${path}/`, 'directory');
const symlink = (path: string, link: string) => entry(path, 'symbolic link', link);
const hardLink = (path: string, link: string) => entry(path, 'hard link', link);

/** The layer and the position in it of the file at `path`, or why there is none. @param from the lowest layer known */
function look(path: string, layers: readonly (readonly Entry[])[], from = 0): string {
  const known = layers.map((entries, number) => [number, entries] as const).slice(from);
  try {
    const found = new Tree(new Map(known)).file(path);
    return found === 'below' ? found : `${found.layer}.${found.entry}`;
  } catch (error) {
    return (error as Error).message;
  }
}

const none = (path: string) => `the image has no file ${path}`;

test.each<[string, string, Entry[][], string]>([
  [
    'the uppermost layer wins',
    '/a/b',
    [
      [folder('a'), file('a/b')],
      [folder('a'), file('a/b')],
    ],
    '1.1',
  ],
  ['the last one of a layer wins', '/a', [[file('a'), file('a')]], '0.1'],
  ['whatever the path looks like', '/a/b', [[folder('./a'), file('/a/../a//b')]], '0.1'],
  ['no path leads out', '/a', [[file('../../a')]], '0.0'],
  ['a whiteout deletes', '/a/b', [[file('a/b')], [file('a/.wh.b')]], none('/a/b')],
  ['a whiteout deletes a folder', '/a/b', [[file('a/b')], [file('.wh.a')]], none('/a/b')],
  ['a whiteout is about lower layers only', '/a/b', [[file('a/b')], [file('a/b'), file('a/.wh.b')]], '1.0'],
  ['what was deleted can come back', '/a', [[file('a')], [file('.wh.a')], [file('a')]], '2.0'],
  [
    'an opaque folder hides',
    '/a/b',
    [[file('a/b')], [folder('a'), file('a/c'), file('a/.wh..wh..opq')]],
    none('/a/b'),
  ],
  ['an opaque folder shows its own', '/a/c', [[file('a/b')], [file('a/c'), file('a/.wh..wh..opq')]], '1.0'],
  ['other marks of that kind mean nothing', '/a/b', [[file('a/b')], [file('a/.wh..wh.plnk')]], '0.0'],
  ['a file replaces a folder', '/a/b', [[file('a/b')], [file('a')]], none('/a/b')],
  ['a folder replaces a file', '/a', [[file('a')], [folder('a')]], 'the image has a directory /a'],
  ['a folder keeps what is in it', '/a/b', [[file('a/b')], [folder('a')]], '0.0'],
  ['a folder replaces a link', '/a/b', [[file('c/b'), symlink('a', 'c')], [folder('a')]], none('/a/b')],
  [
    'and a whiteout in it is about it, not about what the link led to',
    '/c/b',
    [
      [file('c/b'), symlink('a', 'c')],
      [file('a/.wh..wh..opq'), file('a/.wh.b'), folder('a')],
    ],
    '0.0',
  ],
  ['a link is followed', '/a', [[symlink('a', 'b'), file('b')]], '0.1'],
  ['to another layer, absolute', '/x/a', [[file('b/c')], [folder('x'), symlink('x/a', '/b/c')]], '0.0'],
  [
    'links to folders, up and down',
    '/x/y/f',
    [[symlink('x/y', '../d/./e/..'), folder('d/e'), file('d/f')]],
    '0.2',
  ],
  ['.. goes up from where a link leads', '/l/../f', [[file('f')]], '0.0'],
  [
    '.. in a link goes up from there',
    '/m',
    [[symlink('m', 'l/../f'), symlink('l', 'd/e'), folder('d/e'), file('d/f')]],
    '0.3',
  ],
  ['no link leads out', '/a', [[symlink('a', '../../../../b'), file('b')]], '0.1'],
  [
    'links in a circle',
    '/a',
    [[symlink('a', 'b'), symlink('b', 'a')]],
    'the image has links in a circle at /a',
  ],
  ['a link to nothing', '/a', [[symlink('a', 'b')]], none('/a')],
  [
    'a file is written through a link',
    '/d/f',
    [[folder('d'), symlink('l', 'd'), file('d/f')], [file('l/f')]],
    '1.0',
  ],
  ['a file replaces a link', '/a', [[file('b'), symlink('a', 'b')], [file('a')]], '1.0'],
  ['and what it led to stays', '/b', [[file('b'), symlink('a', 'b')], [file('a')]], '0.0'],
  ['a hard link', '/b', [[file('a'), hardLink('b', 'a')]], '0.0'],
  ['to a file that is deleted later', '/b', [[file('a'), hardLink('b', '/a')], [file('.wh.a')]], '0.0'],
  ['to a file that is replaced later', '/b', [[file('a'), hardLink('b', 'a')], [file('a')]], '0.0'],
  ['to a file of a lower layer', '/b', [[file('a')], [hardLink('b', 'a')]], '0.0'],
  ['to nothing', '/b', [[hardLink('b', 'a')]], none('/b')],
  ['to its own folder', '/b/b/b', [[folder('b'), hardLink('b/b', 'b')]], none('/b/b/b')],
  ['a device', '/a', [[entry('a', 'special file')]], 'the image has a special file /a'],
  ['a file is no folder', '/a/b', [[file('a')]], none('/a/b')],
  ['the root', '/', [[file('a')]], 'the image has a directory /'],
])('%s: %s', (_, path, layers, result) => {
  expect(look(path, layers)).toBe(result);
});

test.each<[string, string, Entry[][], string]>([
  ['is enough when it has the folders', '/a/b', [[], [folder('a'), file('a/b')]], '1.1'],
  ['is enough for links in it', '/l', [[], [symlink('l', 'a/b'), folder('a'), file('a/b')]], '1.2'],
  ['is enough for what it deletes', '/a/b', [[], [folder('a'), file('a/.wh.b')]], none('/a/b')],
  ['is enough in an opaque folder', '/a/b', [[], [folder('a'), file('a/.wh..wh..opq')]], none('/a/b')],
  ['is enough in a folder of its own', '/a/b', [[], [file('.wh.a'), file('a/c')]], none('/a/b')],
  [
    'is enough in a folder that took the place of a file',
    '/a/b',
    [[], [file('a')], [folder('a')]],
    none('/a/b'),
  ],
  ['does not know what it does not have', '/a/b', [[], [folder('a')]], 'below'],
  ['does not know where a link leads', '/l', [[], [symlink('l', 'a')]], 'below'],
  ['does not know the file of a hard link', '/l', [[], [hardLink('l', 'a')]], 'below'],
  ['does not know what folders are', '/a/b', [[], [file('a/b')]], 'below'],
  ['does not know that of others either', '/f', [[], [file('f'), file('a/b')]], 'below'],
])('the upper layer %s: %s', (_, path, layers, result) => {
  expect(look(path, layers, 1)).toBe(result);
});

test('a folder that is not stated may be a link in a lower layer, and then the file is elsewhere', () => {
  const layers = [[folder('opt'), file('opt/b'), symlink('usr', 'opt')], [file('usr/b')]];
  expect(look('/opt/b', layers)).toBe('1.0');
  expect(look('/opt/b', layers, 1)).toBe('below');
});
