/** That no secret gets out of a whole run is in secrets.long.ts. */
import { expect, test } from 'vitest';
import type { Event } from '../../src/base/events.ts';
import { shown, withoutTokens } from '../../src/run/private.ts';

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = `${part({ alg: 'RS256' })}.${part({ iss: 'me' })}.c2lnbmF0dXJlLWZvci10ZXN0`;
const event = { type: 'warning', at: 1, message: `it is ${token}` } as const;

test.each([
  [true, token],
  [false, token.replace(/[^.]+$/, '<signature>')],
])('with showTokens %s what is told has the token as %s', (showTokens, seen) => {
  expect(shown({ token }, showTokens)).toEqual({ token: seen });
  const told: Event[] = [];
  withoutTokens((each) => told.push(each), showTokens)(event);
  expect(told).toEqual([{ ...event, message: `it is ${seen}` }]);
});
