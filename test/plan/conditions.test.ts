import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { whyNot } from '../../src/plan/conditions.ts';
import type { Condition } from '../../src/scenario/format/schema.ts';
import { facts } from './support.ts';

const asm = { ...facts, asm: 'v1.22.6.71-g7d67a80b-aliyun' };
const at = { facts, fetch: 'istiod', row: 'RS256', column: '/headers?x=1' } as const;

describe('a condition', () => {
  test.each<[Condition | undefined]>([
    [undefined],
    [{}],
    [{ istio: '>=1.30', envoy: '1.38.x', kubernetes: '>=1.35', target: 'kind', fetch: 'istiod' }],
    [{ target: ['local', 'kind'], fetch: ['envoy', 'istiod'] }],
    [{ row: 'RS*' }],
    [{ row: '?S256', column: '/headers?x=1' }],
    [{ row: 'RS???', column: '?headers?x?1' }],
    [{ row: '*', column: '*head*' }],
  ])('holds: %j', (condition) => {
    expect(whyNot(condition, at)).toBeUndefined();
  });

  test.each<[Condition, string]>([
    [{ istio: '>=1.31' }, 'needs istio >=1.31, the mesh has 1.30.3'],
    [
      { istio: '>=1.31', envoy: '<1' },
      'needs istio >=1.31, the mesh has 1.30.3; needs envoy <1, the mesh has 1.38.1',
    ],
    [{ kubernetes: '>=1.36' }, 'needs kubernetes >=1.36, the mesh has v1.35.2'],
    [{ asm: '>=1.13' }, 'needs asm >=1.13, the mesh is not ASM'],
    [{ asm: '>=0' }, 'needs asm >=0, the mesh is not ASM'],
    [{ fetch: ['envoy', 'hybrid'] }, 'needs fetch mode envoy or hybrid; this mesh has istiod'],
    [{ target: 'local' }, 'needs target local, this is kind'],
    [{ row: 'PS*' }, 'is for rows PS*'],
    [{ row: 'S256' }, 'is for rows S256'],
    [{ row: '??S256' }, 'is for rows ??S256'],
    [{ row: '?256' }, 'is for rows ?256'],
    [{ row: 'RS256?' }, 'is for rows RS256?'],
    [{ row: '?RS256' }, 'is for rows ?RS256'],
    [{ row: 'RS???6' }, 'is for rows RS???6'],
    [{ row: 'RS?56?' }, 'is for rows RS?56?'],
    [{ column: '/header[s]*' }, 'is for columns /header[s]*'],
  ])('does not hold: %j', (condition, reason) => {
    expect(whyNot(condition, at)).toBe(reason);
  });

  test('takes every other character of a pattern as it is', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'\\^$.|+()[]{}-/\na1') }));
    fc.assert(
      fc.property(
        text.filter((each) => !/[*?]/.test(each)),
        text,
        (name, more) => {
          const reasonFor = (row: string) => whyNot({ row: name }, { ...at, row });
          expect(reasonFor(name)).toBeUndefined();
          if (more !== '') expect([reasonFor(name + more), reasonFor(more + name)]).not.toContain(undefined);
          expect(whyNot({ row: `${name}*` }, { ...at, row: name + more })).toBeUndefined();
          expect(whyNot({ row: `*${name}` }, { ...at, row: more + name })).toBeUndefined();
        },
      ),
    );
    expect(whyNot({ row: 'a?b' }, { ...at, row: 'a\nb' })).toBeUndefined();
  });

  test('about rows or columns never holds for what is in none', () => {
    expect(whyNot({ row: '*', column: '*' }, { facts, fetch: 'istiod' })).toBe(
      'is for rows *; is for columns *',
    );
  });

  test('counts characters, not code units, and takes nothing else for a pattern', () => {
    const named = (row: string) => ({ facts, fetch: 'istiod', row }) as const;
    expect(whyNot({ row: '?' }, named('😀'))).toBeUndefined();
    expect(whyNot({ row: 'a?' }, named('a\n'))).toBeUndefined();
    expect(whyNot({ row: 'a.c|(d)' }, named('a.c|(d)'))).toBeUndefined();
    expect(whyNot({ row: 'a.c' }, named('abc'))).toBe('is for rows a.c');
  });

  test('on ASM looks at its version', () => {
    expect(whyNot({ asm: '>=1.13' }, { facts: asm, fetch: 'istiod' })).toBeUndefined();
    expect(whyNot({ asm: '<1.13' }, { facts: asm, fetch: 'istiod' })).toMatch(
      /^needs asm <1\.13, the mesh has v1/,
    );
  });

  test('never holds for a version that is not known', () => {
    const unknown = { ...facts, envoy: undefined };
    expect(whyNot({ envoy: '>=0' }, { facts: unknown, fetch: 'istiod' })).toBe(
      'needs envoy >=0, its version is not known',
    );
  });

  test('looks at the mode in which the scenario runs, not at the one that holds now', () => {
    expect(whyNot({ fetch: 'envoy' }, { facts, fetch: 'envoy' })).toBeUndefined();
  });
});
