// What a release says: the section of the changelog that its tag names. Arguments: the tag. Needs nothing installed.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/**
 * The text below the heading of a version.
 *
 * @param {string} tag such as v1.2.0
 * @param {string} version of package.json
 * @param {string} changelog
 * @returns {string}
 * @throws Error when the tag is about another version, or the changelog says nothing about it
 */
export function releaseNotes(tag, version, changelog) {
  if (tag !== `v${version}`) throw new Error(`the tag is ${tag}, and package.json has version ${version}`);
  const sections = changelog.split(/^## /m);
  const section = sections.find((each) => each.startsWith(`[${version}]`));
  const text = section?.slice(section.indexOf('\n')).trim();
  if (!text) throw new Error(`CHANGELOG.md says nothing about ${version}`);
  if (/^not released yet/im.test(text))
    throw new Error(`CHANGELOG.md says that ${version} is not released yet`);
  return text;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    console.log(releaseNotes(process.argv[2] ?? '', version, readFileSync('CHANGELOG.md', 'utf8')));
  } catch (thrown) {
    console.error(thrown instanceof Error ? thrown.message : thrown);
    process.exitCode = 1;
  }
}
