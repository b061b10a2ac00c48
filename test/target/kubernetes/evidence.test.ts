import { expect, test } from 'vitest';
import { isAbout } from '../../../src/target/kubernetes/evidence.ts';

test('lines of an access log are those of one request, also when the number of another begins alike', () => {
  const line = (id: string) => `"GET /headers HTTP/1.1" 200 - via_upstream - "-" "${id}" "x"`;
  expect(isAbout(line('jwt-e2e/abc-1'), 'jwt-e2e/abc-1')).toBe(true);
  expect(isAbout(line('jwt-e2e/abc-12'), 'jwt-e2e/abc-1')).toBe(false);
  expect(isAbout(line('jwt-e2e/abc-2'), 'jwt-e2e/abc-1')).toBe(false);
  expect(isAbout(line('whatever'), '')).toBe(true);
});
