import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDefinitions } from '../../src/kube/definitions.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import type { KubeObject } from '../../src/target/target.ts';
import type { FakeApi } from '../support/fake-api.ts';
import { unaborted } from '../support/signals.ts';
import { useFakeApi } from '../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
let folder: string;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'definitions-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const source = (name: string) => `kind: CustomResourceDefinition
metadata:
  annotations:
    about: >
      two lines
  name: ${name}
spec: {}
`;

/** An API server that has these, and takes others. */
function serves(...names: string[]): string[] {
  const posted: string[] = [];
  api.rule('GET', new RegExp(`${path}$`), () => ({
    status: 200,
    body: {
      items: [...names, ...posted].map((name) => ({
        metadata: { name },
        spec: { group: 'apps', versions: [{ name: 'v1', served: true }] },
        status: { conditions: [{ type: 'Established', status: 'True' }] },
      })),
    },
  }));
  api.rule('POST', new RegExp(`${path}$`), ({ body }) => {
    posted.push((body as KubeObject).metadata!.name!);
    return { status: 201, body: {} };
  });
  return posted;
}

test('those that are there already are not made', async () => {
  const posted = serves('there.example.com');
  const file = join(folder, 'crds.yaml');
  const other = 'kind: Namespace\nmetadata:\n  name: other\n';
  writeFileSync(file, [source('there.example.com'), source('new.example.com'), other].join('---\n'));
  await createDefinitions(client, [file], unaborted());
  expect(posted).toEqual(['new.example.com']);
});
