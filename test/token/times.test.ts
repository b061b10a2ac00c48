import { expect, test } from 'vitest';
import { withTimes } from '../../src/token/spec.ts';

test.each<[unknown, unknown]>([
  ['now', 1000],
  ['+1h', 4600],
  ['-90s', 910],
  ['+2m', 1120],
  ['+1d', 87_400],
  ['-0s', 1000],
  // Whatever else there is may be meant as it is.
  [5, 5],
  [null, null],
  ['1h', '1h'],
  ['+1 h', '+1 h'],
  ['+1w', '+1w'],
  ['now+1h', 'now+1h'],
  ['later', 'later'],
])('%j is %j', (written, sent) => {
  for (const name of ['exp', 'nbf', 'iat'])
    expect(withTimes({ [name]: written }, 1000)).toEqual({ [name]: sent });
  expect(withTimes({ sub: written }, 1000)).toEqual({ sub: written });
});
