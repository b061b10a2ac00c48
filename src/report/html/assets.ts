/** Style and script of the page: files of their own, so that they can be read, checked and measured, and hashes that name them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { moduleFile } from '../../base/files/product-files.ts';

const styles = [
  ...[
    'base.css',
    'head.css',
    'lists.css',
    'matrix.css',
    'filters.css',
    'detail.css',
    'timeline.css',
    'selection.css',
    'jump.css',
  ],
  // These change what those before say.
  ...['narrow.css', 'print.css'],
];
/** Each after those that it imports. */
const scripts = ['links.js', 'say.js', 'panel.js', 'grid.js', 'filter.js', 'jump.js', 'main.js'];

const read = (name: string): string =>
  readFileSync(moduleFile(`report/html/${name.endsWith('.css') ? 'styles' : 'scripts'}/${name}`), 'utf8');
const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

export interface Assets {
  readonly style: string;
  readonly script: string;
  /** Content Security Policy: nothing is loaded, and no script or style runs but these two. */
  readonly policy: string;
}

let assets: Assets | undefined;

/** Reads the files when they are first needed. */
export function pageAssets(): Assets {
  if (assets !== undefined) return assets;
  const style = `\n${styles.map(read).join('\n')}`;
  const script = `\n'use strict';\n{\n${scripts.map((name) => inOneScope(read(name))).join('\n')}\n}\n`;
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    // The icon of the tab.
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  assets = { style, script, policy };
  return assets;
}

/** A module whose imports stand before it in the same scope: a page opened as a file cannot import anything. */
function inOneScope(module: string): string {
  return module.replace(/^import [^;]*;\n/gm, '').replace(/^export /gm, '');
}
