/** As much of GitHub's REST API as issues need, over real HTTP on loopback, with faults. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

interface Issue {
  number: number;
  title: string;
  body: string;
  state: 'open' | 'closed';
  labels: string[];
  comments: string[];
}

export interface FakeGitHub {
  readonly url: string;
  readonly issues: Issue[];
  readonly labels: Set<string>;
  readonly repository: { fork: boolean; has_issues: boolean };
  /** `METHOD /path` of every request, without the query. */
  readonly asked: string[];
  /** Answers in place of the API, by `METHOD /path`; each is used once, in order. `cut` closes the connection. */
  readonly faults: Map<string, (Fault | 'cut')[]>;
}

interface Fault {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

export async function fakeGitHub(token: string): Promise<FakeGitHub> {
  const state = {
    issues: [] as Issue[],
    labels: new Set<string>(),
    repository: { fork: false, has_issues: true },
    asked: [] as string[],
    faults: new Map<string, (Fault | 'cut')[]>(),
  };
  const sockets = new Set<Socket>();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    const what = `${request.method} ${url.pathname}`;
    state.asked.push(what);
    const text = await bodyOf(request);
    const answer = (status: number, value: unknown, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(value));
    const fault = state.faults.get(what)?.shift();
    if (fault === 'cut') return request.socket.destroy();
    if (fault !== undefined) return response.writeHead(fault.status, fault.headers).end(fault.body);
    if (request.headers.authorization !== `Bearer ${token}`)
      return answer(401, { message: 'Bad credentials' });
    const [status, value] = answerTo(state, request.method ?? '', url, text === '' ? {} : JSON.parse(text));
    return answer(status, value);
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...state };
}

type State = Pick<FakeGitHub, 'issues' | 'labels' | 'repository'>;

function answerTo(
  state: State,
  method: string,
  url: URL,
  body: Partial<Issue> & { name?: string },
): [status: number, value: unknown] {
  const path = url.pathname.replace('/repos/example/mesh', '') || '/';
  const [, kind, which, more] = path.split('/');
  if (method === 'GET' && path === '/') return [200, state.repository];
  if (kind === 'labels') {
    if (method === 'POST') {
      state.labels.add(body.name ?? '');
      return [201, {}];
    }
    return state.labels.has(which ?? '') ? [200, {}] : [404, { message: 'Not Found' }];
  }
  if (kind !== 'issues') return [404, { message: 'Not Found' }];
  if (which === undefined && method === 'GET') {
    const wanted = (issue: Issue) =>
      issue.state === url.searchParams.get('state') &&
      issue.labels.includes(url.searchParams.get('labels') ?? '');
    return [200, state.issues.filter(wanted)];
  }
  if ((body.body?.length ?? 0) > 65_536) return [422, { message: 'Validation Failed: body is too long' }];
  if (which === undefined) {
    const { title = '', body: text = '', labels = [] } = body;
    const issue: Issue = {
      number: state.issues.length + 1,
      title,
      body: text,
      labels,
      state: 'open',
      comments: [],
    };
    state.issues.push(issue);
    return [201, issue];
  }
  const issue = state.issues[Number(which) - 1];
  if (issue === undefined) return [404, { message: 'Not Found' }];
  if (more === 'comments') issue.comments.push(body.body ?? '');
  else Object.assign(issue, body);
  return [more === 'comments' ? 201 : 200, issue];
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
