import { describe, expect, it } from 'vitest';
import { describeTerminal } from '../../src/report/terminal.ts';

const tty = { isTTY: true, columns: 120 };

describe('describeTerminal', () => {
  it.each([
    ['a terminal', tty, {}, { isTTY: true, width: 120, color: true }],
    ['a pipe', {}, {}, { isTTY: false, width: 80, color: false }],
    ['NO_COLOR', tty, { NO_COLOR: '1' }, { isTTY: true, width: 120, color: false }],
    ['an empty NO_COLOR', tty, { NO_COLOR: '' }, { isTTY: true, width: 120, color: true }],
    ['FORCE_COLOR into a pipe', {}, { FORCE_COLOR: '1' }, { isTTY: false, width: 80, color: true }],
    ['FORCE_COLOR=0', tty, { FORCE_COLOR: '0' }, { isTTY: true, width: 120, color: false }],
    [
      'NO_COLOR with FORCE_COLOR',
      tty,
      { NO_COLOR: '1', FORCE_COLOR: '1' },
      { isTTY: true, width: 120, color: false },
    ],
    ['CI with a pseudo-terminal', tty, { CI: 'true' }, { isTTY: false, width: 120, color: false }],
    ['GitHub Actions', {}, { CI: 'true', GITHUB_ACTIONS: 'true' }, { isTTY: false, width: 80, color: true }],
    ['CI=false', tty, { CI: 'false' }, { isTTY: true, width: 120, color: true }],
    ['a dumb terminal', tty, { TERM: 'dumb' }, { isTTY: false, width: 120, color: false }],
    ['a terminal without a width', { isTTY: true, columns: 0 }, {}, { isTTY: true, width: 80, color: true }],
  ])('%s', (_, stream, env: Record<string, string>, expected) => {
    expect(describeTerminal(stream, env)).toEqual(expected);
  });

  it('lets the flag decide about colours', () => {
    expect(describeTerminal(tty, {}, false).color).toBe(false);
    expect(describeTerminal({}, { NO_COLOR: '1' }, true).color).toBe(true);
  });
});
