import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HarmlessOutput, harmlessJson, inert, oneLine, own, visible } from '../../src/base/harmless.ts';
import { oddText } from '../support/odd-text.ts';

/** Often what terminals and CI systems have a meaning for. */
const text = oddText(
  '\u001b[2J',
  '\u001b]0;owned\u0007',
  '\u001b[31m',
  '\u009b31m',
  '\u202e',
  '\u2066',
  '\u200b',
  '\ufeff',
  '\u{e0041}',
  '\ud800',
  '\u2028',
  '\r',
  '\n',
  '\r\n',
  ':',
  '::error::planted',
  '#',
  '##[error]planted',
  ' ',
  'a',
);

const harmful = /(?![\t\n])\p{Cc}|[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Surrogate}/u;

describe('visible', () => {
  it('shows what has no look of its own, and what turns the text around', () => {
    expect(visible('a\u202eb\u2066c\u200bd\u0000e\ud800f\u2028g\u{e0041}')).toBe(
      'a⟦U+202E⟧b⟦U+2066⟧c⟦U+200B⟧d⟦U+0000⟧e⟦U+D800⟧f⟦U+2028⟧g⟦U+E0041⟧',
    );
  });

  it('is the same again', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(visible(visible(value))).toBe(visible(value));
      }),
    );
  });

  it('keeps tabs, line feeds and letters of all scripts, and leaves colours of a terminal out', () => {
    expect(visible('\tπ 漢字 🙂\r\n\u001b[1;31mred\u001b[0m')).toBe('\tπ 漢字 🙂\nred');
  });

  it('leaves no control character and no half of a character', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(visible(value)).not.toMatch(harmful);
      }),
    );
  });
});

describe('oneLine', () => {
  it('makes one line of many', () => {
    expect(oneLine('  a\r\n\tb  c\n')).toBe('a b c');
    fc.assert(
      fc.property(text, (value) => {
        expect(oneLine(value)).not.toMatch(/[\r\n]/);
      }),
    );
  });
});

describe('harmlessJson', () => {
  it('has every value as it is, with nothing harmful in its text', () => {
    fc.assert(
      fc.property(text, text, (name, value) => {
        const json = harmlessJson({ [name]: [value] }, 2);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ [name]: [value] })));
        expect(json).not.toMatch(harmful);
        expect(inert(json)).toBe(json);
      }),
    );
  });
});

describe('HarmlessOutput', () => {
  const collect = (github = false) => {
    let written = '';
    const write = (each: string) => {
      written += each;
    };
    const output = new HarmlessOutput({ write }, { github: () => github });
    return { output, written: () => written };
  };

  it('lets nothing through that a terminal acts on, however it comes in pieces', () => {
    fc.assert(
      fc.property(fc.array(text), (pieces) => {
        const { output, written } = collect();
        for (const piece of pieces) output.write(piece);
        expect(written()).not.toMatch(harmful);
      }),
    );
  });

  it('lets through what is its own, and takes no text for it that only looks alike', () => {
    const { output, written } = collect();
    output.write(`${own('\u001b[31m')}\u001b[2Jred${own('\u001b[39m')}\u001b[31m`);
    expect(written()).toBe('\u001b[31m⟦U+001B⟧[2Jred\u001b[39m');
  });

  it('writes no command of GitHub Actions but its own, however it comes in pieces', () => {
    fc.assert(
      fc.property(fc.array(text), (pieces) => {
        const { output, written } = collect(true);
        for (const piece of pieces) output.write(piece);
        expect(inert(written())).toBe(written());
      }),
      { numRuns: 1000 },
    );
    const { output, written } = collect(true);
    output.write(':');
    output.write(':error::planted\n');
    output.write(`${own('::error::')}ours\n`);
    expect(written()).toBe(': :error::planted\n::error::ours\n');
  });
});
