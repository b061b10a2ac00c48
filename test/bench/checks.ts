/** What one check costs from a sleep pod, next to the line that the FAQ has its readers type. */
import { execa } from 'execa';
import { KubeClient, loadKubeConfig } from '../../src/kube/client.ts';
import { exec } from '../../src/kube/exec.ts';
import { listPods } from '../../src/kube/workloads.ts';
import { curlBatch } from '../../src/target/curl-batch.ts';

const namespace = 'foo';
const url = 'http://httpbin.foo:8000/headers';
const times = 9;
/** As in the scenario require-jwt: six checks in one step, each sent five times. */
const checks = 6;
const rounds = 5;

// As printed, without the token: what it costs does not depend on that.
const line =
  `kubectl exec "$(kubectl get pod -l app=sleep -n ${namespace} -o jsonpath={.items..metadata.name})" -c sleep -n ${namespace} -- ` +
  `curl "${url}" -sS -o /dev/null -w "%{http_code}\\n"`;

/** Milliseconds of each measurement, taken in turns so that what else the machine does hits both alike. */
export async function measureChecks(
  kubeconfig: string,
): Promise<{ check: number[]; line: number[] } | { skipped: string }> {
  const env = { KUBECONFIG: kubeconfig };
  const kubectl = await execa('kubectl', ['version', '--client'], { reject: false });
  if (kubectl.failed) return { skipped: 'kubectl is not installed' };
  const client = new KubeClient(loadKubeConfig({ file: kubeconfig }));
  const { signal } = new AbortController();
  const check: number[] = [];
  const lines: number[] = [];
  for (let index = 0; index < times; index++) {
    lines.push(await timed(() => execa('sh', ['-c', line], { env })));
    const whole = await timed(() => sendBatch(client, signal));
    check.push(whole / checks);
  }
  await client.close();
  return { check, line: lines };
}

/** The same work as a step of a scenario: find the pod, one exec, all requests, answers read. */
async function sendBatch(client: KubeClient, signal: AbortSignal): Promise<void> {
  const [pod] = await listPods(client, namespace, { app: 'sleep' }, signal);
  const request = { id: 'bench', method: 'GET', url, headers: [] };
  const batch = curlBatch(Array.from({ length: checks * rounds }, () => request));
  const command = `head -c ${Buffer.byteLength(batch.config)} | curl -q -K -`;
  const target = { namespace, pod: pod?.metadata.name ?? '', container: 'sleep' };
  const result = await exec(client, target, ['sh', '-c', command], { stdin: batch.config, signal });
  const answers = batch.parse(result.stdout, Date.now());
  const wrong = answers.find(({ status }) => status !== 200);
  if (wrong !== undefined) throw new Error(`${url} answered ${wrong.status} ${wrong.error ?? ''}`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
