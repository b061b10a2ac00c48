/** The authorization server that speaks gRPC: the program that a container runs, in this process. */
import { once } from 'node:events';
import type { Http2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { asHarnessError, HarnessError } from '../../../base/errors.ts';
import { extAuthzServer } from '../../authorizer/ext-authz.mjs';
import type { Serving } from './server.ts';

interface ExtAuthzStart {
  /** Loopback address to listen on. */
  readonly host: string;
  /** The real port for a port of the container; 0 takes a free one. */
  readonly port: (containerPort: number) => number;
  readonly containerPorts: readonly number[];
}

/** Listens on the first port of the container. @throws HarnessError E_NOT_READY when that cannot be had */
export async function serveExtAuthz({ containerPorts, host, port }: ExtAuthzStart): Promise<Serving> {
  const [containerPort = 9000] = containerPorts;
  const server = extAuthzServer();
  const sessions = new Set<Http2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.once('close', () => sessions.delete(session));
  });
  server.listen(port(containerPort), host);
  try {
    await once(server, 'listening');
  } catch (thrown) {
    throw new HarnessError('E_NOT_READY', `ext-authz cannot listen: ${asHarnessError(thrown).message}`, {
      hint: 'A port that another process has is free again when that process ends; port 0 takes a free one.',
      cause: thrown,
    });
  }
  return {
    ports: new Map([[containerPort, (server.address() as AddressInfo).port]]),
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}
