/** What keeps a scenario from a verdict is an error, never a failure: exit code 4, and what depends on it is skipped. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeOnCluster, haveCluster } from './cluster.ts';
import { type Ended, Folder, jwtE2e, limits } from './command.ts';
import { policiesOn } from './objects.ts';
import { Draft } from './scenarios.ts';

const folder = new Folder();
afterAll(() => folder.remove());

describeOnCluster('no verdict', (cluster) => {
  let run: Ended;
  beforeAll(async () => {
    if (!haveCluster) return;
    const refused = new Draft('bookinfo-exclusion')
      .add(['steps', 1, 'apply', 0, 'spec', 'selektor'], { matchLabels: { app: 'istio-ingressgateway' } })
      .write(folder.path, 'refused-manifest');
    const image = new Draft('jwks-in-cluster')
      .add(['steps', 0, 'apply', 2, 'spec', 'progressDeadlineSeconds'], 12)
      .set(
        ['steps', 0, 'apply', 2, 'spec', 'template', 'spec', 'containers', 0, 'image'],
        'registry.invalid/does-not:exist',
      )
      .write(folder.path, 'no-such-image');
    run = await jwtE2e(folder.path, ['run', '--reuse', '--name', cluster, ...limits, refused, image]);
  });
  const casesOf = (scenario: string) => run.cases.filter(({ suite }) => suite.includes(` / ${scenario}`));
  const setupOf = (scenario: string) => run.cases.find(({ name }) => name.startsWith(`scenario ${scenario}`));

  test('is exit code 4 and a valid report without a failure', () => {
    expect(run.exitCode, run.output).toBe(4);
    expect(run.schemaProblems).toEqual([]);
    expect(run.cases.filter(({ outcome }) => outcome === 'failure')).toEqual([]);
  });

  test('when the API server refuses a misspelt field: it is named, with its place; later steps are skipped', () => {
    const cases = casesOf('refused-manifest');
    const steps = [...new Set(cases.map(({ name, outcome }) => `${name.split(' / ')[0]}: ${outcome}`))];
    expect(steps).toEqual([
      'before any policy all paths are accessible: passed',
      'authenticate at the gateway: error',
      'deny what has no principal, except on the excluded path: skipped',
    ]);
    const skipped = cases.find(({ outcome }) => outcome === 'skipped');
    expect(skipped?.text).toBe('step "authenticate at the gateway" could not be carried out');
    const problem = setupOf('refused-manifest');
    expect(problem?.type).toBe('E_REFUSED');
    expect(problem?.message).toMatch(
      /^RequestAuthentication istio-system\/jwt-example was refused: \.spec\.selektor: field not declared in schema/,
    );
    expect(problem?.text).toMatch(/^at: refused-manifest\.yaml:\d+:\d+$/m);
  });

  test('when an image cannot be pulled: image and reason are named, and how to look further', () => {
    const cases = casesOf('no-such-image');
    expect(new Set(cases.map(({ outcome }) => outcome))).toEqual(new Set(['error', 'skipped']));
    const problem = setupOf('no-such-image');
    expect(problem?.type).toBe('E_NOT_READY');
    expect(problem?.message).toMatch(
      /^Deployment foo\/nginx-proxy did not become ready within its progressDeadlineSeconds: container nginx-proxy: (ErrImagePull|ImagePullBackOff) .*registry\.invalid\/does-not:exist/,
    );
    expect(problem?.text).toContain('kubectl describe deployment -n foo nginx-proxy');
  });

  test('leaves nothing of the scenarios on the cluster', async () => {
    expect(await policiesOn(cluster)).toEqual([]);
  });
});
