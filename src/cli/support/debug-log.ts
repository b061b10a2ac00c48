/** `--debug`: a file with every HTTP request, every process, every wait and every event, each with its time. */
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { debugChannel } from '../../base/debug.ts';
import { HarnessError } from '../../base/errors.ts';
import type { Event } from '../../base/events.ts';
import { visible } from '../../base/harmless.ts';
import { nameOfError } from '../../base/names.ts';
import { redact } from '../../token/decode.ts';
import { processIo } from './io.ts';

/** A request as undici's channels have it (docs/docs/api/DiagnosticsChannel.md of undici). */
interface HttpRequest {
  readonly method: string;
  readonly origin?: string | URL | undefined;
  readonly path: string;
}

export interface DebugLog {
  readonly file: string;
  event(event: Event): void;
  /** Stops listening and closes the file. */
  close(): void;
}

/**
 * Opens the file, replacing that of an earlier run, and listens until it is closed. Signatures of tokens are left out.
 *
 * @param warn told once when the file cannot be written any further, such as on a full disk; default standard error
 * @throws HarnessError E_SETTINGS when the file cannot be opened
 */
export function openDebugLog(
  file: string,
  showTokens: boolean,
  warn: (line: string) => void = (line) => processIo.stderr.write(`${line}\n`),
): DebugLog {
  let descriptor: number;
  try {
    mkdirSync(dirname(file), { recursive: true });
    descriptor = openSync(file, 'w', 0o600);
  } catch (thrown) {
    throw new HarnessError('E_SETTINGS', `cannot write ${file}: ${nameOfError(thrown)}`);
  }
  let open = true;
  const write = (area: string, text: string) => {
    // Connections and processes may tell of their end after the file was closed.
    if (!open) return;
    const shown = showTokens ? text : redact(text);
    try {
      writeSync(
        descriptor,
        `${new Date().toISOString()} ${area.padEnd(7)} ${visible(shown).replaceAll('\n', '\\n')}\n`,
      );
    } catch (thrown) {
      // Subscribers must not throw: Node would end the program, with everything left behind.
      close();
      warn(`warning: ${file} is not written any further: ${nameOfError(thrown)}`);
    }
  };
  const stops = [...http(write), processes(write), messages(write)];
  const close = () => {
    if (!open) return;
    open = false;
    for (const stop of stops) stop();
    closeSync(descriptor);
  };
  return {
    file,
    event: (event) => write('event', JSON.stringify(withoutBulk(event))),
    close,
  };
}

type Write = (area: string, text: string) => void;

function listen(name: string | symbol, take: (message: unknown) => void): () => void {
  const listener = (message: unknown) => take(message);
  subscribe(name, listener);
  return () => unsubscribe(name, listener);
}

function http(write: Write): (() => void)[] {
  const begun = new WeakMap<object, number>();
  const line = ({ method, origin, path }: HttpRequest) => `${method} ${origin ?? ''}${path}`;
  const took = (request: HttpRequest) =>
    `${Math.round(performance.now() - (begun.get(request) ?? performance.now()))} ms`;
  return [
    listen('undici:request:create', (message) => {
      const { request } = message as { request: HttpRequest };
      begun.set(request, performance.now());
    }),
    listen('undici:request:headers', (message) => {
      const { request, response } = message as { request: HttpRequest; response: { statusCode: number } };
      write('http', `${line(request)} ${response.statusCode} ${took(request)}`);
    }),
    listen('undici:request:error', (message) => {
      const { request, error } = message as { request: HttpRequest; error: unknown };
      write('http', `${line(request)} ${nameOfError(error)} ${took(request)}`);
    }),
  ];
}

/** Node publishes every process that is started (diagnostics_channel, "child_process"). */
function processes(write: Write): () => void {
  return listen('child_process', (message) => {
    const { process } = message as { process: ChildProcess };
    // Its arguments are set after it is published.
    queueMicrotask(() => {
      write('process', `${process.pid ?? 'not started'}: ${lineOf(process.spawnargs ?? [])}`);
    });
    process.once('exit', (code, signal) => write('process', `${process.pid}: ended with ${signal ?? code}`));
  });
}

/** Of a shell that only becomes another program, the line of that one. */
function lineOf(args: readonly string[]): string {
  const [, , script = ''] = args;
  return args.slice(/exec "\$@"[^;]*$/.test(script) ? 4 : 0).join(' ');
}

function messages(write: Write): () => void {
  return listen(debugChannel.name, (message) => write('wait', String(message)));
}

/** Bodies and evidence are in the reports. */
function withoutBulk(event: Event): unknown {
  if (event.type === 'step-applied') return { ...event, manifests: undefined };
  if (event.type !== 'check-finished') return event;
  const { id, state, expected, actual, message, convergence, durationMs } = event.check;
  return { ...event, check: { id, state, expected, actual, message, convergence, durationMs } };
}
