import { describe, expect, it } from 'vitest';
import { describeTerminal } from '../../../src/report/console/terminal.ts';

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
    const { isTTY, width, color } = describeTerminal(stream, env);
    expect({ isTTY, width, color }).toEqual(expected);
  });

  it('asks a terminal for its size again and again, and guesses when it has none', () => {
    const stream = { isTTY: true, columns: 120, rows: 40 };
    const { size } = describeTerminal(stream, {});
    expect(size?.()).toEqual({ columns: 120, rows: 40 });
    Object.assign(stream, { columns: 60, rows: 0 });
    expect(size?.()).toEqual({ columns: 60, rows: 24 });
    expect(describeTerminal({}, {}).size).toBeUndefined();
  });

  it('knows GitHub Actions, where the log is not read on a terminal', () => {
    const env = { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: '/work' };
    expect(describeTerminal({}, env).github).toEqual({ workspace: '/work' });
    expect(describeTerminal(tty, { ...env, CI: 'true' }).github).toEqual({ workspace: '/work' });
    expect(describeTerminal(tty, env).github).toBeUndefined();
    expect(describeTerminal({}, { GITHUB_ACTIONS: 'false' }).github).toBeUndefined();
  });

  it('lets the flag decide about colours', () => {
    expect(describeTerminal(tty, {}, false).color).toBe(false);
    expect(describeTerminal({}, { NO_COLOR: '1' }, true).color).toBe(true);
  });
});
