/**
 * Plants mistakes in a copy of the model, one at a time, and looks whether the recorded answers of a mesh notice each:
 * node --import ./tools/typescript.mjs test/policy/real/planted.ts
 * Exit code 0 when all are noticed, 1 otherwise.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of src/policy, what is there, and what stands there instead. */
const planted: readonly (readonly [file: string, from: string, to: string])[] = [
  ['rules.ts', 'isNegative(name) ? not(any) : any', 'any'],
  ['rules.ts', 'matchesPath(value, subject.path)', 'matchesText(value, subject.path)'],
  ['rules.ts', 'matchesHost(value, request.authority)', 'matchesText(value, request.authority)'],
  ['rules.ts', 'matchesText(value, request.method)', 'value === request.method'],
  ['rules.ts', "value === '*' ? has !== undefined : seen.some(", 'seen.some('],
  [
    'rules.ts',
    'isWhole && matchesPrincipal(value, iss, sub)',
    'matchesPrincipal(value, String(iss), String(sub))',
  ],
  ['rules.ts', "[value].flat().filter((each) => typeof each === 'string')", '[value].flat().map(String)'],
  ['rules.ts', 'isLeftOut ? false : allOf([from, to, ...when])', 'anyOf([from, to, ...when])'],
  ['rules.ts', "'notValues', notValues, attribute", "'values', notValues, attribute"],
  ['rules.ts', 'Number(value) === destinationPort', "['80', '8000', '8080'].includes(value)"],
  [
    'rules.ts',
    'subject.mesh.takesHeadersApart || has === undefined ? values : [has]',
    'has === undefined ? [] : [has]',
  ],
  ['rules.ts', "starred(value, '.*')", "starred(value, '[^/]*')"],
  ['rules.ts', 'mesh.trustDomains.includes(value) ? mesh.trustDomains : [value]', '[]'],
  ['rules.ts', 'trustDomains.some((each) => matchesText(domain, each))', 'trustDomains.includes(domain)'],
  ['rules.ts', '!isLost && attribute.isBroken !== true', '!isLost'],
  ['token-outputs.ts', '.replace(escapedToo, asEscapes)', ''],
  ['token-outputs.ts', 'return shortest(value)', 'return String(value)'],
  ['token-outputs.ts', '`${BigInt(value)}.000000`', 'String(value)'],
  ['token-locations.ts', ' && text !== undefined', ''],
  ['decide.ts', "first('x-forwarded-proto') ?? 'http'", "'http'"],
  ['decide.ts', 'headers: withoutBlanks(authenticated.headers)', 'headers: authenticated.headers'],
  ['authenticate.ts', ' && status !== unknownIssuer) ?? unknownIssuer', ') ?? unknownIssuer'],
  ['authenticate.ts', "return status === missing ? 'Ok' : status;", 'return status;'],
  ['authenticate.ts', 'found.toReversed()', 'found'],
  ['authenticate.ts', 'rule.forwardOriginalToken !== true', 'true'],
  ['authenticate.ts', 'const listed = new Set([', 'const listed = new Set<string>(); new Set(['],
  [
    'token-outputs.ts',
    'return headers.filter(([name]) => !names.includes(name.toLowerCase()));',
    'return names.length < 0 ? [] : headers;',
  ],
  ['authenticate.ts', '...outputs(jwt, rule)', '...outputs(jwt, {})'],
  ['authenticate.ts', 'providers.length === 0 || isPreflight(request)', 'providers.length === 0'],
  ['authenticate.ts', '.sort((a, b) => Buffer.compare(', '.sort((b, a) => Buffer.compare('],
  [
    'token-locations.ts',
    'const at = value.indexOf(prefix);',
    'const at = value.startsWith(prefix) ? 0 : -1;',
  ],
  ['token-locations.ts', "isUsual ? ['access_token'] : fromParams", 'fromParams'],
  [
    'token-locations.ts',
    "if (location.kind === 'cookie') return { headers, path };",
    "if (location.kind === 'cookie') return { headers: [], path };",
  ],
  [
    'token-locations.ts',
    'fromHeaders.length + fromParams.length + fromCookies.length === 0',
    'fromHeaders.length === 0',
  ],
  ['jwt.ts', 'Math.trunc(exp) !== 0 && ', ''],
  [
    'jwt.ts',
    'if (wanted.length === 0) return true;',
    'if (wanted.length === 0) return audiences.length === 0;',
  ],
  ['jwt.ts', ".replace(/^https?:\\/\\//, '').replace(/\\/$/, '')", ''],
  [
    'jwt.ts',
    "(audiences.length === 0 ? [''] : audiences)",
    '(audiences.length === 0 ? [...wanted] : audiences)',
  ],
  ['jwt.ts', "if (!algorithms.includes(alg)) return 'Jwt header [alg] is not supported';", ''],
  ['match/patterns.ts', "part === '{**}' : inSegment", 'true : inSegment'],
  ['match/patterns.ts', 'inSegment.test(sign)', 'true'],
  ['match/ip-blocks.ts', 'list === undefined || isIP(address) !== 4', 'list === undefined'],
  ['match/patterns.ts', "pattern.lastIndexOf('/')", "pattern.indexOf('/')"],
  ['match/path.ts', '/[\\w.~-]/.test(character) ? character : whole', 'whole'],
  ['match/path.ts', 'kept.pop();', ';'],
  ['match/path.ts', '["<>^`{|}', '["<>^`{}'],
  ['match/path.ts', "plain.replaceAll('\\\\', '/')", 'plain'],
  ['match/path.ts', "path.split(/[?#]/)[0] ?? ''", 'path'],
  ['decide.ts', "body === 'Audiences in Jwt are not allowed' ? 403 : 401", '401'],
  [
    'decide.ts',
    "metadata.namespace === rootNamespace ? '1' : '0'",
    "metadata.namespace === rootNamespace ? '0' : '1'",
  ],
  ['decide.ts', 'deny === true || (deny', 'allow === false || (deny'],
  ['decide.ts', 'dryRun !== true', 'dryRun !== undefined'],
  ['decide.ts', 'allowing.length === 0 ? true : ', ''],
  ['decide.ts', 'if (once.length < 2)', 'if (once.length < 20)'],
  ['selection.ts', "'TRUE', 'true', 'True'].includes", "'TRUE', 'true', 'True', 'false'].includes"],
  ['selection.ts', '!(isForWorkloads && namespace === rootNamespace)', 'true'],
  ['selection.ts', 'pod.labels[name] === value', "pod.labels[name] !== ''"],
  ['match/claims.ts', 'Object.hasOwn(value, name)', "Object.hasOwn(value, name) && name !== 'roles'"],
];

const root = fileURLToPath(new URL('../../../', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'planted-'));
try {
  for (const path of ['src', 'test/policy/real', 'tools', 'package.json', 'tsconfig.json'])
    cpSync(join(root, path), join(copy, path), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const missed = planted.filter(([file, from, to]) => !isNoticed(join(copy, 'src/policy', file), from, to));
  for (const [file, from, to] of missed) console.log(`not noticed: ${file}: ${from}  →  ${to}`);
  console.log(`${planted.length - missed.length} of ${planted.length} planted mistakes are noticed`);
  // What notices everything would notice nothing.
  const { asked, differing } = replay();
  console.log(`without any: ${differing} differences in ${asked} answers`);
  process.exitCode = missed.length === 0 && differing === 0 && asked > 0 ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function isNoticed(file: string, from: string, to: string): boolean {
  const right = readFileSync(file, 'utf8');
  if (right.split(from).length !== 2) throw new Error(`${file} has not exactly one "${from}"`);
  try {
    writeFileSync(
      file,
      right.replace(from, () => to),
    );
    return replay().differing > 0;
  } finally {
    writeFileSync(file, right);
  }
}

function replay(): { asked: number; differing: number } {
  const code = `import { differencesWithRecord } from './test/policy/real/record.ts';
    const { asked, differences } = differencesWithRecord(1);
    console.log(JSON.stringify({ asked, differing: differences.length }));`;
  const args = ['--import', './tools/typescript.mjs', '--input-type=module', '-e', code];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: copy, encoding: 'utf8' }));
}
