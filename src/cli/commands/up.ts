/** `jwt-e2e up`: a mesh to run against with `run --reuse`. */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { asHarnessError, exitCodes, HarnessError } from '../../base/errors.ts';
import { type MeshFacts, stamped } from '../../base/events.ts';
import { outlookOf } from '../../engine/look-ahead.ts';
import { appsFolder, versionsFile } from '../../engine/product.ts';
import { chooseTarget } from '../../engine/targets/choose-target.ts';
import { makeKind } from '../../engine/targets/make-kind.ts';
import { makeLocals } from '../../engine/targets/make-local.ts';
import { meshVersions } from '../../engine/targets/mesh-programs.ts';
import type { TargetRequest } from '../../engine/targets/target-request.ts';
import { loadVersions } from '../../programs/versions.ts';
import { ConsoleReporter } from '../../report/console/console.ts';
import { describeTerminal } from '../../report/console/terminal.ts';
import type { Values } from '../../settings/settings.ts';
import { meshName, text } from '../../settings/typed.ts';
import type { Target } from '../../target/target.ts';
import { type Io, typedCommand } from '../support/io.ts';
import { withSignals } from '../support/signals.ts';

/** Sets a mesh up and leaves it; takes it down again when that fails half-way. @throws HarnessError */
export async function upCommand(values: Values, io: Io): Promise<number> {
  const name = meshName(values);
  const console = new ConsoleReporter({
    stream: io.stdout,
    ...describeTerminal(process.stdout, io.env),
    readLine: () => undefined,
    reports: {},
    program: typedCommand,
  });
  const apps = readdirSync(appsFolder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -5));
  return withSignals(async (signal) => {
    const versions = loadVersions(versionsFile);
    const request: TargetRequest = {
      values: { ...values, keep: true },
      versions,
      runId: randomBytes(3).toString('hex'),
      apps,
      progress: stamped((event) => console.handle(event)),
      signal,
    };
    const choice = await chooseTarget(request);
    if (choice.name === 'cluster') {
      throw new HarnessError(
        'E_USAGE',
        'there is nothing to set up for --target cluster: its mesh is there',
        {
          hint: 'Run at once: jwt-e2e run --target cluster --context NAME --dry-run',
        },
      );
    }
    request.progress(outlookOf(choice, values, versions));
    const all = choice.name === 'kind' ? [await kind(request)] : await locals(request);
    await console.close();
    const again = ['--target', choice.name, '--reuse', '--name', name, ...versionFlags(values)].join(' ');
    for (const facts of all) {
      const where =
        facts.target === 'kind' ? `in kind cluster "${name}"` : `on local mesh "${facts.details?.mesh}"`;
      io.stdout.write(`\nIstio ${facts.istio} is ready ${where}.`);
      if (facts.details?.kubeconfig !== undefined) {
        io.stdout.write(` For kubectl: export KUBECONFIG=${facts.details.kubeconfig}`);
      }
    }
    io.stdout.write(`\nNow: ${typedCommand} run ${again}\n`);
    return exitCodes.passed;
  }, `What is left can be removed with "jwt-e2e down --name ${name}".`);
}

/** Several meshes are told apart by their versions, so that a run must name them as well. */
function versionFlags(values: Values): string[] {
  if (meshVersions(values).length < 2) return [];
  return ['istio', 'envoy'].flatMap((flag) => {
    const value = text(values, flag);
    return value === undefined ? [] : [`--${flag}`, value];
  });
}

async function kind(request: TargetRequest): Promise<MeshFacts> {
  const kept = await makeKind(request, 'jwt-e2e up');
  return settle(kept, () => kept.discard(AbortSignal.timeout(120_000)), request);
}

/** One after the other: each tells of itself while it starts. */
async function locals(request: TargetRequest): Promise<MeshFacts[]> {
  const all: MeshFacts[] = [];
  for (const target of await makeLocals(request, 'jwt-e2e up')) {
    const facts = await settle(
      target,
      () => target.down(AbortSignal.timeout(120_000)),
      request,
      request.apps,
    );
    await target.down(request.signal);
    all.push(facts);
  }
  return all;
}

async function settle(
  target: Target,
  discard: () => Promise<void>,
  { signal }: TargetRequest,
  apps: readonly string[] = [],
): Promise<MeshFacts> {
  try {
    const facts = await target.up(signal);
    await target.prepare(apps, signal);
    return facts;
  } catch (thrown) {
    const error = asHarnessError(thrown);
    await discard();
    throw error;
  }
}
