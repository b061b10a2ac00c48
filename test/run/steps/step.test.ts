/** One step by itself: what it does to the mesh, what it tells, and what is wrong when it cannot be carried out. */
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import { runStep } from '../../../src/run/steps/step.ts';
import { FakeTarget, fakeProxy, refusal } from '../../support/fake-target.ts';
import { unaborted } from '../../support/signals.ts';
import { applyAuthentication, applyAuthorization, scenarioSource, sendStep, stateOf } from '../support.ts';

const name = 'AuthorizationPolicy foo/require';
const remove = (policy = 'require') =>
  `    delete: [{ apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, name: ${policy}, namespace: foo }]\n`;
const applyStep = (more = '') => `  - name: s\n${applyAuthorization}${more}`;
const callsOf = ({ calls }: FakeTarget, ...names: string[]) =>
  calls.filter((call) => names.includes(call.split(' ')[0] ?? ''));

/** Runs the steps of these names one after the other. */
async function stepsOf(
  steps: string,
  names: readonly string[],
  ...more: [FakeTarget?, Parameters<typeof stateOf>[2]?]
) {
  const made = await stateOf(scenarioSource('one', steps), ...more);
  const results = [];
  for (const each of names) results.push(await runStep(made.stepOf(each), made.state, unaborted()));
  return { ...made, results };
}

describe('what a step tells', () => {
  test('is its start, what it has applied, and how that was proven', async () => {
    const target = new FakeTarget();
    target.warnings = ['deprecated', 'deprecated', 'old'];
    const { events, state } = await stepsOf(sendStep('s', '[200, 200]', applyAuthorization), ['s'], target);
    const of = { mesh: state.scenario.info.mesh, scenario: 'one', step: 's' };
    const proof = '1 proxy has what was applied: ns[foo]-policy[require]-rule[0]';
    expect(events).toEqual([
      { type: 'step-started', ...of },
      {
        type: 'step-applied',
        ...of,
        objects: [`${name} created`],
        manifests: [{ object: name, yaml: expect.stringContaining('requestPrincipals') }],
        warnings: ['deprecated', 'old'],
        meant: {},
      },
      {
        type: 'step-selected',
        ...of,
        selection: {
          workloads: ['foo/httpbin'],
          policies: [{ policy: name, action: 'ALLOW', scope: 'namespace', workloads: ['foo/httpbin'] }],
        },
      },
      { type: 'step-held', ...of, durationMs: expect.any(Number), proof },
    ]);
    expect(state.held).toEqual({ kind: 'holds', proof });
    expect([...state.snapshot.keys()]).toEqual(['foo/httpbin-1']);
    expect(state.survey?.rootNamespace).toBe('istio-system');
    expect(state.applied.map(({ kind }) => kind)).toEqual(['AuthorizationPolicy']);
  });

  test('is also what it deletes', async () => {
    const steps = `${sendStep('s', '[200, 200]', applyAuthorization)}${sendStep('t', '[200, 200]', remove())}`;
    const { events, target } = await stepsOf(steps, ['s', 't']);
    const applied = events.filter((event) => event.type === 'step-applied');
    expect(applied.at(-1)).toMatchObject({ step: 't', objects: [`${name} deleted`], manifests: [] });
    expect(target.objects.size).toBe(0);
  });

  test('is nothing of what it applies where it applies nothing', async () => {
    const { events } = await stepsOf(sendStep('s'), ['s']);
    expect(events.map(({ type }) => type)).toEqual(['step-started', 'step-held']);
  });
});

describe('what the proxies have is proven', () => {
  const held = (events: readonly { type: string }[]) =>
    events.flatMap((event) => (event.type === 'step-held' && 'step' in event ? [event.step] : []));

  test('by the first step, and by each that changes something', async () => {
    const steps = [
      sendStep('first'),
      sendStep('same'),
      sendStep('applies', '[200, 200]', applyAuthorization),
      sendStep('both', '[200, 200]', `${remove()}${applyAuthorization}`),
      sendStep('deletes', '[200, 200]', remove()),
      sendStep('last'),
    ].join('');
    const names = ['first', 'same', 'applies', 'both', 'deletes', 'last'];
    const { events } = await stepsOf(steps, names);
    expect(held(events)).toEqual(['first', 'applies', 'both', 'deletes']);
  });

  test('by one marker once everything has come, and by two where routes were changed', async () => {
    const entry = `    apply:
      - { apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: { name: keys, namespace: foo }, spec: { hosts: [keys.test] } }
`;
    const steps = `${sendStep('s')}${sendStep('policy', '[200, 200]', applyAuthorization)}${sendStep('route', '[200, 200]', entry)}`;
    const { target } = await stepsOf(steps, ['s', 'policy', 'route']);
    expect(callsOf(target, 'mark', 'apply')).toEqual([
      ...['mark', 'mark'],
      ...[`apply ${name}`, 'mark'],
      ...['apply ServiceEntry foo/keys', 'mark', 'mark'],
    ]);
  });

  test('not where istiod has keys of another run', async () => {
    const keys = applyAuthentication.replace('jwks: "${issuers.sample.jwks}"', 'jwksUri: "http://keys/jwks"');
    const having = (kid: string) => {
      const target = new FakeTarget();
      const policies = target.proxyPolicies.bind(target);
      target.proxyPolicies = async (...asked) => {
        const found = await policies(...asked);
        return { ...found, providers: found.providers.map((each) => ({ ...each, keys: [{ kid }] })) };
      };
      return stepsOf(sendStep('s', '[200, 200]', keys), ['s'], target);
    };
    expect((await having('sample-abc123-0')).state.held?.kind).toBe('holds');
    await expect(having('sample-abc123-7')).rejects.toMatchObject({ code: 'E_UNPROVEN' });
    await expect(having('sample-def456-0')).rejects.toMatchObject({ code: 'E_UNPROVEN' });
  });
});

describe('what is not proven', () => {
  const policy = sendStep('s', '[200, 200]', applyAuthorization);

  test('may come with more time', async () => {
    const target = new FakeTarget();
    target.frozen = true;
    const { state, events } = await stepsOf(policy, ['s'], target);
    expect(state.held).toEqual({
      kind: 'unproven',
      message: expect.stringMatching(/^the proxies did not take the change over: ./),
      hint: 'Look at the log of istiod, and give it more time with --hold-timeout.',
    });
    expect(events.map(({ type }) => type)).not.toContain('step-held');
  });

  test('still counts as pending in the next step', async () => {
    const target = new FakeTarget();
    target.before = () => {
      target.frozen = target.objects.size === 1;
    };
    const two = `${policy}${sendStep('t', '[200, 200]', applyAuthentication)}`;
    const { state } = await stepsOf(two, ['s', 't'], target);
    expect(state.held?.kind).toBe('holds');
    // Two for the applications that were there before, as nothing has come since.
    expect(callsOf(target, 'mark', 'apply').slice(-2)).toEqual(['mark', 'mark']);
  });

  test('is the fault of whoever has changed the mesh', async () => {
    const target = new FakeTarget();
    target.frozen = true;
    target.meddled = [`${name} was deleted`, 'Secret foo/tls was changed'];
    const { state } = await stepsOf(policy, ['s'], target);
    expect(state.held).toEqual({
      kind: 'undone',
      message: `before the proxies had it, ${name} was deleted; Secret foo/tls was changed, and this run has not done that`,
      hint: 'Run it again while nobody else changes the mesh.',
    });
  });

  test('is for the proxies to say where they have rejected it, whatever others have done', async () => {
    const target = new FakeTarget();
    target.rejected = ['invalid local jwks'];
    target.meddled = ['Secret foo/tls was changed'];
    const { state } = await stepsOf(policy, ['s'], target);
    expect(state.held).toEqual({
      kind: 'rejected',
      message: expect.stringContaining('invalid local jwks'),
    });
    expect(callsOf(target, 'altered')).toEqual([]);
  });

  test('has a place and advice where the policy holds for nobody', async () => {
    const lost = applyAuthorization.replace(
      'spec: { rules',
      'spec: { selector: { matchLabels: { app: x } }, rules',
    );
    const { state } = await stepsOf(sendStep('s', '[200, 200]', lost), ['s']);
    expect(state.held).toEqual({
      kind: 'unproven',
      message: expect.stringContaining(`${name} holds for no proxy`),
      hint: expect.stringMatching(
        /^Correct metadata\.namespace or the selector of the policy.*selectsNothing: true/,
      ),
      place: { file: 'file-0.yaml', line: 11, column: expect.any(Number) },
    });
  });

  test('has the advice of the proof where there is one', async () => {
    const target = new FakeTarget();
    const { survey } = target;
    target.survey = async (signal) => ({ ...(await survey.call(target, signal)), hidden: ['Pod'] });
    const { state } = await stepsOf(policy, ['s'], target);
    expect(state.held).toEqual({
      kind: 'unproven',
      message: expect.stringMatching(/^(?!the proxies did not).*this user may not list pods/),
      hint: expect.not.stringContaining('--hold-timeout'),
    });
  });
});

describe('a step that cannot be carried out', () => {
  const failing = (error: Error, method = 'apply') => {
    const target = new FakeTarget();
    target.before = (called) => {
      if (called === method) throw error;
    };
    return target;
  };
  const two = `${applyAuthentication}${applyAuthorization.replace('    apply:\n', '')}`;

  test.each([
    ['the manifest that it is about', `${name} was refused: no`, 15],
    ['the first manifest where it is about none', 'the API server is gone', 11],
    ['the first manifest where the name is only alike', 'AuthorizationPolicy foo/require2 was refused', 11],
  ])('is an error at %s', async (_, message, line) => {
    const error = new HarnessError('E_KUBE', message, { hint: 'Look.', details: 'more' });
    await expect(stepsOf(sendStep('s', '[200, 200]', two), ['s'], failing(error))).rejects.toMatchObject({
      code: 'E_KUBE',
      message,
      hint: 'Look.',
      details: 'more',
      cause: error,
      place: { file: 'file-0.yaml', line },
    });
  });

  test('is an error at the step where it applies nothing', async () => {
    const steps = `${sendStep('s', '[200, 200]', applyAuthorization)}${sendStep('t', '[200, 200]', remove())}`;
    const made = await stateOf(scenarioSource('one', steps), failing(new Error('gone'), 'delete'));
    await expect(runStep(made.stepOf('t'), made.state, unaborted())).rejects.toMatchObject({
      code: 'E_INTERNAL',
      place: made.stepOf('t').place,
    });
  });

  test('is also one whose manifests are refused, where that is not expected', async () => {
    await expect(
      stepsOf(sendStep('s', '[200, 200]', two), ['s'], failing(refusal(name, 'no such field'))),
    ).rejects.toMatchObject({ code: 'E_REFUSED', place: { line: 15 } });
  });

  test('keeps the place of an error that has one', async () => {
    const place = { file: 'other.yaml', line: 1, column: 1 };
    const error = new HarnessError('E_KUBE', 'no', { place });
    await expect(stepsOf(sendStep('s', '[200, 200]', two), ['s'], failing(error))).rejects.toBe(error);
  });

  test('is one that deletes what is not there', async () => {
    const made = await stateOf(scenarioSource('one', sendStep('s', '[200, 200]', remove('typo'))));
    await expect(runStep(made.stepOf('s'), made.state, unaborted())).rejects.toMatchObject({
      code: 'E_KUBE',
      message: 'AuthorizationPolicy foo/typo cannot be deleted: it is not there',
      hint: 'Correct kind, name and namespace under delete, or take it out.',
      place: made.stepOf('s').place,
    });
  });

  test('is none that finds what it applies to be there already', async () => {
    const steps = `${sendStep('s', '[200, 200]', applyAuthorization)}${sendStep('t', '[200, 200]', applyAuthorization)}`;
    const { events } = await stepsOf(steps, ['s', 't']);
    expect(events.filter((event) => event.type === 'step-applied').at(-1)).toMatchObject({
      objects: [`${name} unchanged`],
    });
  });
});

describe('manifests that are to be refused', () => {
  const wanted = applyStep('    refused: { message: "must be set" }\n');
  const judged = async (target: FakeTarget, step = wanted) => {
    const { results, ...made } = await stepsOf(step, ['s'], target);
    return { ...made, check: results[0]?.[0] };
  };
  const refusing = (error = refusal(name, 'issuer must be set')) => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === 'apply') throw error;
    };
    return target;
  };

  test('and are: passed, without evidence, and everybody sees what they were', async () => {
    const { check, events, target, state } = await judged(refusing());
    expect(check).toMatchObject({
      kind: 'apply',
      state: 'passed',
      expected: 'refused: must be set',
      actual: `refused: ${name} was refused: issuer must be set`,
    });
    expect(check).not.toHaveProperty('evidence');
    expect(check?.durationMs).toBeGreaterThanOrEqual(0);
    expect(check?.durationMs).toBeLessThan(60_000);
    expect(events.find(({ type }) => type === 'step-applied')).toMatchObject({
      objects: [],
      manifests: [{ object: name }],
    });
    expect(callsOf(target, 'evidence')).toEqual([]);
    expect(state.applied).toEqual([]);
  });

  test('and are for another reason: failed', async () => {
    const { check } = await judged(refusing(refusal(name, 'too long')));
    expect(check).toMatchObject({
      state: 'failed',
      message: 'the API server refused for another reason',
      actual: `refused: ${name} was refused: too long`,
    });
  });

  test('and are, and the reason is only in the name of the object: failed', async () => {
    const step = applyStep('    refused: { message: foo/require }\n');
    const { check } = await judged(refusing(), step);
    expect(check).toMatchObject({ state: 'failed', message: 'the API server refused for another reason' });
  });

  test.each([
    [
      'the second',
      'RequestAuthentication foo/jwt',
      'accepted: RequestAuthentication foo/jwt',
      'issuer must be set',
    ],
    [
      'none, and one for another reason',
      '',
      'refused: RequestAuthentication foo/jwt was refused: too long',
      'too long',
    ],
  ])('and %s is not: failed', async (_, taken, actual, reason) => {
    const target = new FakeTarget();
    target.before = (method, _signal, detail) => {
      if (method !== 'apply' || detail === '' || detail === taken) return;
      throw refusal(detail, detail === name ? 'issuer must be set' : reason);
    };
    const step = `  - name: s\n${applyAuthorization}${applyAuthentication.replace('    apply:\n', '')}    refused: { message: must be set }\n`;
    const { check, state } = await judged(target, step);
    expect(check).toMatchObject({ state: 'failed', actual });
    expect(state.applied).toHaveLength(taken === '' ? 0 : 1);
  });

  test('and are not: failed, with all that explains it', async () => {
    const target = new FakeTarget();
    const asked: unknown[] = [];
    const { evidence } = target;
    target.evidence = async (query, signal) => {
      asked.push(query);
      return evidence.call(target, query, signal);
    };
    const before = Date.now();
    const made = await stateOf(scenarioSource('one', `${sendStep('first')}${wanted}`), target);
    for (const each of ['first']) await runStep(made.stepOf(each), made.state, unaborted());
    const [check] = await runStep(made.stepOf('s'), made.state, unaborted());
    expect(check).toMatchObject({
      state: 'failed',
      message: 'the API server accepted what it should refuse',
      actual: 'accepted',
      evidence: expect.stringMatching(/^one-s-/),
      evidenceFiles: [{ name: 'proxy-filters.json', text: 'the filters' }],
    });
    expect(asked).toEqual([{ proxies: [fakeProxy], requestId: '', since: expect.any(Number) }]);
    const [{ since }] = asked as [{ since: number }];
    expect(since).toBeGreaterThanOrEqual(before);
    expect(since).toBeLessThanOrEqual(Date.now());
  });

  test('but only on other meshes: what is accepted has passed, and what is refused has not', async () => {
    const elsewhere = applyStep('    refused: { message: "must be set", when: { istio: "<1.0" } }\n');
    expect((await judged(new FakeTarget(), elsewhere)).check).toMatchObject({
      state: 'passed',
      expected: 'accepted',
      actual: 'accepted',
    });
    expect((await judged(refusing(), elsewhere)).check).toMatchObject({
      state: 'failed',
      message: 'the API server refused what it should accept',
    });
  });

  test('and what goes wrong otherwise: no verdict', async () => {
    await expect(judged(refusing(new HarnessError('E_KUBE', 'it must be set')))).rejects.toMatchObject({
      code: 'E_KUBE',
    });
  });
});

test('results are those of applying, of requests, of fetches, and of what was skipped', async () => {
  const cells = '[200, [{ when: { istio: "<1.0" }, code: 200 }]]';
  const source = scenarioSource(
    'one',
    `${sendStep('s', cells)}    fetched: { from: outside, by: nobody }\n`,
    'keyServers: { outside: { serves: sample } }',
  );
  const made = await stateOf(source);
  const results = await runStep(made.stepOf('s'), made.state, unaborted());
  expect(results.map(({ kind, column, state }) => [kind, column, state])).toEqual([
    ['request', 'no token', 'passed'],
    ['fetched', expect.any(String), 'passed'],
    ['request', 'valid', 'skipped'],
  ]);
  expect(results[2]?.message).toContain('<1.0');
});
