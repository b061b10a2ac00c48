import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadVersions } from '../../../src/programs/versions.ts';
import { imagesOf, loadApp } from '../../../src/target/kubernetes/load-apps.ts';

const { images } = loadVersions('kind/versions.yaml');
const shipped = readdirSync('kind/apps').map((file) => file.replace(/\.yaml$/, ''));

describe.each(shipped)('the application %s', (name) => {
  test('is a list of objects with a name each, and a Deployment and Service among them', () => {
    const objects = loadApp('kind/apps', name, images);
    for (const object of objects) {
      expect(object.apiVersion).toMatch(/^([\w.]+\/)?v\d/);
      expect(object.kind).toMatch(/^[A-Z]/);
      expect(object.metadata.name).toMatch(/^[a-z0-9-]+$/);
    }
    const kinds = objects.map(({ kind }) => kind);
    expect(kinds).toContain('Deployment');
    expect(kinds).toContain('Service');
  });

  test('has its images from kind/versions.yaml, and nothing left to be filled in', () => {
    const objects = loadApp('kind/apps', name, images);
    expect(imagesOf(objects).length).toBeGreaterThan(0);
    for (const image of imagesOf(objects)) expect(Object.values(images)).toContain(image);
    expect(JSON.stringify(objects)).not.toContain('${images');
  });
});

test('a program of this product is as it is in the sources, whatever it has in it', () => {
  const config = loadApp('kind/apps', 'authorizer', images).find(
    ({ metadata }) => metadata.name === 'authorizer-grpc',
  );
  const text = readFileSync('src/target/authorizer/ext-authz.mjs', 'utf8');
  expect(config?.data).toEqual({ 'ext-authz.mjs': text });
});

test('an image can be another one', () => {
  const objects = loadApp('kind/apps', 'httpbin', { ...images, httpbin: 'example.com/httpbin@sha256:0' });
  expect(imagesOf(objects)).toEqual(['example.com/httpbin@sha256:0']);
});

test('images are found wherever they are, once each', () => {
  const pod = { containers: [{ image: 'a' }, { image: 'b' }], initContainers: [{ image: 'a' }] };
  const metadata = { name: 'x', annotations: { none: null } as unknown as Record<string, string> };
  const object = { apiVersion: 'v1', kind: 'Pod', metadata, spec: pod, image: { no: 'text' } };
  expect(imagesOf([object])).toEqual(['a', 'b']);
});

test('one that does not exist is told which there are', () => {
  const folder = mkdtempSync(join(tmpdir(), 'apps-'));
  for (const name of ['one.yaml', 'two.yaml', 'README.md', 'yaml']) writeFileSync(join(folder, name), '');
  expect(() => loadApp(folder, 'three', images)).toThrow(
    expect.objectContaining({
      code: 'E_SETTINGS',
      message: 'there is no application "three"',
      hint: `Known are: one, two; others need a file ${join(folder, 'three.yaml')}.`,
    }),
  );
});

test('an image that is not set is named, with the file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'apps-'));
  writeFileSync(join(folder, 'own.yaml'), 'kind: Pod\nspec: { image: "${images.own}" }\n');
  expect(() => loadApp(folder, 'own', images)).toThrow(
    expect.objectContaining({
      code: 'E_SETTINGS',
      message: `${join(folder, 'own.yaml')} needs the image "own", which is not set`,
      hint: 'Set it with --image own=NAME.',
    }),
  );
});

test('images may have hyphens in their names, and be needed more than once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'apps-'));
  const text = 'kind: Pod\nspec: ["${images.my-own_1}", "${images.a}", "${images.a}", "${other.a}"]\n';
  writeFileSync(join(folder, 'own.yaml'), text);
  expect(loadApp(folder, 'own', { 'my-own_1': 'b', a: 'c' })).toEqual([
    { kind: 'Pod', spec: ['b', 'c', 'c', '${other.a}'] },
  ]);
});

test('an empty document between others is no object', () => {
  const folder = mkdtempSync(join(tmpdir(), 'apps-'));
  writeFileSync(join(folder, 'own.yaml'), '# nothing\n---\nkind: Pod\n---\n---\nkind: Service\n');
  expect(loadApp(folder, 'own', images).map(({ kind }) => kind)).toEqual(['Pod', 'Service']);
});

test('a file that is not YAML is a mistake, with its place', () => {
  const folder = mkdtempSync(join(tmpdir(), 'apps-'));
  writeFileSync(join(folder, 'own.yaml'), 'kind: Pod\n---\nkind: Service\nspec: { a: 1\n');
  expect(() => loadApp(folder, 'own', images)).toThrow(
    expect.objectContaining({
      code: 'E_SETTINGS',
      message: 'Flow map in block collection must be sufficiently indented and end with a }',
      place: { file: join(folder, 'own.yaml'), line: 5, column: 1 },
    }),
  );
});
