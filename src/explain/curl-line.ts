/** A request out of a curl line, as people have it at hand. */
import { HarnessError } from '../base/errors.ts';
import type { Header } from '../policy/input.ts';
import { pathAndQuery } from '../policy/match/path.ts';

export interface CurlRequest {
  readonly method: string;
  readonly url: URL;
  /** Path and query as they were written: a URL object would normalize them. */
  readonly path: string;
  readonly headers: readonly Header[];
}

/** Options with a value that change nothing that a policy sees. */
const ignoredWithValue = new Set([
  ...['-o', '--output', '-w', '--write-out', '-m', '--max-time', '--connect-timeout', '--retry', '--cacert'],
  ...['--resolve', '--connect-to', '-x', '--proxy', '-c', '--cookie-jar', '--cert', '--key', '--interface'],
]);
const withBody = new Set([
  '-d',
  '--data',
  '--data-raw',
  '--data-binary',
  '--data-urlencode',
  '--json',
  '-F',
  '--form',
]);

/**
 * @param line with or without `curl` at its beginning
 * @param env for `$NAME` and `${NAME}`
 * @throws HarnessError E_USAGE for what is no curl line, or reads a file
 */
export function parseCurlLine(line: string, env: Readonly<Record<string, string | undefined>>): CurlRequest {
  const words = wordsOf(line, env);
  if (words[0] === 'curl') words.shift();
  let headers: Header[] = [];
  let method: string | undefined;
  let implied = 'GET';
  let address: string | undefined;
  let target: string | undefined;
  for (let next = words.shift(); next !== undefined; next = words.shift()) {
    const [option, value] = split(next);
    const take = () => {
      const taken = value ?? words.shift();
      if (taken === undefined) throw wrong(`${option} in the curl line has no value`);
      return taken;
    };
    if (!option.startsWith('-') || option === '-') address = next;
    else if (option === '--url') address = take();
    else if (option === '--request-target') target = take();
    else if (option === '--next') {
      // What comes before, on the same connection, is another request.
      [headers, method, implied, target] = [[], undefined, 'GET', undefined];
    } else if (option === '-X' || option === '--request') method = take();
    else if (option === '-I' || option === '--head') implied = 'HEAD';
    else if (option === '-H' || option === '--header') headers.push(...headerOf(take()));
    else if (option === '-A' || option === '--user-agent') headers.push(['User-Agent', take()]);
    else if (option === '-e' || option === '--referer') headers.push(['Referer', take()]);
    else if (option === '-b' || option === '--cookie') headers.push(['Cookie', take()]);
    else if (option === '--oauth2-bearer') headers.push(['Authorization', `Bearer ${take()}`]);
    else if (option === '-u' || option === '--user')
      headers.push(['Authorization', `Basic ${Buffer.from(take()).toString('base64')}`]);
    else if (withBody.has(option)) {
      take();
      implied = 'POST';
    } else if (ignoredWithValue.has(option)) take();
  }
  if (address === undefined) throw wrong('the curl line has no address');
  // In absolute form, the host of the target counts.
  if (/^https?:\/\//i.test(target ?? '')) headers = headers.filter(([name]) => name.toLowerCase() !== 'host');
  address = target?.replace(/^(?=\/)/, `${/^(?:[a-z]+:\/\/)?[^/]*/i.exec(address)?.[0]}`) ?? address;
  const whole = /^[a-z]+:\/\//i.test(address) ? address : `http://${address}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined) throw wrong(`${address} in the curl line is no address`);
  return { method: method ?? implied, url, path: pathAndQuery(whole), headers };
}

/** `-HName: x` and `--header=x` as `-H` and `--header` with their values. */
function split(word: string): [string, string | undefined] {
  if (word.startsWith('--')) {
    const at = word.indexOf('=');
    return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
  }
  const [, option = word, value] = /^(-[XHAebudowmxcF])(.+)$/s.exec(word) ?? [];
  return [option, value];
}

function headerOf(text: string): Header[] {
  if (text.startsWith('@'))
    throw wrong('the curl line reads headers from a file', 'Write the headers into the line.');
  const at = text.indexOf(':');
  // `Name:` takes a header away, which none of these is.
  return at === -1 || text.slice(at + 1).trim() === ''
    ? []
    : [[text.slice(0, at).trim(), text.slice(at + 1).trim()]];
}

/** Words as a shell makes them: quotes, backslashes, variables. Nothing is run. */
function wordsOf(line: string, env: Readonly<Record<string, string | undefined>>): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  const variableValue = (name: string) => {
    const value = env[name];
    if (value === undefined)
      throw wrong(`the curl line uses $${name}, which is not set`, `Set it: export ${name}=…`);
    return value;
  };
  for (let at = 0; at < line.length; at++) {
    const sign = line[at] ?? '';
    const variable = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/.exec(line.slice(at));
    if (quote === "'") {
      if (sign === quote) quote = '';
      else word += sign;
    } else if (sign === '$' && line[at + 1] === '(')
      throw wrong('the curl line runs a command', 'Put what it prints into a variable, and use that.');
    else if (variable !== null) {
      word = (word ?? '') + variableValue(variable[1] ?? variable[2] ?? '');
      at += variable[0].length - 1;
    } else if (quote === '"') {
      if (sign === quote) quote = '';
      else if (sign === '\\' && '"\\$`'.includes(line[at + 1] ?? ' ')) word += line[++at] ?? '';
      else word += sign;
    } else if (sign === '"' || sign === "'") {
      quote = sign;
      word ??= '';
    } else if (sign === '\\') {
      const next = line[++at] ?? '';
      if (next !== '\n') word = (word ?? '') + next;
    } else if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + sign;
  }
  if (quote !== '') throw wrong(`a quote (${quote}) in the curl line is not closed`);
  return word === undefined ? words : [...words, word];
}

function wrong(
  message: string,
  hint = 'Write it as for a shell: \'curl -H "Authorization: Bearer …" http://httpbin.foo:8000/ip\'.',
): HarnessError {
  return new HarnessError('E_USAGE', message, { hint });
}
