/** What is easily overlooked where a value of a policy is not that of a request. */
import { subjectOf } from './doubts/fields.ts';
import { doubtAbout } from './doubts/value-doubts.ts';
import { matchesHost, matchesText } from './match/patterns.ts';

/**
 * @param field `paths`, or the key of a condition
 * @param has as the trace has it: of a list, its JSON
 */
export function hintOf(field: string, wants: readonly string[], has: string | undefined): string | undefined {
  const key = subjectOf(field);
  for (const value of wants) {
    const why = doubtAbout(key, field, value)?.why;
    if (why !== undefined) return wants.length === 1 ? why : `${value}: ${why}`;
  }
  if (key === 'destination.port') return 'ports are those of the container, not of the Service';
  if (has === undefined) {
    const [, name = ''] = /^request\.auth\.claims\[([^[\]/]*\.[^[\]/]*)\]$/.exec(key) ?? [];
    return name === ''
      ? undefined
      : `a dot is a part of the name: for a claim within another one write request.auth.claims[${name.split('.').join('][')}]`;
  }
  for (const value of wants) {
    const hint = differenceOf(key, value, has);
    if (hint !== undefined) return hint;
  }
  return undefined;
}

function differenceOf(key: string, value: string, has: string): string | undefined {
  if (key === 'hosts') {
    const host = has.replace(/:\d+$/, '');
    return host !== has && matchesHost(value, host)
      ? `the port is a part of the host: write ${host}:* as well`
      : undefined;
  }
  if (key === 'paths' && value === `${has}/*`)
    return `${value} does not have ${has} itself: write that as well`;
  if (key === 'request.auth.principal' && has.startsWith(`${value}/`))
    return `it is the issuer alone: write ${value}/* for any subject`;
  if (key === 'request.auth.principal') {
    const end = value.lastIndexOf('/');
    const doubled = `${value.slice(0, end)}/${value.slice(end)}`;
    if (end > 0 && has.includes('//', end) && matchesText(doubled, has))
      return `the issuer itself ends with a slash: write ${doubled}`;
  }
  // What is the same and does not match is no text.
  const all = textsOf(has).filter((text) => !matchesText(value, text));
  if (all.some((text) => matchesText(value.toLowerCase(), text.toLowerCase())))
    return 'they differ in capitals alone';
  const bare = (text: string) => text.trim().replace(/\/$/, '');
  if (all.some((text) => bare(text) === bare(value)))
    return 'they differ in a slash or a blank at the end alone';
  return key.startsWith('request.auth.claims') && has.split(/[ ,]+/).includes(value)
    ? 'the claim is one text, and is not taken apart: see spaceDelimitedClaims, or make it a list'
    : undefined;
}

/** The texts of a list, or the only one. */
function textsOf(has: string): string[] {
  if (!has.startsWith('[')) return [has];
  try {
    return [JSON.parse(has)].flat().map(String);
  } catch {
    return [has];
  }
}
