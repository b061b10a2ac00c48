/** Runs a command in a container, over the API server's WebSocket, and waits for its end. */
import { Readable, Writable } from 'node:stream';
import type { KubeConfig, V1Status } from '@kubernetes/client-node';
import { debug } from '../base/debug.ts';
import { HarnessError } from '../base/errors.ts';
import { limits, sizeText } from '../base/files/limits.ts';
import { nameOfError } from '../base/names.ts';
import { timeouts } from '../base/timeouts.ts';
import { onAbort, throwIfAborted } from '../base/wait.ts';
import type { KubeClient } from './kube-client.ts';

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
 * @throws HarnessError E_EXEC when the connection fails or ends without a status, after `timeoutMs`, or when the command
 * writes more than `maxBytes`
 */
export async function exec(
  client: KubeClient,
  target: ExecTarget,
  command: readonly string[],
  options: { stdin?: string; signal: AbortSignal; timeoutMs?: number; maxBytes?: number },
): Promise<ExecResult> {
  const { Exec } = await import('./client-node.ts');
  throwIfAborted(options.signal);
  debug(
    () => `exec in ${target.namespace}/${target.pod}, container ${target.container}: ${command.join(' ')}`,
  );
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const where = `${target.namespace}/${target.pod}, container ${target.container}`;
  const fail = (message: string, cause?: unknown) =>
    new HarnessError('E_EXEC', `${message} (${where}: ${command[0]})`, {
      cause,
      hint: message.endsWith('response: 403')
        ? `The user of context ${client.name} must be allowed to create pods/exec in namespace ${target.namespace}.`
        : undefined,
      details: Buffer.concat(err).toString('utf8') || undefined,
    });
  return new Promise<ExecResult>((resolve, reject) => {
    let socket: { close(): void; terminate?: () => void } | undefined;
    let settled = false;
    const opening = new AbortController();
    const settle = (finish: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      ignore();
      finish();
      if (socket === undefined) opening.abort();
      (socket?.terminate ?? socket?.close)?.call(socket);
    };
    const timeoutMs = options.timeoutMs ?? timeouts.exec;
    const timer = setTimeout(
      () => settle(() => reject(fail(`the command did not end within ${Math.round(timeoutMs / 1000)} s`))),
      timeoutMs,
    );
    const ignore = onAbort(options.signal, () =>
      settle(() => {
        try {
          throwIfAborted(options.signal);
        } catch (reason) {
          reject(reason);
        }
      }),
    );
    const maxBytes = options.maxBytes ?? limits.answer;
    const tooMuch = () =>
      settle(() => reject(fail(`the command wrote more than ${sizeText(maxBytes)}, and was cut off`)));
    const stdin = options.stdin === undefined ? null : Readable.from([Buffer.from(options.stdin)]);
    const connection = new Exec(abortable(client.config, opening.signal)).handler;
    // Where client-node closes a stream that the server says has ended: otherwise that would be our own output.
    const streams = { stdin: unending(Readable.from([])), stdout: collect([], 0), stderr: collect([], 0) };
    Object.assign(connection, { streams });
    const handler: typeof connection = {
      connect: (path, onText, onFrame) =>
        connection.connect(path, onText, (stream, data) => {
          if (settled || stream === closeFrame) return true;
          try {
            return onFrame?.(stream, data) ?? true;
          } catch (thrown) {
            // An exception in the handler of a socket would end the process.
            settle(() => reject(fail(`the API server sent what is not understood: ${nameOfError(thrown)}`)));
            return true;
          }
        }),
    };
    new Exec(client.config, handler)
      .exec(
        target.namespace,
        target.pod,
        target.container,
        [...command],
        collect(out, maxBytes, tooMuch),
        collect(err, limits.body),
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
      .catch((thrown: unknown) =>
        settle(() => reject(fail(`cannot run a command: ${nameOfError(thrown)}`, thrown))),
      );
  });
}

/** The number of the stream on which v5.channel.k8s.io says that another one has ended. */
const closeFrame = 255;

/** A configuration with which an attempt to connect ends with the signal; client-node has no other way. */
function abortable(config: KubeConfig, signal: AbortSignal): KubeConfig {
  const own: KubeConfig = Object.create(config);
  own.applyToHTTPSOptions = async (options) => {
    await config.applyToHTTPSOptions(options);
    Object.assign(options, { signal });
  };
  return own;
}

/** Keeps the beginning. @param over called when there is more */
function collect(into: Buffer[], limit: number, over = () => {}): Writable {
  let room = limit;
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (room > 0) into.push(Buffer.from(chunk.subarray(0, room)));
      room -= chunk.length;
      if (room < 0) over();
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
