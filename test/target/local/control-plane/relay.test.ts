import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Relay } from '../../../../src/target/local/control-plane/relay.ts';

const host = '127.0.0.1';
const servers: Server[] = [];
const sockets: Socket[] = [];
let relay: Relay;
let port: number;
beforeEach(async () => {
  relay = new Relay();
  port = await relay.listen(host, 0);
});
afterEach(() => {
  relay.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function serve(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    answer(socket);
  }).listen(0, host);
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function open(): Socket {
  const socket = connect(port, host);
  sockets.push(socket.on('error', () => {}));
  return socket.setEncoding('utf8');
}

async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  return (await once(socket, 'data'))[0];
}

test('another server takes over at once, for those who are connected too', async () => {
  const [one, other] = await Promise.all(
    ['one', 'other'].map((name) =>
      serve((socket) => socket.on('data', (data) => socket.write(`${name}: ${data}`))),
    ),
  );
  relay.lead(host, one!);
  const before = open();
  expect(await ask(before, 'a')).toBe('one: a');
  expect(await ask(before, 'b')).toBe('one: b');
  const cut = once(before, 'close');
  relay.lead(host, other!);
  await cut;
  expect(await ask(open(), 'c')).toBe('other: c');
});

test('a connection is closed when nobody is behind it, now or yet', async () => {
  await once(open(), 'close');
  const gone = await serve(() => {});
  servers.pop()!.close();
  relay.lead(host, gone);
  await once(open(), 'close');
});

test('the end of either side is that of the other', async () => {
  const accepted: Socket[] = [];
  relay.lead(host, await serve((socket) => void accepted.push(socket)));
  const near = open();
  await once(near, 'connect');
  await expect.poll(() => accepted.length).toBe(1);
  const ended = once(accepted[0]!.resume(), 'close');
  near.destroy();
  await ended;
  const next = open();
  await expect.poll(() => accepted.length).toBe(2);
  accepted[1]!.destroy();
  await once(next.resume(), 'close');
});

test('what a server has sent before its end arrives, however slowly it is read', async () => {
  const size = 8 * 1024 * 1024;
  relay.lead(host, await serve((socket) => socket.end(Buffer.alloc(size, 'x'))));
  const near = open();
  await once(near, 'connect');
  let read = 0;
  for await (const chunk of near) {
    read += chunk.length;
    await setTimeout(1);
  }
  expect(read).toBe(size);
});

test('closing ends the connections, and frees the port', async () => {
  relay.lead(host, await serve((socket) => socket.write('hello')));
  const near = open();
  await once(near, 'data');
  const cut = once(near, 'close');
  relay.close();
  await cut;
  const again = new Relay();
  expect(await again.listen(host, port)).toBe(port);
  again.close();
});

test('a port that is taken is an error', async () => {
  const taken = new Relay();
  await expect(taken.listen(host, port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
