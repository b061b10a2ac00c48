/** Files with Kubernetes objects, and files in which there are none. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { readFolder } from '../../src/init/read-folder.ts';
import { temporaryFolder } from '../programs/downloads.ts';

const object = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}
const namesIn = ({ objects }: ReturnType<typeof readFolder>) => objects.map(({ metadata }) => metadata.name);

test('documents, lists and folders below are read, in order', () => {
  const cwd = folderWith({
    'b.yml': `${object('b1')}---\n# nothing\n---\n${object('b2')}`,
    'a/list.json': JSON.stringify({
      kind: 'List',
      items: [{ apiVersion: 'v1', kind: 'A', metadata: { name: 'a1' } }],
    }),
    'node_modules/x.yaml': object('no'),
    '.git/x.yaml': object('no'),
    'notes.txt': object('no'),
    'values.yaml': 'replicas: 3\n',
    'empty.yaml': '',
  });
  const read = readFolder('.', cwd);
  expect(namesIn(read)).toEqual(['a1', 'b1', 'b2']);
  expect(read.warnings).toEqual([]);
  expect(namesIn(readFolder('b.yml', cwd))).toEqual(['b1', 'b2']);
});

test('what is no YAML is passed over, with its place', () => {
  const cwd = folderWith({
    'bad.yaml': `${object('before')}---\nkind: [\n`,
    'good.yaml': object('good'),
  });
  const read = readFolder('.', cwd);
  expect(namesIn(read)).toEqual(['before', 'good']);
  expect(read.warnings).toEqual([
    expect.stringMatching(/^bad\.yaml:\d+:\d+: passed over from here on, because it is no YAML: /),
  ]);
});

test.each([
  ['kind: {{ .Values.kind }}\nmetadata: [\n', 'helm template CHART'],
  ['apiVersion: security.istio.io/v1\nkind: A\nmetadata: { name: "{{ .name }}" }\n', 'helm template CHART'],
  ['apiVersion: networking.istio.io/v1\nkind: A\nmetadata: { name: "${NAME}" }\n', 'envsubst < t.yaml'],
])('%j: render first', (content, command) => {
  const read = readFolder('.', folderWith({ 't.yaml': content }));
  expect(read.objects).toEqual([]);
  expect(read.warnings).toEqual([
    expect.stringMatching(/^t\.yaml.*: passed over, because something has to fill in .*: render it/),
  ]);
  expect(read.warnings[0]).toContain(`"${command} > rendered.yaml"`);
});

test('a kustomization is not built, and that is said', () => {
  const cwd = folderWith({ 'k/kustomization.yaml': 'resources: [a.yaml]\n', 'k/a.yaml': object('a') });
  expect(readFolder('k', cwd).warnings).toEqual([expect.stringContaining('"kubectl kustomize k"')]);
  // Also where the folder that was named has none itself.
  expect(readFolder('.', cwd).warnings).toEqual([expect.stringContaining('"kubectl kustomize k"')]);
});

test('of several kustomizations all are named', () => {
  const cwd = folderWith({
    'k/base/kustomization.yaml': 'resources: [a.yaml]\n',
    'k/base/a.yaml': object('a'),
    'k/test/kustomization.yaml': 'resources: [../base]\n',
  });
  expect(readFolder('k', cwd).warnings).toEqual([
    'k/base, k/test have kustomizations, which are not built: for what one of them makes, save "kubectl kustomize FOLDER" to a file and name that',
  ]);
});

test('a path that is not there', () => {
  expect(() => readFolder('nowhere', temporaryFolder())).toThrow(
    expect.objectContaining({ code: 'E_USAGE', message: 'nowhere does not exist' }),
  );
});
