/** Scenarios of random steps, with what the mesh must answer by a model of their few policies and routes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { dice } from '../../support/dice.ts';

const paths = ['/headers', '/status/201', '/route'] as const;
const tokens = ['no token', 'one', 'two'] as const;
type Path = (typeof paths)[number];
type Token = (typeof tokens)[number];

/** What is in place. */
interface State {
  /** Whose tokens the RequestAuthentication is for. */
  readonly issuer: 'one' | 'two' | undefined;
  /** A second one, whose keys come late. */
  readonly isSlow: boolean;
  readonly policy: 'require' | 'deny' | undefined;
  /** Where the VirtualService of the client leads /route. */
  readonly route: 202 | 203 | undefined;
}

const nothing: State = { issuer: undefined, isSlow: false, policy: undefined, route: undefined };

function statusOf(state: State, token: Token, path: Path): number {
  const { issuer, isSlow, policy, route } = state;
  if (token !== 'no token' && (issuer !== undefined || isSlow) && token !== issuer) return 401;
  const isKnown = token !== 'no token' && token === issuer;
  if (policy === 'require' && !isKnown) return 403;
  if (policy === 'deny' && !isKnown && path === '/status/201') return 403;
  if (path === '/route') return route ?? 404;
  return path === '/status/201' ? 201 : 200;
}

const selector = { matchLabels: { app: 'httpbin' } };
const metadata = (name: string) => ({ name, namespace: 'foo' });

function objects(state: State, slowUrl: string | undefined): Map<string, object> {
  const { issuer, isSlow, policy, route } = state;
  const all: object[] = [];
  const authentication = (name: string, rule: object) => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: metadata(name),
    spec: { selector, jwtRules: [rule] },
  });
  if (issuer !== undefined)
    all.push(
      authentication('tokens', {
        issuer: `\${issuers.${issuer}.issuer}`,
        jwks: `\${issuers.${issuer}.jwks}`,
      }),
    );
  if (isSlow) all.push(authentication('slow', { issuer: 'slow@example.com', jwksUri: slowUrl }));
  if (policy !== undefined)
    all.push({
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: metadata('policy'),
      spec:
        policy === 'require'
          ? { selector, rules: [{ from: [{ source: { requestPrincipals: ['*'] } }] }] }
          : {
              selector,
              action: 'DENY',
              rules: [
                {
                  from: [{ source: { notRequestPrincipals: ['*'] } }],
                  to: [{ operation: { paths: ['/status/201'] } }],
                },
              ],
            },
    });
  if (route !== undefined) {
    const host = 'httpbin.foo.svc.cluster.local';
    const destination = { host, port: { number: 8000 } };
    all.push({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: metadata('route'),
      spec: {
        hosts: [host],
        http: [
          {
            match: [{ uri: { exact: '/route' } }],
            rewrite: { uri: `/status/${route}` },
            route: [{ destination }],
          },
          { route: [{ destination }] },
        ],
      },
    });
  }
  return new Map(all.map((object) => [(object as { metadata: { name: string } }).metadata.name, object]));
}

export interface Steps {
  readonly file: string;
  /** The checks, by ID, whose expectation is not what the mesh must answer. */
  readonly wrong: ReadonlySet<string>;
}

/**
 * Writes a scenario into the folder. In every second step one expectation is wrong: what was right before the step, where
 * that is something else, so that a mesh that is late would make it pass.
 *
 * @param slowUrl of a key server that takes its time
 */
export function writeSteps(
  folder: string,
  { seed, count, slowUrl }: { readonly seed: number; readonly count: number; readonly slowUrl?: string },
): Steps {
  const random = dice(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const name = `steps-${seed}`;
  const wrong = new Set<string>();
  let before = nothing;
  const steps = Array.from({ length: count }, (_, index) => {
    const isWrong = index % 2 === 1;
    let state = before;
    while (JSON.stringify(state) === JSON.stringify(before)) {
      state = {
        issuer: pick([before.issuer, 'one', 'two', undefined]),
        isSlow: slowUrl !== undefined && pick([before.isSlow, false, random() < 0.3]),
        policy: pick([before.policy, 'require', 'deny', undefined]),
        route: pick([before.route, 202, 203, undefined]),
      };
    }
    const cells = tokens.flatMap((token) => paths.map((path) => ({ token, path })));
    const title = `${index}`;
    const late = cells.filter(
      ({ token, path }) => statusOf(before, token, path) !== statusOf(state, token, path),
    );
    const mistaken = isWrong ? pick(late.length > 0 ? late : cells) : undefined;
    const expected = ({ token, path }: (typeof cells)[number]) => {
      const right = statusOf(state, token, path);
      if (mistaken?.token !== token || mistaken.path !== path) return right;
      wrong.add(`${name}/${title}/${token}/${path}`);
      const then = statusOf(before, token, path);
      return then === right ? pick([200, 201, 202, 401, 403, 404].filter((other) => other !== right)) : then;
    };
    const [old, now] = [objects(before, slowUrl), objects(state, slowUrl)];
    const gone = [...old].filter(([key]) => !now.has(key)).map(([, object]) => object) as {
      apiVersion: string;
      kind: string;
      metadata: { name: string; namespace: string };
    }[];
    const apply = [...now].filter(([key, object]) => JSON.stringify(old.get(key)) !== JSON.stringify(object));
    before = state;
    return {
      name: title,
      ...(gone.length > 0
        ? { delete: gone.map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, ...metadata })) }
        : {}),
      ...(apply.length > 0 ? { apply: apply.map(([, object]) => object) } : {}),
      from: 'sleep.foo',
      request: { url: 'http://httpbin.foo:8000' },
      expect: {
        columns: paths,
        ...Object.fromEntries(tokens.map((token) => [token, paths.map((path) => expected({ token, path }))])),
      },
    };
  });
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.yaml`);
  const issuer = (of: string) => ({ issuer: `${of}@example.com`, algorithm: 'RS256' });
  const scenario = {
    name,
    title: 'Random steps',
    source: { document: 'test/e2e/verdicts', section: 'steps' },
    apps: ['httpbin', 'sleep'],
    issuers: { one: issuer('one'), two: issuer('two') },
    tokens: { one: { issuer: 'one', claims: { sub: 'x' } }, two: { issuer: 'two', claims: { sub: 'x' } } },
    steps,
  };
  writeFileSync(file, stringify(scenario));
  return { file, wrong };
}
