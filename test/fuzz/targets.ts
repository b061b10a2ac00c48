/** What is fed with inputs of others: each takes one, and may refuse it with a HarnessError. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { parse } from 'yaml';
import { understood } from '../../src/base/errors.ts';
import type { MeshFacts } from '../../src/base/events.ts';
import { withoutNulls } from '../../src/base/kube-object.ts';
import { diffCommand } from '../../src/cli/commands/diff.ts';
import { renderAll } from '../../src/cli/commands/lint.ts';
import { reportCommand } from '../../src/cli/commands/report-command.ts';
import { baselineOf } from '../../src/engine/baseline.ts';
import { parseCurlLine } from '../../src/explain/curl-line.ts';
import { explainRequest, explanationText } from '../../src/explain/explain-request.ts';
import { worldOf } from '../../src/explain/world.ts';
import { planFor } from '../../src/init/first-plan.ts';
import { readFolder } from '../../src/init/read-folder.ts';
import { writeScenario } from '../../src/init/write/write.ts';
import { parseAccessLog } from '../../src/jwks/access-log.ts';
import { objectIn, objectsIn } from '../../src/kube/answers.ts';
import { resourcesIn } from '../../src/kube/kube-client.ts';
import { isReady, type Pod } from '../../src/kube/workloads.ts';
import { plan } from '../../src/plan/plan.ts';
import { doubtsAbout } from '../../src/policy/doubts/doubts.ts';
import { defaultMesh } from '../../src/policy/input.ts';
import { meshConfigOf, meshWith } from '../../src/policy/read-mesh-config.ts';
import { whyRefused } from '../../src/policy/shape/object-shape.ts';
import { concernedBy } from '../../src/run/proof/concerned.ts';
import { lacks } from '../../src/run/proof/declared.ts';
import { knownApps } from '../../src/scenario/known-apps.ts';
import { parseScenario } from '../../src/scenario/load.ts';
import { mergeSettings } from '../../src/settings/settings.ts';
import { curlBatch } from '../../src/target/curl-batch.ts';
import { evidenceFile, filterDump } from '../../src/target/kubernetes/mesh-evidence.ts';
import { policiesIn, versionsIn } from '../../src/target/kubernetes/proxy-admin.ts';
import { syncedIn } from '../../src/target/kubernetes/settings/istiod-settings.ts';
import { hasProxy } from '../../src/target/kubernetes/survey-mesh.ts';
import { changedForLater, notTaken } from '../../src/target/mesh-config.ts';
import type { KubeObject, ProxyRef } from '../../src/target/target.ts';
import { redact, viewToken, withoutSignatures } from '../../src/token/decode.ts';
import { asYaml, changed, changedText, oddValue, wildYaml } from './odd.ts';
import * as samples from './samples.ts';

export interface Target {
  readonly name: string;
  /** Of all inputs, how many are for it; a report takes much longer than a line of a log. */
  readonly share: number;
  readonly inputs: fc.Arbitrary<unknown>;
  /** @param folder where it may write */
  take(input: unknown, folder: string): unknown;
}

const text = (file: string) => readFileSync(file, 'utf8');
const yamlIn = (...folders: string[]) =>
  folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => text(join(folder, name))),
  );

const scenarios = yamlIn('scenarios/documented', 'scenarios/extended');
const mistaken = yamlIn('test/golden/scenario');
const parsed = scenarios.map((each) => parse(each, { merge: true }) as unknown);
const results = ['failures', 'several'].map((name) => text(`test/golden/report/results-${name}.json`));
const conformance = readdirSync('test/golden/report')
  .filter((name) => name.startsWith('conformance-'))
  .map((name) => text(`test/golden/report/${name}`));
const baselines = [...yamlIn('test/golden/baseline'), samples.baseline];
const policies = ['faults', 'gateway', 'header', 'places', 'shop', 'wide'].map((name) =>
  text(`test/golden/cli/init/${name}/policies.yaml`),
);
const apps = knownApps();

const facts: MeshFacts = {
  id: 'm',
  target: 'local',
  istio: '1.31.1',
  envoy: '1.39.0',
  kubernetes: '1.36.4',
  fetch: 'istiod',
  reason: 'asked for',
};

function sink(): NodeJS.WritableStream {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
const io = (cwd: string) => ({ stdout: sink(), stderr: sink(), env: {}, cwd });

function written(folder: string, name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

/** Mostly what was changed here and there as a value, which is often still taken; some of it as text; some of nothing. */
const mostly = (values: fc.Arbitrary<string>, ...others: fc.Arbitrary<string>[]) =>
  fc.oneof({ weight: 4, arbitrary: values }, ...others.map((arbitrary) => ({ weight: 1, arbitrary })));

/** JSON has no lone surrogates and the like; the text is what comes over the network. */
const asJson = (inputs: fc.Arbitrary<unknown>) => inputs.map(jsonOf);

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return '['.repeat(20_000) + ']'.repeat(20_000);
  }
}

const proxy: ProxyRef = { namespace: 'foo', pod: 'httpbin-1', labels: { app: 'httpbin' }, kind: 'sidecar' };

export const targets: readonly Target[] = [
  {
    name: 'scenario',
    share: 40,
    inputs: mostly(
      changed(parsed).map(asYaml),
      changedText([...scenarios, ...mistaken]),
      changedText([...scenarios, ...mistaken]),
      wildYaml,
      fc.string({ unit: 'binary', maxLength: 300 }),
    ),
    take(input) {
      const { scenario, errors } = parseScenario(String(input), 'f.yaml', 'custom', apps);
      renderAll(errors, '.');
      if (scenario !== undefined) {
        plan([scenario], facts, new Map(), { canSwitchFetch: true, tags: [], skipTags: [] });
      }
    },
  },
  {
    name: 'results',
    share: 6,
    inputs: mostly(
      asJson(changed(results.map((each) => JSON.parse(each)))),
      changedText(results),
      asJson(oddValue),
    ),
    async take(input, folder) {
      const [one, other] = [written(folder, 'one.json', input), written(folder, 'two.json', results[0])];
      const io_ = io(folder);
      const all = { html: 'a.html', junit: 'a.xml', json: 'a.json', conformance: 'a.yaml', summary: 'a.md' };
      await reportCommand([one], all, io_);
      await reportCommand([one, other], { summary: 'b.md' }, io_).catch(mayRefuse);
      await diffCommand([other, `${one}#local`], {}, io_).catch(mayRefuse);
    },
  },
  {
    name: 'conformance',
    share: 10,
    inputs: mostly(
      changed(conformance.map((each) => parse(each.split('\n---')[0]!) as unknown)).map(asYaml),
      changedText(conformance),
      wildYaml,
    ),
    async take(input, folder) {
      const file = written(folder, 'c.yaml', input);
      const right = written(folder, 'r.yaml', conformance[0]);
      await diffCommand([right, file], { json: true }, io(folder));
    },
  },
  {
    name: 'baseline',
    share: 8,
    inputs: mostly(
      changed([parse(samples.baseline) as unknown]).map(asYaml),
      changedText(baselines),
      wildYaml,
    ),
    take: (input, folder) => baselineOf({ baseline: written(folder, 'b.yaml', input) }, folder),
  },
  {
    name: 'settings',
    share: 5,
    inputs: fc.oneof(changedText([samples.settings]), wildYaml),
    take: (input, folder) => mergeSettings({}, {}, written(folder, 'jwt-e2e.yaml', input)),
  },
  {
    name: 'policies',
    share: 6,
    inputs: mostly(
      changed(policies.flatMap((each) => each.split('\n---\n')).map((each) => parse(each) as unknown)).map(
        asYaml,
      ),
      changedText(policies),
      wildYaml,
    ),
    take(input, folder) {
      const { objects } = readFolder(written(folder, 'p.yaml', input), folder);
      writeScenario(planFor(objects, undefined, 'p.yaml'), 'p.yaml', 'first.yaml');
    },
  },
  {
    name: 'objects beside policies',
    share: 6,
    inputs: changed(
      policies.map((each) => ({
        apiVersion: 'v1',
        kind: 'List',
        items: each.split('\n---\n').map((one) => parse(one) as unknown),
      })),
    ).map(asYaml),
    take(input, folder) {
      const { objects } = readFolder(written(folder, 'p.yaml', input), folder);
      const request = parseCurlLine('curl http://orders.shop/api/a', {});
      const mesh = meshWith(objects, defaultMesh.rootNamespace);
      for (const to of ['orders.shop', 'istio-ingressgateway.istio-system', 'web.default'])
        explanationText(explainRequest({ request, to, objects, mesh, client: undefined, at: 1 }));
      const whole = objects.map((each) => withoutNulls(each));
      doubtsAbout(worldOf(whole.filter((each) => whyRefused(each) === undefined)));
      planFor(objects, undefined, 'p.yaml');
    },
  },
  {
    name: 'config dump',
    share: 8,
    inputs: asJson(fc.oneof({ weight: 5, arbitrary: changed([samples.dump]) }, oddValue)),
    async take(input) {
      const answer = String(input);
      await evidenceFile('a', async () => filterDump(answer));
      const found = policiesIn(answer, proxy);
      lacks({ proxy, role: 'decides', declared: samples.declared, policies: found }, 'istiod');
    },
  },
  {
    name: 'answers of istiod and of proxies',
    share: 6,
    inputs: asJson(fc.oneof(changed([samples.syncz, samples.serverInfo]), oddValue)),
    take(input) {
      const refusals = [() => syncedIn(String(input)), () => versionsIn(String(input), proxy)];
      for (const each of refusals) attempt(each);
    },
  },
  {
    name: 'mesh settings',
    share: 4,
    inputs: fc.tuple(
      fc.oneof(
        { weight: 4, arbitrary: changed([parse(samples.meshSettings) as unknown]).map(asYaml) },
        changedText([samples.meshSettings]),
        wildYaml,
        oddValue,
      ),
      fc.oneof(changed([parse(samples.meshSettings) as unknown]), oddValue),
    ),
    take(input) {
      const [mesh, shown] = input as [unknown, unknown];
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio' }, data: { mesh } };
      const config = meshConfigOf(object as KubeObject);
      notTaken(shown as never, config, {});
      changedForLater(config, { rootNamespace: 'x' });
    },
  },
  {
    name: 'answers of an API server',
    share: 5,
    inputs: fc.tuple(
      fc.oneof(changed(samples.objects), oddValue),
      fc.oneof(changed([samples.discovery]), oddValue),
    ),
    take(input) {
      const [body, discovery] = input as [unknown, unknown];
      attempt(() => resourcesIn(discovery));
      for (const kind of [
        'Pod',
        'Service',
        'Deployment',
        'EndpointSlice',
        'AuthorizationPolicy',
        'ConfigMap',
      ]) {
        attempt(() => objectIn(body, kind));
        attempt(() => {
          const [pod] = objectsIn({ items: [body] }, { apiVersion: 'v1', kind });
          if (kind === 'Pod') [isReady(pod as Pod), hasProxy(pod as Pod)].toString();
        });
      }
      const kind = String(Object(body).kind);
      const items = objectsIn({ items: [body] }, { apiVersion: 'security.istio.io/v1', kind });
      const survey = { ...samples.survey, objects: [...items, ...samples.declared] };
      understood('the API server', () => concernedBy([samples.sent], items, survey));
    },
  },
  {
    name: 'output of curl, logs and tokens',
    share: 6,
    inputs: changedText([samples.curlOutput, samples.accessLog, samples.token]),
    take(input) {
      const request = { id: 'a', method: 'GET', url: 'http://httpbin.foo:8000/ip', headers: [] };
      const batch = curlBatch([request] as never, { allMs: 1000, requestMs: 1000 } as never);
      const boundary = /'\\n(\S+) out of time/.exec(batch.command)?.[1] ?? '';
      attempt(() => batch.parse(Buffer.from(String(input).replaceAll('BOUNDARY', boundary)), 0));
      parseAccessLog(String(input), '/jwks.json');
      withoutSignatures([viewToken('a', String(input)), redact(String(input))]);
    },
  },
];

/** Goes on after a refusal. @throws what is none */
function attempt(read: () => unknown): void {
  try {
    read();
  } catch (thrown) {
    mayRefuse(thrown);
  }
}

/** @throws what is no refusal */
export function mayRefuse(thrown: unknown): void {
  if (!(thrown instanceof Error) || thrown.name !== 'HarnessError') throw thrown;
}
