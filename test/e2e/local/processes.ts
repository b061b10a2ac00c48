/** The processes of a mesh and the addresses they listen on, as Linux shows them in /proc (proc(5)). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';

export interface Process {
  readonly pid: number;
  /** Its command line. */
  readonly args: readonly string[];
}

/** All that name the folder in their command line or environment: the product, and every part of its meshes. */
export function processesOf(folder: string): Process[] {
  return pids().flatMap((pid) => {
    const [command, environment] = [read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/environ`)];
    if (!command.includes(folder) && !environment.includes(folder)) return [];
    return [{ pid, args: command.split('\0').slice(0, -1) }];
  });
}

/** Tells one part of a mesh from all others; the name is the one that messages use. */
export const isPart: Readonly<Record<string, (process: Process) => boolean>> = {
  etcd: ({ args }) => args.some((each) => each.startsWith('--listen-peer-urls=')),
  'the API server': ({ args }) => args.some((each) => each.startsWith('--etcd-servers=')),
  istiod: ({ args }) => args[1] === 'discovery',
  'Envoy of foo/httpbin-': (process) => envoyId(process).includes('~httpbin-'),
  'Envoy of istio-system/istio-ingressgateway': (process) => envoyId(process).startsWith('router~'),
  'key server external': ({ args }) => basename(args[1] ?? '') === 'server.mjs',
};

/** The node ID in the bootstrap of an Envoy. */
function envoyId({ args }: Process): string {
  if (args[1] !== '-c') return '';
  return (JSON.parse(read(args[2] ?? '') || '{}') as { node?: { id: string } }).node?.id ?? '';
}

/** The file that takes what a process writes. */
export function outputOf({ pid }: Process): string {
  return read(`/proc/${pid}/fd/1`);
}

/** The numbers of a line of /proc/PID/status, such as `Uid` or `CapEff`. */
export function statusOf({ pid }: Process, line: string): string[] {
  const [, values = ''] = new RegExp(`^${line}:\\s*(.*)$`, 'm').exec(read(`/proc/${pid}/status`)) ?? [];
  return values.split(/\s+/);
}

export interface Listening {
  readonly pid: number;
  readonly address: string;
  readonly port: number;
}

/** Every TCP socket on which one of the processes listens. */
export function listening(processes: readonly Process[]): Listening[] {
  const owners = new Map(
    processes.flatMap(({ pid }) => socketsOf(pid).map((inode) => [inode, pid] as const)),
  );
  return ['tcp', 'tcp6'].flatMap((file) =>
    read(`/proc/net/${file}`)
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
        const pid = owners.get(inode);
        const [address = '', port = ''] = local.split(':');
        if (state !== listenState || pid === undefined) return [];
        return [{ pid, address: addressOf(address), port: Number.parseInt(port, 16) }];
      }),
  );
}

/** TCP_LISTEN of the kernel's include/net/tcp_states.h. */
const listenState = '0A';

/** Listens on an address that must be free, and lets it go. @throws Error EADDRINUSE */
export async function listenOnce({ address, port }: Listening): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, exclusive: true }, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`)) ?? [];
      return inode ?? [];
    });
  } catch {
    return [];
  }
}

/** Words of four bytes in hexadecimal, each in the byte order of this machine. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  if (bytes.length === 4) return bytes.join('.');
  const groups = (Buffer.from(bytes).toString('hex').match(/.{4}/g) ?? []).map((each) =>
    each.replace(/^0{1,3}/, ''),
  );
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** Empty for a process that is gone meanwhile, or that is none of ours. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
