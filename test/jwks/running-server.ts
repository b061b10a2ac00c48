import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { KeyServerControl, type KeyServerPorts, newSecret } from '../../src/jwks/key-server-client.ts';

const program = fileURLToPath(new URL('../../src/jwks/server.mjs', import.meta.url));

export interface RunningServer {
  readonly process: ChildProcess;
  readonly ports: KeyServerPorts;
  readonly control: KeyServerControl;
  /** Of its control calls. */
  readonly secret: string;
  /** The lines of standard output after the first. */
  readonly lines: AsyncIterator<string>;
  url(path?: string): string;
  stop(): Promise<void>;
}

export const freePorts = { host: '127.0.0.1', httpPort: 0, httpsPort: 0, controlPort: 0, path: '/get_jwks' };

/** Starts the key server as its container does, with nothing but its configuration and its secret in the environment. */
export function spawnServer(config: unknown, secret = newSecret()): ChildProcess {
  return spawn(process.execPath, [program], {
    env: {
      KEY_SERVER_CONFIG: typeof config === 'string' ? config : JSON.stringify(config),
      JWKS_SECRET: secret,
    },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export async function startServer(more: object = {}, secret = newSecret()): Promise<RunningServer> {
  const config = { ...freePorts, ...more };
  const child = spawnServer(config, secret);
  const reader: Interface = createInterface({ input: child.stdout! });
  const lines = reader[Symbol.asyncIterator]();
  const ports = JSON.parse((await lines.next()).value ?? '{}') as KeyServerPorts;
  return {
    process: child,
    ports,
    control: new KeyServerControl(`http://127.0.0.1:${ports.controlPort}`, secret),
    secret,
    lines,
    url: (path = config.path) => `http://127.0.0.1:${ports.httpPort}${path}`,
    stop: async () => {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
