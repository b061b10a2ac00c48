import { expect, test } from 'vitest';
import { ofEnvoy } from '../../../src/run/explain/hops.ts';

test.each([
  ['1.40.0', true],
  ['1.37.1', true],
  ['1.37.0', false],
  ['1.36.5', true],
  ['1.36.4', false],
  ['1.34.12', false],
  ['1.33.14', false],
  ['1.38.3-dev', true],
  ['unknown', true],
  [undefined, true],
])('Envoy %s compares each value of a header: %s', (envoy, takesHeadersApart) => {
  expect(ofEnvoy(envoy)).toMatchObject({ takesHeadersApart });
});

test.each([
  ['1.40.0', true],
  ['1.39.1', true],
  ['1.39.0', false],
  ['1.38.4', true],
  ['1.38.3', false],
  ['1.36.10', true],
  ['1.36.4', false],
  [undefined, true],
])('Envoy %s follows dot segments that have parameters: %s', (envoy, ignoresParametersOfDots) => {
  expect(ofEnvoy(envoy)).toMatchObject({ ignoresParametersOfDots });
});
