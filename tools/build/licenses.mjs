/** Writes down whose work is in the bundle, and under which terms: most licences ask for that wherever a copy goes. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {string} root
 * @param {readonly string[]} parts the files of which something is in the bundle, relative to the root
 * @param {string} file
 * @throws Error for a package that does not say under which licence it is
 */
export function writeLicenses(root, parts, file) {
  const folders = new Set(
    parts.flatMap((part) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(part)?.[1] ?? []),
  );
  const sections = new Map([...folders].map((folder) => section(join(root, folder))));
  const names = [...sections.keys()].sort();
  const head = `The files in this folder contain code of these ${names.length} packages:\n\n${names.map((name) => `  ${name}\n`).join('')}`;
  writeFileSync(file, [head, ...names.map((name) => sections.get(name))].join(`\n${'-'.repeat(80)}\n\n`));
}

/**
 * @param {string} folder
 * @returns {[string, string]}
 */
function section(folder) {
  const { name, version, license, licenses, author, repository } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  // The second is how it was written once.
  const terms = license ?? licenses?.map((/** @type {{ type: string }} */ each) => each.type).join(' OR ');
  if (typeof terms !== 'string') throw new Error(`${name}@${version} does not say under which licence it is`);
  const texts = readdirSync(folder)
    .filter((each) => /^(licen[cs]e|copying|notice)/i.test(each) && !/\.[cm]?[jt]s$/.test(each))
    .sort()
    .map((each) => readFileSync(join(folder, each), 'utf8').trim());
  const by = typeof author === 'object' ? author.name : author;
  const from = typeof repository === 'object' ? repository.url : repository;
  const about = [by && `By ${by}`, from && `From ${from}`].filter(Boolean).join('\n');
  const own = texts.length === 0 ? 'The package has no file with its terms.' : texts.join('\n\n');
  return [`${name}@${version}: ${terms}`, `${name}@${version}, ${terms}\n${about}\n\n${own}\n`];
}
