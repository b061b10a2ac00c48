import { readdirSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import type { Event } from '../../src/base/events.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { FakeTarget, fakePod, refusal } from '../support/fake-target.ts';
import {
  applyAuthentication,
  applyAuthorization,
  outline,
  run,
  scenarioSource,
  sendStep,
} from './support.ts';

const problemsOf = (events: readonly Event[]) =>
  events.flatMap((event) => ('problem' in event && event.problem !== undefined ? [event.problem] : []));
const states = (checks: readonly { state: string }[]) => checks.map(({ state }) => state);
const two = scenarioSource(
  'two',
  sendStep('before', '[200, 200]') + sendStep('after', '[403, 200]', applyAuthorization),
);
/** 403 without a token once there is an AuthorizationPolicy. */
function enforcing(): FakeTarget {
  const target = new FakeTarget();
  target.answer = ({ headers }) => {
    const hasToken = headers.some(([name]) => name === 'Authorization');
    return hasToken || !target.objects.has('AuthorizationPolicy foo/require') ? 200 : 403;
  };
  return target;
}

describe('a run in which all is well', () => {
  test('tells everything in order, and puts everything back', async () => {
    const { events, exitCode, target, checks } = await run([two], { target: enforcing() });
    expect(outline(events)).toEqual([
      'run-started',
      'mesh-ready',
      'planned',
      'scenario-started two',
      'step-started before',
      'step-held before',
      'check-finished passed /headers, no token',
      'check-finished passed /headers, valid',
      'step-started after',
      'step-applied AuthorizationPolicy foo/require created',
      'step-selected after',
      'step-held after',
      'check-finished passed /headers, no token',
      'check-finished passed /headers, valid',
      'scenario-finished two',
      'run-finished 0',
    ]);
    expect(exitCode).toBe(0);
    expect(target.objects.size).toBe(0);
    expect(target.calls.slice(-2)).toEqual(['undo two', 'down']);
    expect(new Set(checks.map(({ id }) => id)).size).toBe(4);
    expect(checks.at(-1)?.proof).toBe('1 proxy has what was applied: ns[foo]-policy[require]-rule[0]');
  });

  test('times of events never go back, and events can be written as JSON', async () => {
    const { events } = await run([two], { target: enforcing() });
    const times = events.map(({ at }) => at);
    expect(times).toEqual([...times].sort((one, other) => one - other));
    expect(JSON.parse(JSON.stringify(events))).toHaveLength(events.length);
  });

  test('sends what the cells say, with tokens of this run, each under a name of its own', async () => {
    const { target } = await run([two], { target: enforcing() });
    const [plain, withToken] = target.seen;
    expect(plain).toMatchObject({ method: 'GET', url: 'http://httpbin.foo:8000/headers', headers: [] });
    expect(withToken?.headers[0]?.[1]).toMatch(/^Bearer ey[\w-]+\.ey[\w-]+\.[\w-]+$/);
    const ids = new Set(target.seen.map(({ id }) => id));
    expect(ids.size).toBe(4);
    expect([...ids][0]).toMatch(/^jwt-e2e\/abc123-\d+$/);
  });

  test('warnings of admission are told once each', async () => {
    const target = enforcing();
    target.warnings = ['deprecated', 'deprecated'];
    const { events } = await run([two], { target });
    expect(events.find(({ type }) => type === 'step-applied')).toMatchObject({ warnings: ['deprecated'] });
  });
});

describe('a wrong answer', () => {
  test('fails its check, with evidence, and nothing else', async () => {
    const { exitCode, checks, artifacts, events } = await run([two], { target: new FakeTarget() });
    expect(exitCode).toBe(1);
    expect(states(checks)).toEqual(['passed', 'passed', 'failed', 'passed']);
    const [, , failed] = checks;
    expect(failed).toMatchObject({ expected: '403', actual: '200', response: { status: 200 } });
    expect(failed?.message).toContain('status 200 instead of 403');
    expect(failed?.evidence).toMatch(/^two-after-headers-no-token-[0-9a-f]{6}$/);
    expect(readdirSync(`${artifacts}/${failed?.evidence}`).sort()).toEqual([
      'check.json',
      'manifests.yaml',
      'proxy-filters.json',
      'request.txt',
    ]);
    expect(problemsOf(events)).toEqual([]);
  });

  test('rows that differ only in signs have folders of their own', async () => {
    const rows = '      /a/b: [401, 401]\n      /a-b: [401, 401]\n';
    const source = scenarioSource('alike', sendStep('one', '[401, 401]') + rows);
    const { checks } = await run([source]);
    expect(checks).toHaveLength(6);
    expect(new Set(checks.map(({ evidence }) => evidence)).size).toBe(6);
  });

  test('evidence is collected for few at a time, and its failure does not change the verdict', async () => {
    const target = new FakeTarget();
    let now = 0;
    let most = 0;
    target.before = async (method) => {
      if (method !== 'evidence') return;
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now -= 1;
      throw new HarnessError('E_KUBE', 'no logs');
    };
    const rows = Array.from({ length: 10 }, (_, index) => `      /${index}: [401, 401]\n`).join('');
    const source = scenarioSource('many', sendStep('one', '[401, 401]') + rows);
    const { checks, artifacts, exitCode } = await run([source], { target });
    expect(most).toBeLessThanOrEqual(4);
    expect(new Set(states(checks))).toEqual(new Set(['failed']));
    expect(readdirSync(`${artifacts}/${checks[0]?.evidence}`)).toEqual(
      expect.arrayContaining(['check.json', 'manifests.yaml', 'not-collected.txt']),
    );
    expect(exitCode).toBe(1);
  });

  test('no answer at all is no verdict', async () => {
    const target = new FakeTarget();
    target.answer = () => ({ status: 0, error: 'curl exit code 7: refused' });
    const { exitCode, checks } = await run([scenarioSource('one', sendStep('one'))], { target });
    expect(exitCode).toBe(4);
    expect(checks[0]).toMatchObject({ state: 'error', code: 'E_SEND' });
    expect(checks[0]?.message).toContain('curl exit code 7: refused');
  });
});

describe('configuration that does not arrive', () => {
  const change = scenarioSource(
    'change',
    sendStep('before') +
      sendStep('after', '[200, 200]', applyAuthorization) +
      sendStep('later', '[200, 200]'),
  );

  test('right answers of an unproven policy are no verdict, also in the steps after it', async () => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === 'apply') target.frozen = true;
    };
    const { exitCode, checks, events } = await run([change], { target });
    expect(exitCode).toBe(4);
    expect(states(checks)).toEqual(['passed', 'passed', 'error', 'error', 'error', 'error']);
    expect(checks[2]).toMatchObject({
      code: 'E_UNPROVEN',
      proof: undefined,
      message: expect.stringContaining('it has no RBAC policy ns[foo]-policy[require]-'),
    });
    expect(outline(events).filter((each) => each.startsWith('step-held'))).toEqual(['step-held before']);
  });

  test('wrong answers of an unproven policy are no verdict either', async () => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === 'apply') target.frozen = true;
    };
    const { exitCode, checks } = await run([two], { target });
    expect(exitCode).toBe(4);
    expect(states(checks)).toEqual(['passed', 'passed', 'error', 'error']);
    expect(checks[2]).toMatchObject({ code: 'E_UNPROVEN' });
    expect(checks[2]?.message).toMatch(/status 200 instead of 403, but that may come from an older policy/);
  });

  test('a rejection (NACK) fails whatever the answers are, in later steps too', async () => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === 'apply') target.rejected = ['listener virtualInbound: invalid local jwks'];
    };
    const { exitCode, checks } = await run([change], { target });
    expect(exitCode).toBe(1);
    expect(states(checks)).toEqual(['passed', 'passed', 'failed', 'failed', 'failed', 'failed']);
    expect(checks[2]).toMatchObject({
      code: 'E_NACK',
      message: expect.stringContaining('listener virtualInbound: invalid local jwks'),
    });
  });

  test('the next change is judged by itself', async () => {
    const steps =
      sendStep('bad', '[200, 200]', applyAuthorization) + sendStep('good', '[200, 200]', applyAuthentication);
    const target = new FakeTarget();
    let applied = 0;
    target.before = (method) => {
      if (method !== 'apply') return;
      applied += 1;
      target.rejected = applied === 1 ? ['no'] : [];
    };
    const { checks } = await run([scenarioSource('recovers', steps)], { target });
    expect(states(checks)).toEqual(['failed', 'failed', 'passed', 'passed']);
  });

  test('one marker proves policies, and two what comes after listeners within a push', async () => {
    const entry = `    apply:
      - apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: keys, namespace: foo }
        spec: { hosts: [keys.example.com] }
`;
    const steps =
      sendStep('nothing') +
      sendStep('policy', '[200, 200]', applyAuthorization) +
      sendStep('route', '[200, 200]', entry) +
      sendStep('again');
    const { exitCode, target } = await run([
      scenarioSource('entry', steps),
      scenarioSource('next', sendStep('s')),
    ]);
    expect(exitCode).toBe(0);
    const calls = target.calls.filter((call) => /^(mark|send|apply|undo)/.test(call));
    expect(calls).toEqual([
      // Applications were made before.
      ...['mark', 'mark', 'send 2 x 6 from pod'],
      ...['apply AuthorizationPolicy foo/require', 'mark', 'send 2 x 6 from pod'],
      ...['apply ServiceEntry foo/keys', 'mark', 'mark', 'send 2 x 6 from pod'],
      ...['send 2 x 6 from pod'],
      'undo entry',
      // What was put back must have come, too.
      ...['mark', 'mark', 'send 2 x 6 from pod'],
      'undo next',
    ]);
  });

  test('that every proxy has the marker is no proof while one has not what is declared, rule by rule', async () => {
    const target = new FakeTarget();
    target.without = ({ kind }) => kind === 'AuthorizationPolicy';
    const { exitCode, checks } = await run(
      [scenarioSource('x', sendStep('s', '[200, 200]', applyAuthorization))],
      {
        target,
        options: { clock: fakeClock(), holdMs: 60_000 },
      },
    );
    expect(exitCode).toBe(4);
    expect(checks[0]?.message).toContain(
      'foo/httpbin-1: it has no RBAC policy ns[foo]-policy[require]-rule[0]',
    );
  });
});

describe('policies that hold for nobody', () => {
  const lost = applyAuthorization.replace(
    'spec: { rules',
    'spec: { selector: { matchLabels: { app: htpbin } }, rules',
  );

  test('are no test: an error at the manifest, also where the answers are right', async () => {
    const { exitCode, checks } = await run([scenarioSource('x', sendStep('s', '[200, 200]', lost))]);
    expect(exitCode).toBe(4);
    expect(checks[0]).toMatchObject({
      state: 'error',
      code: 'E_UNPROVEN',
      message:
        'AuthorizationPolicy foo/require holds for no proxy, so nothing that it says is tested: no pod of namespace foo has app=htpbin',
      hint: expect.stringContaining('selectsNothing: true'),
      place: { file: 'file-0.yaml', line: 11 },
    });
  });

  test('are fine where the step says that it is meant', async () => {
    const step = sendStep('s', '[200, 200]', lost).replace(
      '    from:',
      '    selectsNothing: true\n    from:',
    );
    expect((await run([scenarioSource('x', step)])).exitCode).toBe(0);
  });

  test('a pod without a sidecar is told as the reason', async () => {
    const target = new FakeTarget();
    target.pods = [{ ...fakePod, proxy: undefined }];
    const { checks } = await run([scenarioSource('x', sendStep('s', '[200, 200]', applyAuthorization))], {
      target,
    });
    expect(checks[0]?.message).toContain(
      'pod foo/httpbin-1, which it selects, has no sidecar: is injection on for namespace foo?',
    );
  });
});

describe('no verdict where nobody knows which proxies decide:', () => {
  const ingress = `  - name: s
    through: ingress
    expect: { columns: [no token], /headers: [200] }
`;
  test.each<[string, string, (target: FakeTarget) => void, RegExp]>([
    [
      'the gateway has no pods',
      ingress,
      (target) => {
        target.pods = [fakePod];
      },
      /: no pod of namespace istio-system has istio=ingressgateway, so the proxies of the ingress gateway cannot be asked$/,
    ],
    [
      'pods may not be listed',
      sendStep('s'),
      (target) => {
        target.pods = [];
        const { survey } = target;
        target.survey = async (signal) => ({ ...(await survey.call(target, signal)), hidden: ['Pod'] });
      },
      /: this user may not list pods, so nobody knows/,
    ],
  ])('%s', async (_, step, change, message) => {
    const target = new FakeTarget();
    change(target);
    const { checks, exitCode } = await run([scenarioSource('x', step)], { target });
    expect(exitCode).toBe(4);
    for (const check of checks)
      expect(check).toMatchObject({
        state: 'error',
        code: 'E_UNPROVEN',
        message: expect.stringMatching(message),
      });
  });
});

describe('right answers that are asked for', () => {
  const answers = async (change: (target: FakeTarget) => void, step = sendStep('s')) => {
    const target = new FakeTarget();
    change(target);
    const { checks, exitCode } = await run([scenarioSource('x', step)], { target });
    expect(exitCode).toBe(0);
    return checks.map(({ convergence }) => convergence?.right);
  };

  test('are few where one pod of an application answers', async () => {
    expect(await answers(() => {})).toEqual([6, 6]);
  });

  test.each<[string, (target: FakeTarget) => void]>([
    [
      'two pods answer',
      (target) => {
        target.pods = [...target.pods, { ...fakePod, name: 'httpbin-2' }];
      },
    ],
    [
      'nobody knows who answers',
      (target) => {
        target.pods = [];
      },
    ],
    [
      'a filter changes the proxy on the way',
      (target) => {
        target.objects.set('filter', {
          apiVersion: 'networking.istio.io/v1alpha3',
          kind: 'EnvoyFilter',
          metadata: { name: 'chance', namespace: 'foo' },
          spec: {},
        });
      },
    ],
  ])('are a hundred where %s', async (_, change) => {
    expect(await answers(change)).toEqual([100, 100]);
  });

  test('are thirty where a workload of the scenario answers', async () => {
    const own = (target: FakeTarget) => {
      target.pods = [{ ...fakePod, isApp: false }];
    };
    expect(await answers(own)).toEqual([30, 30]);
  });
});

test('what is to be deleted must be there', async () => {
  const step = sendStep('s').replace(
    '    from:',
    '    delete: [{ apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, name: typo, namespace: foo }]\n    from:',
  );
  const { exitCode, checks } = await run([scenarioSource('x', step)]);
  expect(exitCode).toBe(4);
  expect(checks[0]).toMatchObject({
    state: 'error',
    message: 'AuthorizationPolicy foo/typo cannot be deleted: it is not there',
  });
});

describe('objects that are refused', () => {
  const refusing = (reason: string) => {
    const target = new FakeTarget();
    target.before = (method, _signal, detail) => {
      if (method === 'apply' && detail !== '') throw refusal('AuthorizationPolicy foo/require', reason);
    };
    return target;
  };
  const expected = (message: string) =>
    scenarioSource(
      'refused',
      `  - name: try\n${applyAuthorization}    refused: { message: "${message}" }\n${sendStep('after')}`,
    );

  test('as expected: passed', async () => {
    const { exitCode, checks } = await run([expected('must be set')], {
      target: refusing('issuer must be set'),
    });
    expect(exitCode).toBe(0);
    expect(checks[0]).toMatchObject({
      kind: 'apply',
      state: 'passed',
      actual: 'refused: AuthorizationPolicy foo/require was refused: issuer must be set',
    });
    expect(states(checks)).toEqual(['passed', 'passed', 'passed']);
  });

  test.each([
    ['for another reason', refusing('name too long'), 'the API server refused for another reason'],
    ['not at all', new FakeTarget(), 'the API server accepted what it should refuse'],
  ])('%s: failed', async (_, target, message) => {
    const { exitCode, checks } = await run([expected('must be set')], { target });
    expect(exitCode).toBe(1);
    expect(checks[0]).toMatchObject({ state: 'failed', message });
  });

  test('unexpectedly: no verdict, with the place of the manifest; what comes after is skipped', async () => {
    const both = `${applyAuthentication}${applyAuthorization.replace('    apply:\n', '')}`;
    const source = scenarioSource('wrong', sendStep('one', '[200, 200]', both) + sendStep('later'));
    const { exitCode, checks, events, target } = await run([source], { target: refusing('no such field') });
    expect(exitCode).toBe(4);
    expect(states(checks)).toEqual(['error', 'error', 'skipped', 'skipped']);
    expect(checks[0]).toMatchObject({ code: 'E_REFUSED', message: expect.stringContaining('no such field') });
    expect(checks[2]?.message).toBe('step "one" could not be carried out');
    const line = source.split('\n').findIndex((each) => each.includes('kind: AuthorizationPolicy'));
    const [problem] = problemsOf(events);
    expect(problem).toMatchObject({ code: 'E_REFUSED', place: { file: 'file-0.yaml' } });
    // The list item starts one line above, with its apiVersion.
    expect(problem?.place?.line).toBe(line);
    expect(target.calls).toContain('undo wrong');
  });
});

describe('what keeps a scenario from running', () => {
  test('an application that does not start is an error of all its checks, and others go on', async () => {
    const target = new FakeTarget();
    let first = true;
    target.before = (method) => {
      if (method === 'prepare' && first) {
        first = false;
        throw new HarnessError('E_NOT_READY', 'httpbin: ErrImagePull');
      }
    };
    const { exitCode, checks, events } = await run(
      [scenarioSource('one', sendStep('s')), scenarioSource('other', sendStep('s'))],
      { target },
    );
    expect(exitCode).toBe(4);
    expect(states(checks)).toEqual(['error', 'error', 'passed', 'passed']);
    expect(checks[0]).toMatchObject({ code: 'E_NOT_READY', message: 'httpbin: ErrImagePull' });
    expect(outline(events)).toContain('scenario-finished one E_NOT_READY');
  });

  test('a mesh that does not come up ends the run, after it was taken down', async () => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === 'up') throw new HarnessError('E_CLUSTER', 'no space left');
    };
    const { exitCode, events } = await run([two], { target });
    expect(exitCode).toBe(4);
    expect(outline(events)).toEqual(['run-started', 'run-finished 4']);
    expect(target.calls).toEqual(['up', 'down']);
    expect(problemsOf(events)).toMatchObject([{ code: 'E_CLUSTER' }]);
  });

  test('an error that is no HarnessError is one of the product, and still everything is taken down', async () => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === 'begin') throw new TypeError('undefined is not a function');
    };
    const { exitCode, events } = await run([two], { target });
    expect(exitCode).toBe(4);
    expect(problemsOf(events)).toMatchObject([{ code: 'E_INTERNAL' }]);
    expect(target.calls.at(-1)).toBe('down');
  });

  test('nothing to run is wrong usage', async () => {
    const { exitCode, events } = await run([]);
    expect(exitCode).toBe(2);
    expect(problemsOf(events)).toMatchObject([{ code: 'E_USAGE', hint: expect.stringContaining('list') }]);
  });

  test('what cannot be undone or taken down is told, and makes the run one without a verdict', async () => {
    for (const broken of ['undo', 'down'] as const) {
      const target = enforcing();
      target.before = (method) => {
        if (method === broken) throw new HarnessError('E_KUBE', `cannot ${method}`);
      };
      const { exitCode, events } = await run([two], { target });
      expect(exitCode).toBe(4);
      expect(problemsOf(events)).toMatchObject([{ message: `cannot ${broken}` }]);
      expect(target.calls.at(-1)).toBe('down');
    }
  });

  test('what went wrong first is not hidden by what went wrong when it was undone', async () => {
    const target = new FakeTarget();
    target.before = (method, _signal, detail) => {
      if (method === 'apply' && detail !== '') throw new HarnessError('E_KUBE', 'the first thing');
      if (method === 'undo') throw new HarnessError('E_KUBE', 'the second thing');
    };
    const { events } = await run([two], { target });
    expect(problemsOf(events).map(({ message }) => message)).toEqual(['the first thing']);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'warning', message: expect.stringContaining('the second thing') }),
    );
  });
});

test('a skipped scenario needs nothing of the mesh, and says why', async () => {
  const source = scenarioSource('old', sendStep('s'), 'when: { istio: "<1.0" }');
  const { checks, target } = await run([source]);
  expect(states(checks)).toEqual(['skipped', 'skipped']);
  expect(checks[0]?.message).toContain('<1.0');
  expect(target.calls).toEqual(['up', 'begin', 'down']);
});

test('a check that is skipped alone has exactly one result, and sends nothing', async () => {
  const cells = '[[{ when: { istio: "<1.0" }, code: 200 }], 200]';
  const { checks, target } = await run([scenarioSource('one', sendStep('s', cells))]);
  expect(checks.map(({ column, state }) => [column, state]).sort()).toEqual([
    ['no token', 'skipped'],
    ['valid', 'passed'],
  ]);
  expect(target.seen).toHaveLength(1);
});

describe('a limit of time', () => {
  const late = (seconds: number) => {
    const target = new FakeTarget();
    target.answer = () => ({ status: 200, at: Date.now() + seconds * 1000 });
    return target;
  };
  const limited = (cells: string, step: string) =>
    scenarioSource('one', sendStep('s', cells, `    within: ${step}\n`));

  test('is kept by answers that hold before it, and is said with them', async () => {
    const { checks } = await run([limited('[{ code: 200, within: 1m }, 200]', '20s')], { target: late(10) });
    expect(checks.map(({ state, expected, convergence }) => [state, expected, convergence?.limitMs])).toEqual(
      [
        ['passed', '200 within 1m', 60_000],
        ['passed', '200 within 20s', 20_000],
      ],
    );
  });

  test('fails a check whose answer is right later', async () => {
    const { checks, exitCode } = await run([limited('[{ code: 200, within: 1m }, 200]', '5s')], {
      target: late(10),
    });
    expect(exitCode).toBe(1);
    expect(checks.map(({ state, message }) => [state, message])).toEqual([
      ['passed', undefined],
      [
        'failed',
        expect.stringMatching(
          /^the answer is right, but not within 5 s: it was so for good 10(\.\d)? s after the change$/,
        ),
      ],
    ]);
  });
});

describe('mesh settings', () => {
  const quick = 'mesh: { istiod: { PILOT_DEBOUNCE_AFTER: 1s } }';
  const merge = 'mesh: { pathNormalization: MERGE_SLASHES }';
  const changes = (target: FakeTarget) =>
    target.calls.filter((call) => /^(setIstiod|setMeshConfig|prepare)/.test(call));

  test('are set for each group, and none is there for the next one', async () => {
    const target = new FakeTarget();
    const { exitCode } = await run(
      [
        scenarioSource('a', sendStep('s'), quick),
        scenarioSource('b', sendStep('s'), merge),
        scenarioSource('c', sendStep('s'), merge),
        scenarioSource('d', sendStep('s'), 'mesh: { fetch: [envoy] }'),
        scenarioSource('e', sendStep('s')),
      ],
      { target },
    );
    expect(exitCode).toBe(0);
    expect(changes(target)).toEqual([
      'prepare httpbin,sleep',
      'setMeshConfig {"pathNormalization":{"normalization":"MERGE_SLASHES"}}',
      'prepare httpbin,sleep',
      'prepare httpbin,sleep',
      'setIstiod envoy',
      'setMeshConfig {}',
      'prepare httpbin,sleep',
      // Its conditions were judged for the mode in which the mesh came up.
      'setIstiod istiod PILOT_DEBOUNCE_AFTER=1s',
      'prepare httpbin,sleep',
    ]);
  });

  test('that the mesh does not take are errors of the scenarios that ask for them, and the others run', async () => {
    const target = new FakeTarget();
    target.before = (method, _, detail) => {
      if (method === 'setMeshConfig' && detail !== '{}') throw new HarnessError('E_UNPROVEN', 'not taken');
    };
    const { checks, events, exitCode } = await run(
      [
        scenarioSource('a', sendStep('s'), merge),
        scenarioSource('b', sendStep('s'), 'mesh: { fetch: [envoy] }'),
      ],
      { target },
    );
    const lines = scenarioSource('a', sendStep('s'), merge).split('\n');
    const line = 1 + lines.findIndex((each) => each.startsWith('mesh:'));
    expect(exitCode).toBe(4);
    expect(checks.map(({ id, state, message }) => [id, state, message])).toEqual([
      ['a/s//headers/no token', 'error', 'not taken'],
      ['a/s//headers/valid', 'error', 'not taken'],
      ['b/s//headers/no token', 'passed', undefined],
      ['b/s//headers/valid', 'passed', undefined],
    ]);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'scenario-finished',
        scenario: 'a',
        problem: expect.objectContaining({
          code: 'E_UNPROVEN',
          message: 'not taken',
          // Where the scenario asks for them.
          place: expect.objectContaining({ line }),
        }),
      }),
    );
    // Nobody knows what the first one has left.
    expect(changes(target)).toContain('setMeshConfig {}');
  });

  test('are those of the repetition too when istiod restarts for keys', async () => {
    const target = new FakeTarget();
    const keys = applyAuthentication.replace(/jwks: .*?(?= )/, 'jwksUri: "http://nginx-proxy.foo/jwks"');
    const source = (name: string) => scenarioSource(name, sendStep('s', '[200, 200]', keys), quick);
    await run([source('a'), source('b')], { target });
    expect(changes(target).filter((call) => call.startsWith('setIstiod'))).toEqual([
      'setIstiod istiod PILOT_DEBOUNCE_AFTER=1s',
      'setIstiod istiod PILOT_DEBOUNCE_AFTER=1s',
    ]);
  });
});

test('the fetch mode is set once for each group', async () => {
  const source = scenarioSource('modes', sendStep('s'), 'mesh: { fetch: [envoy, istiod] }');
  const { target, checks, exitCode } = await run([source]);
  expect(exitCode).toBe(0);
  expect(target.calls.filter((call) => call.startsWith('setIstiod'))).toEqual([
    'setIstiod istiod',
    'setIstiod envoy',
  ]);
  expect(checks.map(({ scenario }) => scenario)).toEqual([
    'modes@istiod',
    'modes@istiod',
    'modes@envoy',
    'modes@envoy',
  ]);
});

describe('--fail-fast', () => {
  test('skips what comes after a failure', async () => {
    const sources = ['one', 'two', 'three'].map((name) => scenarioSource(name, sendStep('s', '[401, 200]')));
    const { exitCode, checks, target } = await run(sources, { failFast: true });
    expect(exitCode).toBe(1);
    expect(states(checks)).toEqual(['failed', 'passed', 'skipped', 'skipped', 'skipped', 'skipped']);
    expect(checks[2]?.message).toContain('--fail-fast');
    expect(target.calls.filter((call) => call.startsWith('undo'))).toEqual(['undo one']);
  });
});

describe('key servers', () => {
  const external = (name: string, cells = '[200, 200]') =>
    scenarioSource(
      name,
      sendStep(
        'keys',
        cells,
        applyAuthentication.replace(
          'jwks: "${issuers.sample.jwks}"',
          'jwksUri: "http://${keyServers.outside.host}/get_jwks"',
        ),
      ),
      'keyServers: { outside: { serves: sample } }',
    );

  test('serve the keys of the run under a name of their own, and are stopped', async () => {
    const { target, exitCode, events } = await run([external('with-server')]);
    expect(exitCode).toBe(0);
    expect(target.servers).toMatchObject([
      { start: { name: 'outside-with-server', path: '/get_jwks' }, stops: 1 },
    ]);
    expect(target.servers[0]?.start.jwks).toMatchObject({ keys: [{ kty: 'EC', alg: 'ES256' }] });
    const applied = events.find((event) => event.type === 'step-applied');
    expect(applied).toBeDefined();
  });

  test('have a name that is a DNS label, however long the scenario is called', async () => {
    const name = `a-scenario-with-a-${'very-'.repeat(10)}long-name`;
    const { target } = await run([external(name)]);
    expect(target.servers[0]?.start.name).toMatch(/^[a-z0-9]([-a-z0-9]{0,46}[a-z0-9])?$/);
  });

  test('are stopped when the undoing fails', async () => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === 'undo') throw new HarnessError('E_KUBE', 'no');
    };
    await run([external('one')], { target });
    expect(target.servers.map(({ stops }) => stops)).toEqual([1]);
  });

  test('are stopped when another of the scenario does not start', async () => {
    const target = new FakeTarget();
    target.before = async (method, _signal, detail) => {
      if (method !== 'startKeyServer' || !detail.startsWith('second')) return;
      await new Promise((resolve) => setTimeout(resolve, 30));
      throw new HarnessError('E_KEY_SERVER', 'the second did not start');
    };
    const source = scenarioSource(
      'pair',
      sendStep('s', '[200, 200]', '') +
        sendStep('t').replace('http://httpbin.foo:8000', 'http://${keyServers.first.host}') +
        sendStep('u').replace('http://httpbin.foo:8000', 'http://${keyServers.second.host}'),
      'keyServers: { first: { serves: sample }, second: { serves: sample } }',
    );
    const { exitCode, checks } = await run([source], { target });
    expect(exitCode).toBe(4);
    expect(new Set(checks.map(({ code }) => code))).toEqual(new Set(['E_KEY_SERVER']));
    expect(target.servers.map(({ start, stops }) => [start.name, stops])).toEqual([['first-pair', 1]]);
  });

  test('of scenarios that do not run are stopped too', async () => {
    const { target, exitCode } = await run([external('one', '[401, 200]'), external('two')], {
      failFast: true,
    });
    expect(exitCode).toBe(1);
    expect(target.servers.map(({ stops }) => stops)).toEqual([1, 1]);
  });
});

test('nothing of a scenario is applied before it runs: it would answer in those before', async () => {
  const workload = `    apply:
      - apiVersion: apps/v1
        kind: Deployment
        metadata: { name: proxy, namespace: foo }
        spec: {}
`;
  const sources = [
    scenarioSource('first', sendStep('s')),
    scenarioSource('second', sendStep('s', '[200, 200]', workload)),
  ];
  const { target, checks } = await run(sources);
  expect(states(checks)).toEqual(['passed', 'passed', 'passed', 'passed']);
  const { calls } = target;
  expect(calls.indexOf('apply Deployment foo/proxy')).toBeGreaterThan(calls.indexOf('undo first'));
});

describe('an interruption', () => {
  const interrupt = (when: string, reason: NodeJS.Signals) => {
    const controller = new AbortController();
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === when) controller.abort(reason);
    };
    return { target, signal: controller.signal };
  };

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s ends with %d, after undoing and taking down', async (reason, code) => {
    const { exitCode, events, target } = await run([two, scenarioSource('other', sendStep('s'))], {
      ...interrupt('send', reason),
    });
    expect(exitCode).toBe(code);
    expect(events.at(-1)).toMatchObject({ type: 'run-finished', interrupted: true, exitCode: code });
    expect(target.calls.filter((call) => /^(undo|down)/.test(call))).toEqual(['undo two', 'down']);
    expect(outline(events)).not.toContain('scenario-started other');
  });

  test.each(['up', 'begin', 'prepare', 'setIstiod', 'apply', 'proxyPolicies', 'startKeyServer'] as const)(
    'during %s ends in order, and nothing is left running',
    async (when) => {
      const source = scenarioSource(
        'all',
        sendStep('one', '[200, 200]', applyAuthorization) +
          sendStep('two').replace('http://httpbin.foo:8000', 'http://${keyServers.outside.host}'),
        'mesh: { fetch: [envoy] }\nkeyServers: { outside: { serves: sample } }',
      );
      const { exitCode, target, events } = await run([source], interrupt(when, 'SIGINT'));
      expect(exitCode).toBe(130);
      expect(target.calls.at(-1)).toBe('down');
      expect(target.objects.size).toBe(0);
      expect(target.servers.every(({ stops }) => stops === 1)).toBe(true);
      expect(outline(events).at(-1)).toBe('run-finished 130');
      expect(events.some((event) => event.type === 'check-finished' && event.check.state === 'failed')).toBe(
        false,
      );
    },
  );

  test('that came before the start runs nothing', async () => {
    const { exitCode, target } = await run([two], { signal: AbortSignal.abort('SIGINT') });
    expect(exitCode).toBe(130);
    expect(target.calls).toEqual(['up', 'down']);
  });

  test('while the mesh is taken down counts, and does not keep it from that', async () => {
    const { exitCode, target } = await run([two], { ...interrupt('down', 'SIGINT') });
    expect(exitCode).toBe(130);
    expect(target.calls.at(-1)).toBe('down');
  });
});

test('a long run leaves no listener on the signal, no rejection unhandled and no warning', async () => {
  const warned = vi.fn();
  const unhandled = vi.fn();
  process.on('warning', warned);
  process.on('unhandledRejection', unhandled);
  const controller = new AbortController();
  const added = vi.spyOn(controller.signal, 'addEventListener');
  const removed = vi.spyOn(controller.signal, 'removeEventListener');
  const target = enforcing();
  target.before = (method) => {
    if (method === 'startKeyServer') throw new HarnessError('E_KEY_SERVER', 'no');
  };
  const steps = Array.from({ length: 8 }, (_, index) => sendStep(`s${index}`)).join('');
  const broken = scenarioSource(
    'broken',
    sendStep('s').replace('http://httpbin.foo:8000', 'http://${keyServers.outside.host}'),
    'keyServers: { outside: { serves: sample } }',
  );
  const sources = Array.from({ length: 8 }, (_, index) => scenarioSource(`n${index}`, steps));
  const { exitCode } = await run([...sources, broken], { target, signal: controller.signal });
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', warned);
  process.off('unhandledRejection', unhandled);
  expect(exitCode).toBe(4);
  expect(warned).not.toHaveBeenCalled();
  expect(unhandled).not.toHaveBeenCalled();
  expect(removed.mock.calls.length).toBe(added.mock.calls.length);
});
