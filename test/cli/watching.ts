/** Watches scenario files in a folder of its own, on a mesh that is a fake. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Event } from '../../src/base/events.ts';
import type { Keyboard } from '../../src/cli/watch/watch-keys.ts';
import { watchScenarios } from '../../src/cli/watch/watch-scenarios.ts';
import { plan } from '../../src/plan/plan.ts';
import type { Selection } from '../../src/plan/select.ts';
import { KeyRing } from '../../src/run/keys/key-ring.ts';
import { FakeTarget } from '../support/fake-target.ts';

export interface Watching {
  readonly cwd: string;
  readonly target: FakeTarget;
  /** Of all rounds. */
  readonly events: Event[];
  /** What was written between reports. */
  readonly text: () => string;
  write(name: string, content: string): void;
  /** Returns when the text holds this so many times. */
  said(what: string, times?: number): Promise<void>;
  /** Aborts, and gives the exit code. */
  end(reason?: string): Promise<number>;
  readonly ended: Promise<number>;
}

export interface WatchSettings {
  readonly files: Readonly<Record<string, string>>;
  readonly paths?: readonly string[];
  readonly targets?: readonly FakeTarget[];
  readonly selection?: Selection;
  readonly answersMs?: number;
  readonly keyboard?: Keyboard;
  /** Instead of {@link Watching.end}. */
  readonly signal?: AbortSignal;
  readonly write?: (text: string) => void;
}

const longest = 20_000;

export function startWatching(settings: WatchSettings): Watching {
  const cwd = mkdtempSync(join(tmpdir(), 'watch-'));
  const write = (name: string, content: string) => {
    mkdirSync(join(cwd, name, '..'), { recursive: true });
    writeFileSync(join(cwd, name), content);
  };
  mkdirSync(join(cwd, 'apps'));
  for (const [name, content] of Object.entries(settings.files)) write(name, content);
  const targets = settings.targets ?? [new FakeTarget()];
  const [target = new FakeTarget()] = targets;
  const events: Event[] = [];
  const controller = new AbortController();
  let text = '';
  let wake = () => {};
  const ended = watchScenarios({
    version: '0.0.0',
    targets,
    paths: settings.paths ?? ['scenarios'],
    cwd,
    appsFolder: join(cwd, 'apps'),
    plan: (scenarios, facts, missing, grep) =>
      plan(scenarios, facts, missing, { canSwitchFetch: true, grep, ...settings.selection }).groups,
    keyboard: settings.keyboard,
    options: {
      runId: 'abc123',
      artifacts: join(cwd, 'artifacts'),
      images: {},
      showTokens: false,
      consecutive: 3,
      answersMs: settings.answersMs ?? 100,
      holdMs: 300,
    },
    keys: new KeyRing('abc123'),
    failFast: false,
    signal: settings.signal ?? controller.signal,
    report: async () => (event) => {
      events.push(event);
    },
    write: (more) => {
      text += more;
      settings.write?.(more);
      wake();
    },
  });
  const said = async (what: string, times = 1) => {
    const deadline = Date.now() + longest;
    while (text.split(what).length <= times) {
      if (Date.now() > deadline) throw new Error(`"${what}" was not said ${times} times:\n${text}`);
      await Promise.race([
        new Promise<void>((go) => {
          wake = go;
        }),
        new Promise((go) => setTimeout(go, 500)),
        // What ends early has said all.
        ended.then(() => {
          if (text.split(what).length <= times) throw new Error(`ended without "${what}":\n${text}`);
        }),
      ]);
    }
  };
  const end = (reason = 'SIGINT') => {
    controller.abort(reason);
    return ended;
  };
  return { cwd, target, events, text: () => text, write, said, end, ended };
}

/** The scenarios of each round, and how it ended. */
export function roundsOf(events: readonly Event[]): string[] {
  const rounds: string[] = [];
  for (const event of events) {
    if (event.type === 'run-started') rounds.push('');
    const last = rounds.length - 1;
    if (event.type === 'scenario-started') rounds[last] += `${event.scenario.id} `;
    if (event.type === 'run-finished') rounds[last] += `→ ${event.exitCode}`;
  }
  return rounds;
}
