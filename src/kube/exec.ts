/** Runs a command in a container, over the API server's WebSocket, and waits for its end. */
import { Readable, Writable } from 'node:stream';
import { Exec, type V1Status } from '@kubernetes/client-node';
import { HarnessError } from '../errors.ts';
import { timeouts } from '../timeouts.ts';
import { throwIfAborted } from '../wait.ts';
import type { KubeClient } from './client.ts';

export interface ExecTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface ExecResult {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * Runs `command`; `stdin` is written to it whole. Standard input is not closed, because the older of the two
 * WebSocket protocols cannot do that: let the command read a known number of bytes.
 *
 * client-node's Exec resolves when the socket opens, and never tells when it closes without a status
 * (client-node issues 704, 714), so the end is awaited here.
 *
 * @throws HarnessError E_EXEC when the connection fails or ends without a status, or after `timeoutMs`.
 */
export async function exec(
  client: KubeClient,
  target: ExecTarget,
  command: readonly string[],
  options: { stdin?: string; signal: AbortSignal; timeoutMs?: number },
): Promise<ExecResult> {
  throwIfAborted(options.signal);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const where = `${target.namespace}/${target.pod}, container ${target.container}`;
  const fail = (message: string, cause?: unknown) =>
    new HarnessError('E_EXEC', `${message} (${where}: ${command[0]})`, {
      cause,
      details: Buffer.concat(err).toString('utf8') || undefined,
    });
  return new Promise<ExecResult>((resolve, reject) => {
    let socket: { close(): void; terminate?: () => void } | undefined;
    let settled = false;
    const settle = (finish: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      options.signal.removeEventListener('abort', onAbort);
      finish();
      (socket?.terminate ?? socket?.close)?.call(socket);
    };
    const timeoutMs = options.timeoutMs ?? timeouts.exec;
    const timer = setTimeout(
      () => settle(() => reject(fail(`the command did not end within ${Math.round(timeoutMs / 1000)} s`))),
      timeoutMs,
    );
    const onAbort = () =>
      settle(() => {
        try {
          throwIfAborted(options.signal);
        } catch (reason) {
          reject(reason);
        }
      });
    options.signal.addEventListener('abort', onAbort, { once: true });
    const stdin = options.stdin === undefined ? null : Readable.from([Buffer.from(options.stdin)]);
    new Exec(client.config)
      .exec(
        target.namespace,
        target.pod,
        target.container,
        [...command],
        collect(out),
        collect(err),
        // Readable.from ends by itself, and an end would close the whole socket on the older protocol.
        stdin === null ? null : unending(stdin),
        false,
        (status) =>
          settle(() => {
            const code = exitCode(status);
            if (code === undefined) reject(fail(status.message ?? 'the command could not be run'));
            else {
              resolve({
                stdout: Buffer.concat(out),
                stderr: Buffer.concat(err).toString('utf8'),
                exitCode: code,
              });
            }
          }),
      )
      .then((opened) => {
        socket = opened as unknown as typeof socket;
        if (settled) (socket?.terminate ?? socket?.close)?.call(socket);
        opened.onclose = () => settle(() => reject(fail('the connection closed before the command ended')));
      })
      .catch((thrown: { message?: string }) =>
        settle(() =>
          reject(fail(`cannot run a command: ${thrown.message ?? 'the connection failed'}`, thrown)),
        ),
      );
  });
}

function collect(into: Buffer[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      into.push(Buffer.from(chunk));
      done();
    },
  });
}

function unending(source: Readable): Readable {
  const stream = new Readable({ read() {} });
  source.on('data', (chunk) => stream.push(chunk));
  return stream;
}

/** The exit code in the status frame; undefined when the command could not be started. */
function exitCode(status: V1Status): number | undefined {
  if (status.status === 'Success') return 0;
  const cause = status.details?.causes?.find((each) => each.reason === 'ExitCode');
  return cause?.message === undefined ? undefined : Number(cause.message);
}
