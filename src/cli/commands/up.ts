/** `jwt-e2e up`: a mesh to run against with `run --reuse`. */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { asHarnessError, exitCodes, HarnessError } from '../../errors.ts';
import { stamped } from '../../events.ts';
import { loadVersions } from '../../programs/versions.ts';
import { ConsoleReporter } from '../../report/console.ts';
import { describeTerminal } from '../../report/terminal.ts';
import type { Values } from '../../settings/settings.ts';
import { text } from '../../settings/typed.ts';
import type { Io } from '../io.ts';
import { kindFolder, versionsFile } from '../product.ts';
import { withSignals } from '../signals.ts';
import { defaultName, makeKind } from '../targets.ts';

/** Creates the cluster; deletes it again when that fails half-way. @throws HarnessError */
export async function upCommand(values: Values, io: Io): Promise<number> {
  if (text(values, 'target') === 'cluster') {
    throw new HarnessError('E_USAGE', 'there is nothing to set up for --target cluster: its mesh is there', {
      hint: 'Run at once: jwt-e2e run --target cluster --context NAME --dry-run',
    });
  }
  const name = text(values, 'name') ?? defaultName;
  const console = new ConsoleReporter({
    stream: io.stdout,
    ...describeTerminal(process.stdout, io.env),
    readLine: () => undefined,
    reports: {},
  });
  const progress = stamped((event) => console.handle(event));
  const apps = readdirSync(join(kindFolder, 'apps'))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -5));
  return withSignals(async (signal) => {
    const request = {
      versions: loadVersions(versionsFile),
      runId: randomBytes(3).toString('hex'),
      apps,
      progress,
      signal,
    };
    const kept = await makeKind({ ...request, values: { ...values, keep: true } }, 'jwt-e2e up');
    try {
      const facts = await kept.up(signal);
      io.stdout.write(
        `\nIstio ${facts.istio} is ready in kind cluster "${name}". Now: jwt-e2e run --reuse --name ${name}\n`,
      );
      return exitCodes.passed;
    } catch (thrown) {
      const error = asHarnessError(thrown);
      await kept.discard(AbortSignal.timeout(120_000));
      throw error;
    }
  }, `What is left can be removed with "jwt-e2e down --name ${name}".`);
}
