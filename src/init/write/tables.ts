/** The tables of the scenario: what is sent, and what the model says must come back. */

import { isIngress } from '../places.ts';
import { receivedIn, spoofed } from '../requests/echoed.ts';
import type { Told } from '../requests/overlooked.ts';
import type { Group } from '../requests/tried-requests.ts';
import type { TokenTry } from '../requests/tried-tokens.ts';
import type { Asking, Context, Judged, Way } from '../requests/tried-ways.ts';
import { type Client, nameOfClient } from '../senders.ts';
import { escaped, inline } from './yaml-text.ts';

export interface Step {
  readonly name: string;
  readonly way: Way;
  readonly client: Client;
  /** `from`, `request` and `expect`, as lines of a step. */
  readonly lines: readonly string[];
  readonly checks: number;
  readonly tokens: readonly TokenTry[];
  readonly told: readonly Told[];
  /** What nothing is expected of, because the model does not know it. */
  readonly unknown: readonly { readonly what: string; readonly token: string; readonly why: string }[];
}

const noToken = 'no token';

/** A step for all tokens that are sent in the usual place, and one for each other token. */
export function stepsFor(asking: Asking, group: Group, what: string): Step[] {
  const usual = group.tokens.filter(
    (token) => token === undefined || asking.placeOf(token, '', group.context.at) === undefined,
  );
  const others = group.tokens.filter((token) => !usual.includes(token));
  return [
    ...table(asking, group, usual, what),
    ...others.flatMap((token) => table(asking, group, [token], what)),
  ];
}

function table(
  asking: Asking,
  { context, paths }: Group,
  tokens: readonly (TokenTry | undefined)[],
  what: string,
): Step[] {
  const rows = tokens.map((token) => ({
    token,
    cells: paths.map((path) => ({ path, judged: asking.ask(context, path, token) })),
  }));
  const isKnown = (path: string) =>
    rows.some(({ cells }) => cells.find((cell) => cell.path === path)?.judged.code !== undefined);
  const columns = paths.filter(isKnown);
  const whole = rows.map(({ token, cells }) => ({
    token,
    cells: cells.filter(({ path }) => columns.includes(path)),
  }));
  const known = whole.filter(
    ({ cells }) => cells.length > 0 && cells.every(({ judged }) => judged.code !== undefined),
  );
  const unknown = rows.flatMap(({ token, cells }) =>
    cells
      .filter(({ judged }) => judged.code === undefined && judged.doubts.length > 0)
      .map(({ path, judged }) => ({
        what: `${context.method} ${path} ${asking.way.name}`,
        token: token?.name ?? noToken,
        why: judged.doubts.join('; '),
      })),
  );
  const doubts = known.map(({ cells }) => doubtsIn(cells));
  const common = doubts.every((each) => each.join() === doubts[0]?.join()) ? (doubts[0] ?? []) : [];
  const [first] = tokens;
  const place = first === undefined ? undefined : asking.placeOf(first, referenceTo(first), context.at);
  const cellOf = (token: TokenTry | undefined, judged: Judged) => {
    const isNamed = token !== undefined && place !== undefined;
    const reference = (part: string) => (isNamed ? referenceTo(token, part) : `\${token${part}}`);
    const received = context.isTold === true ? receivedIn(asking, judged, token, reference) : undefined;
    return received === undefined ? judged.code : inline({ code: judged.code, received });
  };
  const request = requestOf(
    asking,
    context,
    place === undefined ? {} : { path: `\${column}${place.query}`, token: noToken, headers: place.headers },
  );
  return [
    {
      name: `${what} ${asking.way.name}${detailsOf(asking, context)}${place === undefined ? '' : `, ${first?.name} in ${place.words}`}`,
      way: asking.way,
      client: context.client,
      lines: [
        asking.way.gateway !== undefined && isIngress(asking.way.gateway)
          ? 'through: ingress'
          : `from: ${nameOfClient(context.client)}`,
        ...(Object.keys(request).length === 0 ? [] : [`request: ${inline(request)}`]),
        'expect:',
        `  columns: ${inline(columns)}${commentFor(common)}`,
        ...known.map(({ token, cells }) => {
          const comment = common.length > 0 ? '' : commentFor(doubtsIn(cells));
          return `  ${inline(token?.name ?? noToken)}: [${cells.map(({ judged }) => cellOf(token, judged)).join(', ')}]${comment}`;
        }),
      ],
      checks: known.length * columns.length,
      tokens: known.flatMap(({ token }) => token ?? []),
      told: whole.flatMap(({ token, cells }) =>
        cells.map(({ path, judged }) => ({
          way: asking.way,
          method: context.method,
          host: context.host,
          path,
          token,
          judged,
        })),
      ),
      unknown,
    },
  ];
}

function doubtsIn(cells: readonly { readonly judged: Judged }[]): string[] {
  return [...new Set(cells.flatMap(({ judged }) => judged.doubts))];
}

function commentFor(doubts: readonly string[]): string {
  return doubts.length === 0 ? '' : ` # check this: ${doubts.join('; ')}`;
}

function referenceTo({ name }: TokenTry, part = ''): string {
  return /^[\w-]+$/.test(name) ? `\${tokens.${name}${part}}` : `\${tokens["${name}"]${part}}`;
}

function requestOf(
  { way }: Asking,
  { url, method, host, headers }: Context,
  more: { headers?: Readonly<Record<string, string>>; [field: string]: unknown },
): Record<string, unknown> {
  const all = { ...(escaped(headers) as object), ...more.headers };
  const isOutside = way.gateway !== undefined && isIngress(way.gateway);
  return {
    ...(isOutside ? {} : { url }),
    ...(method === 'GET' ? {} : { method }),
    ...(host === undefined ? {} : { host: escaped(host) }),
    ...more,
    ...(Object.keys(all).length === 0 ? {} : { headers: all }),
  };
}

/** In what a table differs from the usual one of its way. */
function detailsOf(
  { way }: Asking,
  { method, host, url, client, headers, isApart, isTold }: Context,
): string {
  return [
    ...(method === 'GET' ? [] : [method]),
    ...(host === way.host || host === undefined ? [] : [`host ${host}`]),
    ...(url === way.addresses[0]?.url ? [] : [`port ${new URL(url).port}`]),
    ...(client.name === way.client.name ? [] : [`from ${client.namespace}/${client.serviceAccount}`]),
    ...Object.entries(headers)
      .filter(([, value]) => value !== spoofed)
      .map(([name, value]) => `header ${name} ${value}`),
    ...(Object.values(headers).includes(spoofed) ? ['headers of proxies spoofed'] : []),
    ...(isApart === true ? ['apart'] : []),
    ...(isTold === true ? ['what is received'] : []),
  ]
    .map((each) => `, ${each.replaceAll('${', '{')}`)
    .join('');
}
