import { expect, test } from 'vitest';
import { meshProperties, scenarioProperties } from '../../../src/report/junit/junit-properties.ts';
import { mutated } from '../console-runs.ts';
import { kind } from '../fixture.ts';
import { resultOf } from '../results.ts';
import * as runs from '../runs.ts';

test('what is known of a mesh is said, and nothing of what is not', () => {
  const { envoy: _, ...rest } = kind;
  expect(meshProperties({ ...rest, asm: '1.22.6', details: { hub: 'docker.io/istio' } })).toEqual([
    ['target', 'kind'],
    ['target.reason', 'a Docker engine answers'],
    ['istio.version', '1.30.3'],
    ['kubernetes.version', '1.36.1'],
    ['asm.version', '1.22.6'],
    ['mesh.hub', 'docker.io/istio'],
  ]);
});

test('a scenario says where its promise stands, with the address when there is one', () => {
  const result = resultOf(runs.passed);
  const [scenario] = result.scenarios;
  const { info } = scenario!;
  const urls = (url?: string) => {
    const source = { ...info.source, ...(url === undefined ? {} : { url }) };
    const properties = scenarioProperties(result, { ...scenario!, info: { ...info, source } }, kind);
    return properties.filter(([name]) => name.startsWith('source.'));
  };
  const known = [
    ['source.document', info.source.document],
    ['source.section', info.source.section],
  ];
  expect(urls()).toEqual(known);
  expect(urls('https://istio.io/')).toEqual([...known, ['source.url', 'https://istio.io/']]);
});

test('a scenario in whose policies mistakes were made says how many are noticed', () => {
  const result = resultOf(mutated);
  const scores = result.scenarios.map((scenario) =>
    new Map(scenarioProperties(result, scenario, kind)).get('mutation.score'),
  );
  expect(scores).toEqual(['11 of 11 mistakes noticed', '13 of 14 mistakes noticed']);
});
