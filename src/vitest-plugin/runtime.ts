/** What a scenario file is to Vitest: the code of its tests. Runs in the workers of Vitest, and so imports next to nothing. */
import { ScenarioRun } from './scenario-run.ts';
import { report, type TestContext } from './test-verdict.ts';

type Hook = (work: (context: object, suite: Task) => Promise<void>, timeout: number) => void;

/** A test or a suite as Vitest hands it to hooks. */
interface Task {
  readonly name: string;
  readonly mode: string;
  readonly tasks?: readonly Task[];
}

export interface ScenarioFile {
  /** Absolute. */
  readonly file: string;
  /** Where to ask; undefined when the plugin has not set up the project. */
  readonly socket: string | undefined;
  /** The id of each check by the names of its suites and its test, as JSON. */
  readonly ids: Readonly<Record<string, string>>;
}

/**
 * Registers what belongs to a file as a whole: the scenario runs from before the first test until after the last, and each
 * test waits for its check.
 *
 * @returns makes the test of a check from its id
 */
export function scenarioFile(
  { file, socket, ids }: ScenarioFile,
  hooks: { readonly beforeAll: Hook; readonly afterAll: Hook },
): (id: string) => (context: TestContext) => Promise<void> {
  let run: ScenarioRun | undefined;
  // What takes long has limits of its own, and says which one was passed.
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads these words, and wants a pattern in the first place.
  hooks.beforeAll(async ({}, suite) => {
    if (socket === undefined) throw new Error('the plugin scenarios() of istio-jwt-e2e/vitest is missing');
    run = new ScenarioRun(socket, { file, checks: wantedOf(suite, ids) });
    await run.ready();
  }, 0);
  hooks.afterAll(async () => {
    await run?.finished();
  }, 0);
  return (id) => async (context) => {
    const check = await run?.check(id, context.signal);
    if (check === undefined) return;
    if (typeof check === 'string') return context.skip(check);
    report(check, context);
  };
}

/** The checks whose tests are not filtered out; undefined when all are wanted. */
function wantedOf(file: Task, ids: Readonly<Record<string, string>>): string[] | undefined {
  const wanted: string[] = [];
  const visit = ({ tasks, mode, name }: Task, path: readonly string[]) => {
    const names = [...path, name];
    for (const task of tasks ?? []) visit(task, names);
    const id = ids[JSON.stringify(names)];
    if (tasks === undefined && mode !== 'skip' && mode !== 'todo' && id !== undefined) wanted.push(id);
  };
  for (const task of file.tasks ?? []) visit(task, []);
  return wanted.length === Object.keys(ids).length ? undefined : wanted;
}
