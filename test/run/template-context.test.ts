/** What `${…}` in a scenario stands for in a run. That tokens of others are sent is in outside-tokens.test.ts. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import type { PlannedScenario } from '../../src/plan/types.ts';
import { KeyRing } from '../../src/run/keys/key-ring.ts';
import { knownNames, makeContext, startKeyServers } from '../../src/run/template-context.ts';
import { resolve } from '../../src/scenario/template.ts';
import type { KeyServerHandle } from '../../src/target/target.ts';
import { planOf } from '../plan/support.ts';
import { scenarioOf } from '../scenario/support.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { unaborted } from '../support/signals.ts';
import { scenarioSource, sendStep } from './support.ts';

const ring = new KeyRing('abc123');
function planned(source: string): PlannedScenario {
  const [scenario] = planOf([scenarioOf(source)]).scenarios;
  if (scenario === undefined) return expect.fail('it is planned');
  return scenario;
}
const sendingTo = (...hosts: string[]) =>
  hosts.map((host, index) => sendStep(`s${index}`).replace('http://httpbin.foo:8000', host)).join('');

afterEach(() => {
  vi.useRealTimers();
});

describe('key servers', () => {
  const start = async (scenario: PlannedScenario, target = new FakeTarget()) => {
    const started = await startKeyServers(scenario, await ring.get(scenario), target, unaborted());
    return { target, started };
  };
  const named = (name: string, id: string) => {
    const scenario = planned(
      scenarioSource(
        'one',
        sendingTo(`http://\${keyServers.${name}.host}`),
        `keyServers: { ${name}: { serves: sample } }`,
      ),
    );
    return { ...scenario, info: { ...scenario.info, id } };
  };
  const nameOf = async (name: string, id: string) =>
    (await start(named(name, id))).target.servers[0]?.start.name;

  test('are started with the keys of their issuer, as the scenario wants them', async () => {
    const scenario = planned(
      scenarioSource(
        'one',
        sendingTo('http://${keyServers.plain.host}', 'http://${keyServers.strange.host}'),
        'keyServers: { plain: { serves: sample }, strange: { serves: sample, path: /k, certificate: untrusted } }',
      ),
    );
    const { target, started } = await start(scenario);
    const jwks = (await ring.get(scenario)).get('sample')?.jwks();
    const plainly = { discovery: false, fault: null, http2Only: false };
    expect(target.servers.map((server) => server.start)).toEqual([
      { name: 'plain-one', path: '/get_jwks', jwks, certificate: 'trusted', ...plainly },
      { name: 'strange-one', path: '/k', jwks, certificate: 'untrusted', ...plainly },
    ]);
    expect([...started].map(([name, { host }]) => [name, host])).toEqual([
      ['plain', 'plain-one.external.test'],
      ['strange', 'strange-one.external.test'],
    ]);
  });

  test('are started when a step names them or asks who has fetched, and are not when they are elsewhere', async () => {
    const scenario = planned(
      scenarioSource(
        'one',
        `${sendingTo('http://${keyServers.named.host}', 'http://${issuers.idle.issuer}', 'http://${keyServers.inside.host}')}    fetched: { from: asked, by: nobody }\n`,
        `keyServers:
  named: { serves: sample }
  asked: { serves: sample }
  idle: { serves: sample }
  inside: { serves: sample, where: in-cluster, pods: { namespace: foo, app: keys } }`,
      )
        .replace('issuers: {', 'issuers: { idle: { issuer: it, algorithm: ES256 },')
        .replace('http://${keyServers.inside.host}', 'http://inside.${now}'),
    );
    expect([...(await start(scenario)).started.keys()]).toEqual(['named', 'asked']);
  });

  test('in the cluster are those of the scenario, also where a step asks who has fetched', async () => {
    const inside =
      'keyServers: { inside: { serves: sample, where: in-cluster, pods: { namespace: foo, app: keys } } }';
    const asked = planned(
      scenarioSource('one', `${sendStep('s')}    fetched: { from: inside, by: istiod }\n`, inside),
    );
    expect((await start(asked)).target.calls).toEqual([]);
  });

  test('are started although something in a step cannot be understood, which the step itself says', async () => {
    const scenario = named('outside', 'one');
    const [step] = scenario.steps;
    const wrong = {
      ...step!,
      apply: [{ manifest: { kind: '${' }, place: step!.place }],
    } as unknown as typeof step;
    const { started } = await start({ ...scenario, steps: [wrong!, step!] });
    expect([...started.keys()]).toEqual(['outside']);
  });

  test('have names that are DNS labels', async () => {
    expect(await nameOf('outside', 'One_Two@istiod#1')).toBe('outside-one-two-istiod-1');
    expect(await nameOf('outside', 'one--')).toBe('outside-one');
    expect(await nameOf('outside', 'x'.repeat(40))).toBe(`outside-${'x'.repeat(40)}`);
  });

  test('have names that are not too long, and still tell one from another', async () => {
    const long = (end: string) => nameOf('outside', `${'x'.repeat(40)}${end}`);
    const names = [await long('y'), await long('z')];
    for (const name of names) expect(name).toMatch(/^outside-x{33}-[0-9a-f]{6}$/);
    expect(new Set(names).size).toBe(2);
    expect(await long('y')).toBe(names[0]);
  });

  test('are all stopped when one cannot be started, and the error is that of the one', async () => {
    const scenario = planned(
      scenarioSource(
        'one',
        sendingTo('http://${keyServers.first.host}', 'http://${keyServers.second.host}'),
        'keyServers: { first: { serves: sample }, second: { serves: sample } }',
      ),
    );
    const target = new FakeTarget();
    target.before = async (method, _signal, detail) => {
      if (method !== 'startKeyServer' || !detail.startsWith('second')) return;
      // After the first is there.
      await new Promise((resolve) => setImmediate(resolve));
      throw new HarnessError('E_KEY_SERVER', 'no port is free');
    };
    await expect(start(scenario, target)).rejects.toMatchObject({ message: 'no port is free' });
    expect(target.servers.map(({ stops }) => stops)).toEqual([1]);
  });
});

test('names that depend on no token: images, issuers with their keys, key servers, the CA, the time', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-25T00:00:01.999Z') });
  const issuers = await ring.get(planned(scenarioSource('one', sendStep('s'))));
  const server = { host: 'keys.test', ip: '192.0.2.1', stop: async () => {} } as unknown as KeyServerHandle;
  const servers = new Map([['outside', server]]);
  expect(await knownNames(issuers, servers, new FakeTarget(), { nginx: 'nginx:1' })).toEqual({
    images: { nginx: 'nginx:1' },
    issuers: {
      sample: expect.objectContaining({ issuer: 'me', jwks: JSON.stringify(issuers.get('sample')?.jwks()) }),
    },
    keyServers: { outside: { host: 'keys.test', ip: '192.0.2.1' } },
    ca: { pem: 'the CA' },
    now: Date.UTC(2026, 10, 25, 0, 0, 1) / 1000,
  });
});

describe('tokens', () => {
  const source = (tokens: string) =>
    scenarioSource('one', sendStep('s')).replace('tokens: {', `tokens: { ${tokens},`);
  const contextOf = async (scenario: PlannedScenario, ...outside: [Parameters<typeof makeContext>[5]?]) =>
    makeContext(
      scenario,
      await ring.get(scenario),
      new Map(),
      new FakeTarget(),
      { nginx: 'nginx:1' },
      ...outside,
    );
  const sources = { commands: true, env: [], variables: { TOKEN: 'opaque', TOKEN_B: 'other' } };

  test('are minted, and can be named like everything else', async () => {
    const scenario = planned(
      source('made: { issuer: sample, claims: { sub: "${images.nginx}", iat: "${now}" } }'),
    );
    const { issuers, tokens, keyServers, unknown, names } = await contextOf(scenario);
    expect(issuers).toBe(await ring.get(scenario));
    expect(keyServers.size).toBe(0);
    expect([...unknown]).toEqual([]);
    expect(names).toMatchObject({ images: { nginx: 'nginx:1' }, ca: { pem: 'the CA' } });
    const sent = (name: string) => resolve(`\${tokens.${name}}`, names);
    expect(['made', 'valid'].map(sent)).toEqual([tokens.get('made')?.value, tokens.get('valid')?.value]);
    expect(tokens.get('made')?.view.claims).toMatchObject({ sub: 'nginx:1', iat: names.now });
  });

  const others =
    'read: { raw: "${env.TOKEN}/${env.TOKEN_B}" }, printed: { from: { command: [echo, printed] } }, own: { raw: "${images.nginx}" }';

  test('of others are asked for where that is wanted', async () => {
    const { tokens, unknown } = await contextOf(planned(source(others)), { sources, signal: unaborted() });
    expect(['read', 'printed', 'own'].map((name) => tokens.get(name)?.value)).toEqual([
      'opaque/other',
      'printed',
      'nginx:1',
    ]);
    expect([...unknown]).toEqual([]);
  });

  test('of others are not known where nobody asks for them', async () => {
    const { tokens, unknown } = await contextOf(planned(source(others)));
    expect(['read', 'printed', 'own'].map((name) => tokens.get(name)?.value)).toEqual(['/', '', 'nginx:1']);
    expect([...unknown].sort()).toEqual(['printed', 'read']);
  });

  test('that cannot be had are an error at the scenario', async () => {
    const scenario = planned(source(others));
    const { place } = scenario.info;
    const none = { sources: { ...sources, variables: {} }, signal: unaborted() };
    await expect(contextOf(scenario, none)).rejects.toMatchObject({ code: 'E_TOKEN', place });
    for (const raw of ['${keyServers.gone.host}', '${', '${env}']) {
      const wrong = { ...scenario, tokens: { wrong: { raw } } } as PlannedScenario;
      for (const outside of [undefined, { sources, signal: unaborted() }])
        await expect(contextOf(wrong, outside)).rejects.toMatchObject({ code: 'E_TEMPLATE', place });
    }
  });
});
