/** A port of this machine that leads to a port of a pod, through the API server. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { KubeClient } from '../../kube/kube-client.ts';
import { connectToPod, type PodPort } from '../../kube/port-forward.ts';

const servers = new WeakMap<KubeClient, Map<string, Promise<Server>>>();

/**
 * Opens it, or finds the one that is open already; it is closed with the client.
 *
 * @returns address and port, such as `127.0.0.1:41234`
 */
export async function forwardedPort(client: KubeClient, target: PodPort): Promise<string> {
  const known = servers.get(client) ?? new Map<string, Promise<Server>>();
  if (!servers.has(client)) {
    servers.set(client, known);
    client.onClose(() => {
      servers.delete(client);
      for (const server of known.values()) void server.then((each) => each.close());
    });
  }
  const id = `${target.namespace}/${target.pod} ${target.port}`;
  const server = known.get(id) ?? listen(client, target);
  known.set(id, server);
  const { address, port } = (await server).address() as AddressInfo;
  return `${address}:${port}`;
}

async function listen(client: KubeClient, target: PodPort): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // Whoever has sent a request sees that there is no connection any more.
    socket.on('error', () => {});
    connectToPod(client, target).then(
      (pod) => {
        pod.on('error', () => socket.destroy());
        pod.on('close', () => socket.end());
        socket.on('close', () => pod.destroy());
        socket.pipe(pod);
        pod.pipe(socket);
      },
      () => socket.destroy(),
    );
  });
  server.unref();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
