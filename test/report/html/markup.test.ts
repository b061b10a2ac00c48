import fc from 'fast-check';
import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { visible } from '../../../src/base/harmless.ts';
import { escaped, html, pathAddress, webAddress } from '../../../src/report/html/markup.ts';
import { markupMarks, oddText } from '../../support/odd-text.ts';

const text = oddText(
  ...markupMarks,
  ...['`', '=', '</script>', '&lt', '\r', '\n', '\udc00'],
  ...['\u2028', '\u202e', '\u2066', '\ufeff', '\u{e0041}'],
);

describe('escaped', () => {
  it('leaves nothing that could begin or end markup', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(escaped(value)).not.toMatch(/[<>"'`]|&(?!(amp|lt|gt|quot|#39|#96);)/);
      }),
    );
  });

  it('is read by a parser as the text that was meant, in an element and in an attribute', () => {
    const parser = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: '',
      trimValues: false,
      parseTagValue: false,
      htmlEntities: true,
      alwaysCreateTextNode: true,
    });
    fc.assert(
      fc.property(text, (value) => {
        const { a } = parser.parse(html`<a b="${value}">${value}</a>`.markup);
        expect(a['#text'] ?? '').toBe(visible(value));
        expect(a.b).toBe(visible(value));
      }),
    );
  });
});

describe('html', () => {
  it('takes strings as text and markup as markup, wherever they are', () => {
    const inner = html`<b>${'<i>'}</b>`;
    expect(html`${[inner, '&', [1, undefined, false]]}`.markup).toBe('<b>&lt;i&gt;</b>&amp;1');
  });

  it('cannot be given something that only looks like markup', () => {
    const forged = JSON.parse('{"markup":"<script>"}');
    expect(() => html`${forged}`).toThrow(TypeError);
  });
});

describe('addresses', () => {
  it('lets only the web through', () => {
    expect(webAddress('https://istio.io/latest/docs/#a"b')).toBe('https://istio.io/latest/docs/#a%22b');
    for (const url of [
      'javascript:alert(1)',
      ' javascript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      '//x',
      'x',
      undefined,
    ]) {
      expect(webAddress(url), url).toBeUndefined();
    }
  });

  it('keeps a path below the page what it is, whatever is in it', () => {
    fc.assert(
      fc.property(text, (path) => {
        const { protocol, search, hash } = new URL(pathAddress(`x/${path}`), 'file:///reports/report.html');
        expect([protocol, search, hash]).toEqual(['file:', '', '']);
      }),
    );
    expect(new URL(pathAddress('javascript:alert(1)'), 'file:///a/b').href).toBe(
      'file:///a/javascript%3Aalert(1)',
    );
    expect(pathAddress('..\\my artifacts/a#b')).toBe('../my%20artifacts/a%23b');
  });
});
