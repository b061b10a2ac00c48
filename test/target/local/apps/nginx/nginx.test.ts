import { afterEach, describe, expect, test } from 'vitest';
import { parseAccessLog } from '../../../../../src/jwks/access-log.ts';
import { closeApps, mountsOf, raw, send, start, startNginx, type TestApp } from '../support.ts';

afterEach(closeApps);

const keys = '{"keys":[{"kid":"é"}]}';
const faq = `
  server {
    listen 80;
    location = /get_jwks { default_type application/json; alias /etc/nginx/conf.d/get_jwks; }
  }`;

function startFaq(content = keys): Promise<TestApp> {
  return start('nginx', {
    mounts: mountsOf({ '/etc/nginx/conf.d': { 'default.conf': faq, get_jwks: content } }),
  });
}

describe('as a key server', () => {
  test('serves the file byte for byte', async () => {
    const app = await startFaq();
    const answer = await send(app, '/get_jwks?x=1');
    expect(answer).toMatchObject({ status: 200, body: keys });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '23',
      server: 'nginx',
    });
    expect(await send(app, 'HEAD /get_jwks')).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': '23' },
    });
  });

  test('a changed volume: files at once, the configuration not before a new start', async () => {
    const app = await startFaq('old');
    app.setMounts(
      mountsOf({ '/etc/nginx/conf.d': { 'default.conf': 'server { return 500; }', get_jwks: 'new' } }),
    );
    expect(await send(app, '/get_jwks')).toMatchObject({ status: 200, body: 'new' });
    app.setMounts(mountsOf({ '/etc/nginx/conf.d': { 'default.conf': 'not even nginx' } }));
    expect((await send(app, '/get_jwks')).status).toBe(404);
  });

  test('its log says who fetched, before they have the answer', async () => {
    const app = await startFaq();
    const begin = Math.floor(Date.now() / 1000) * 1000;
    for (const agent of ['Go-http-client/1.1', 'Go-browser', 'quote" \\ é']) {
      await send(app, '/get_jwks?a="b', { headers: { 'user-agent': Buffer.from(agent).toString('latin1') } });
      await send(app, '/other');
    }
    await send(app, 'HEAD /get_jwks');
    const entries = parseAccessLog(app.lines.join('\n'), '/get_jwks');
    expect(entries.map(({ by, userAgent, remote, status }) => [by, userAgent, remote, status])).toEqual([
      ['istiod', 'Go-http-client/1.1', '127.0.0.1', 200],
      ['envoy', 'Go-browser', '127.0.0.1', 200],
      ['other', String.raw`quote\x22 \x5C \xC3\xA9`, '127.0.0.1', 200],
      ['other', '', '127.0.0.1', 200],
    ]);
    for (const { at } of entries) expect(at).toBeGreaterThanOrEqual(begin);
    expect(app.lines.at(-1)).toMatch(
      /^127\.0\.0\.1 - - \[.* \+0000\] "HEAD \/get_jwks HTTP\/1\.1" 200 0 "-" "-"$/,
    );
  });

  test('access_log off keeps a place out of the log', async () => {
    const app = await startNginx(
      'server { return 200; } server { server_name quiet; access_log off; return 200; }',
    );
    await send(app, '/a', { headers: { host: 'quiet' } });
    await send(app, '/b');
    expect(app.lines.map((line) => line.split('"')[1])).toEqual(['GET /b HTTP/1.1']);
  });
});

// Compared with nginx 1.22, request by request.
describe('files', () => {
  const configuration = `
    root /data; add_header X-A one;
    server {
      location = /exact.html { return 200 exact; }
      location /files/ { alias /data/sub/; default_type text/plain; add_header X-B two always; }
      location /none { root html; }
    }`;
  const volumes = {
    '/data': {
      'index.html': 'index',
      'a.JSON': 'a',
      'b.c.pem': 'b',
      plain: 'p',
      'sub/x': 'x',
      'é?.txt': 'é',
    },
  };

  test.each([
    ['/', 200, 'text/html', 'index'],
    ['/index.html', 200, 'text/html', 'index'],
    ['POST /', 405, 'text/html', '405 Not Allowed'],
    ['POST /plain', 405, 'text/html', '405 Not Allowed'],
    ['POST /nope', 404, 'text/html', '404 Not Found'],
    ['DELETE /nope', 405, 'text/html', '405 Not Allowed'],
    ['TRACE /exact.html', 405, 'text/html', '405 Not Allowed'],
    ['PUT /exact.html', 200, 'text/html', 'exact'],
    ['/a.JSON', 200, 'application/json', 'a'],
    ['/b.c.pem', 200, 'application/x-x509-ca-cert', 'b'],
    ['/plain', 200, 'application/octet-stream', 'p'],
    ['/plain/', 404, 'text/html', '404 Not Found'],
    ['/sub/', 403, 'text/html', '403 Forbidden'],
    ['/sub%2Fx', 200, 'application/octet-stream', 'x'],
    ['//sub/.//y/../x', 200, 'application/octet-stream', 'x'],
    ['/files/x', 200, 'text/plain', 'x'],
    ['/files/%2e%2e/plain', 200, 'application/octet-stream', 'p'],
    ['/files', 404, 'text/html', '404 Not Found'],
    ['/files/none', 404, 'text/html', '404 Not Found'],
    ['/%C3%A9%3F.txt', 200, 'text/plain', 'é'],
    ['/none', 404, 'text/html', '404 Not Found'],
    ['/../plain', 400, 'text/html', '400 Bad Request'],
    ['/%2e%2e/plain', 400, 'text/html', '400 Bad Request'],
    ['/plain%00', 400, 'text/html', '400 Bad Request'],
    ['/%zz', 400, 'text/html', '400 Bad Request'],
  ])('%s answers %i', async (what, status, type, body) => {
    const app = await startNginx(configuration, volumes);
    const answer = await send(app, what);
    expect(answer).toMatchObject({ status, headers: { 'content-type': type } });
    expect(answer.body).toContain(body);
    const decorated = /^\/files\/(x|none)$/.test(what)
      ? [undefined, 'two']
      : [status === 200 ? 'one' : undefined, undefined];
    expect([answer.headers['x-a'], answer.headers['x-b']]).toEqual(decorated);
  });

  test('a folder without its slash is redirected', async () => {
    const app = await startNginx(`${configuration} server { listen 8080; }`, volumes);
    const headers = { host: 'Nginx.Foo.:1234' };
    expect((await send(app, '/sub', { headers, port: 80 })).headers.location).toBe('http://nginx.foo/sub/');
    expect((await send(app, '/sub', { headers, port: 8080 })).headers.location).toBe(
      'http://nginx.foo:8080/sub/',
    );
  });

  test('without a volume: the welcome page; a volume over the web root hides it', async () => {
    expect(await send(await start('nginx'), '/')).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/html' },
    });
    const hidden = await start('nginx', { mounts: mountsOf({ '/usr/share/nginx': { other: '' } }) });
    expect((await send(hidden, '/')).status).toBe(404);
    const own = await start('nginx', {
      mounts: mountsOf({ '/usr/share/nginx/html': { 'index.html': 'own' } }),
    });
    expect((await send(own, '/')).body).toBe('own');
  });

  test('a volume within a volume', async () => {
    const app = await startNginx('server { root /data; }', {
      '/data': { 'in/side': 'outer', a: 'outer' },
      '/data/in': { b: 'inner' },
    });
    const statuses = ['/a', '/in/b', '/in/side', '/in'].map(async (path) => (await send(app, path)).status);
    expect(await Promise.all(statuses)).toEqual([200, 200, 404, 301]);
  });

  test('an index file may belong to another location', async () => {
    const app = await startNginx(
      'server { root /data; location = /index.html { return 418 tea; } }',
      volumes,
    );
    expect(await send(app, '/')).toMatchObject({ status: 418, body: 'tea' });
  });
});

describe('return', () => {
  test.each([
    ['return 200;', 200, 'application/octet-stream', ''],
    ['return 200 "a; {b}\\n";', 200, 'application/octet-stream', 'a; {b}\n'],
    ['default_type text/plain; return 401 no;', 401, 'text/plain', 'no'],
    ['return 204;', 204, undefined, ''],
    ['return 418;', 418, undefined, ''],
    ['return 404 "";', 404, 'text/html', expect.stringContaining('<h1>404 Not Found</h1>')],
    ['return 401;', 401, 'text/html', expect.stringContaining('<h1>401 Authorization Required</h1>')],
    ['return 301 /there;', 301, 'text/html', expect.stringContaining('301 Moved Permanently')],
    ['return 200 first; return 500;', 200, 'application/octet-stream', 'first'],
  ])('%s', async (directives, status, type, body) => {
    const app = await startNginx(`server { location / { ${directives} } }`);
    const answer = await send(app, '/');
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([status, type, body]);
  });

  test.each([
    ['301 /there', 'http://a/there'],
    ['308 https://b/c', 'https://b/c'],
    ['http://b/c', 'http://b/c'],
    ['302 /é', 'http://a/Ã©'],
  ])('return %s', async (args, location) => {
    const app = await startNginx(`server { return ${args}; }`);
    expect((await send(app, '/', { headers: { host: 'a:1' } })).headers.location).toBe(location);
  });

  test('return 444 closes the connection and is logged', async () => {
    const app = await startNginx('server { return 444; }');
    expect(await raw(app, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('');
    expect(app.lines).toEqual([expect.stringContaining('"GET /x HTTP/1.1" 444 0 ')]);
  });
});

describe('which server, which location', () => {
  test.each([
    ['b.example', 'two'],
    ['B.EXAMPLE.:8080', 'two'],
    ['x.b.example', 'three'],
    ['y.x.b.example', 'four'],
    ['c.anything', 'five'],
    ['dotted.example', 'six'],
    ['a.dotted.example', 'six'],
    ['other', 'default'],
  ])('host %s goes to %s', async (host, body) => {
    const app = await startNginx(`
      server { server_name a.example; return 200 one; }
      server { server_name z b.example; return 200 two; }
      server { server_name *.b.example; return 200 three; }
      server { server_name *.x.b.example; return 200 four; }
      server { server_name c.*; return 200 five; }
      server { server_name .dotted.example; return 200 six; }
      server { listen *:80 default_server; listen [::]:80 default_server; server_name _; return 200 default; }
      server { listen 81 default_server; server_name b.example; return 200 wrong; }`);
    expect((await send(app, '/', { headers: { host }, port: 80 })).body).toBe(body);
  });

  test.each([
    ['/pre', 'exact'],
    ['/prex', 'pre'],
    ['/prefix/x', 'prefix'],
    ['/PRE', 'all'],
    ['/%70re', 'exact'],
    ['/pre/', 'pre'],
    ['/a b', 'blank'],
  ])('path %s goes to %s', async (path, body) => {
    const app = await startNginx(`server {
      location / { return 200 all; }
      location /pre { return 200 pre; }
      location = /pre { return 200 exact; }
      location ^~ /prefix { return 200 prefix; }
      location "/a b" { return 200 blank; }
    }`);
    expect((await send(app, path.replace(' ', '%20'))).body).toBe(body);
  });

  test('each port has its default server', async () => {
    const app = await startNginx(`
      server { listen 80; listen 81; return 200 first; }
      server { listen 80; listen 81 default_server; return 200 second; }`);
    const bodies = [80, 81].map(async (port) => (await send(app, '/', { port })).body);
    expect(await Promise.all(bodies)).toEqual(['first', 'second']);
  });

  test('files are read in alphabetical order, and only *.conf', async () => {
    const files = {
      'b.conf': 'server { return 200 b; }',
      'a.conf': 'server { return 200 a; }',
      'x.txt': '{',
      '.c.conf': '{',
    };
    const app = await start('nginx', { mounts: mountsOf({ '/etc/nginx/conf.d': files }) });
    expect((await send(app, '/')).body).toBe('a');
  });

  test('no server is no port', async () => {
    expect((await startNginx('# nothing')).ports.size).toBe(0);
  });
});

describe('what depends on the request', () => {
  const server = (rest: string) =>
    `server { add_header x-asked "$request_method $host$request_uri ${'$'}{http_x_a}" always; location / { ${rest} } }`;

  test('variables are filled in, and a header without a value is not sent', async () => {
    const app = await startNginx('server { add_header x-b $http_b always; return 403 "$http_a$http_a"; }');
    const answer = await send(app, '/', { headers: { a: 'twice,' } });
    expect(answer).toMatchObject({ status: 403, body: 'twice,twice,' });
    expect(answer.headers).not.toHaveProperty('x-b');
  });

  test.each<[string, Record<string, string>, number]>([
    ['if ($http_x_a = allow) { return 200; } return 403 no;', { 'x-a': 'allow' }, 200],
    ['if ($http_x_a = allow) { return 200; } return 403 no;', { 'x-a': 'Allow' }, 403],
    ['if ($http_x_a = allow) { return 200; } return 403 no;', {}, 403],
    ['if ( $http_x_a != allow ) { return 401; } return 204;', {}, 401],
    [
      'if ($http_x_a = allow) { return 200; } if ($http_x_b = b) { return 201; } return 403;',
      { 'x-b': 'b' },
      201,
    ],
    ['return 403; if ($http_x_a = allow) { return 200; }', { 'x-a': 'allow' }, 403],
  ])('%s %j', async (rest, headers, status) => {
    const app = await startNginx(server(rest));
    const answer = await send(app, '/a?b=c', { headers: { host: 'Shop.example.com:80', ...headers } });
    expect(answer.status).toBe(status);
    expect(answer.headers['x-asked']).toBe(`GET shop.example.com/a?b=c ${headers['x-a'] ?? ''}`.trim());
  });
});

describe('a variable that is made of another one', () => {
  const map = `map $http_x_user $user { "" ""; ADA 'the "first"'; default '"x-user": "$http_x_user", '; }`;
  const server = `server { listen 8080; location / { return 200 '{ $user"method": "$request_method" }'; } }`;

  test.each<[Record<string, string>, string]>([
    [{}, '{ "method": "GET" }'],
    [{ 'x-user': 'grace' }, '{ "x-user": "grace", "method": "GET" }'],
    [{ 'X-User': 'Ada' }, '{ the "first""method": "GET" }'],
  ])('%j', async (headers, body) => {
    const app = await startNginx(`${server} ${map}`);
    expect((await send(app, '/a', { headers })).body).toBe(body);
  });

  test('without a default it is empty, and a condition can ask for it', async () => {
    const asked = 'location / { if ($is_ada = yes) { return 200; } return 403 "<$is_ada>"; }';
    const app = await startNginx(`map $http_x_user $is_ada { ada yes; } server { ${asked} }`);
    expect((await send(app, '/', { headers: { 'x-user': 'ada' } })).status).toBe(200);
    expect(await send(app, '/')).toMatchObject({ status: 403, body: '<>' });
  });
});

describe('what is refused', () => {
  const stranger = 'the stand-in for nginx on target local does not know';
  test.each([
    [
      'server {\n proxy_pass http://a; }',
      `${stranger} the directive proxy_pass (file default.conf, line 2); it knows access_log, add_header, alias,`,
    ],
    ['upstream a { }', `${stranger} the directive upstream (file default.conf, line 1)`],
    ['toString 1;', `${stranger} the directive toString`],
    [
      'server { location ~ \\.php$ { } }',
      `${stranger} location ~ \\.php$ (file default.conf, line 1); it knows location PATH`,
    ],
    ['server { location / { location /a { } } }', `${stranger} a location within a location`],
    ['server { location @a { } }', `${stranger} location @a`],
    ['server { server_name ~a; }', `${stranger} the pattern ~a`],
    ['server { root $host; }', `${stranger} variables, as in $host`],
    [
      'server { return 200 $remote_addr; }',
      `${stranger} the variable $remote_addr (file default.conf, line 1); it knows $host,`,
    ],
    ['server { add_header a b$arg_c; }', `${stranger} the variable $arg_c`],
    ['map $http_a $b { ~a c; }', `${stranger} ~a in a map`],
    ['map $http_a $b { hostnames; }', `${stranger} hostnames in a map`],
    ['map $arg_a $b { c d; }', `${stranger} the variable $arg_a`],
    ['map $http_a $b { c $b; }', `${stranger} the variable $b`],
    ['map $http_a b { c d; }', 'invalid variable name "b"'],
    ['map $http_a $b { c; }', 'invalid number of the map parameters'],
    ['map $http_a $b { c d; C e; }', 'conflicting parameter "C"'],
    ['server { map $http_a $b { c d; } }', '"map" directive is not allowed here'],
    ['server { return 200 $b; } map $http_a $c { d e; }', `${stranger} the variable $b`],
    ['server { if ($host = a) { return 200; } }', '"if" directive is not allowed here'],
    ['server { location / { if ($arg_a = b) { return 200; } } }', `${stranger} if ($arg_a = b)`],
    ['server { location / { if ($http_a ~ b) { return 200; } } }', `${stranger} if ($http_a ~ b)`],
    ['server { location / { if ($http_a = b) { add_header c d; } } }', `${stranger} an if without a return`],
    ['server { location / { if ($http_a = b) { root /c; } } }', '"root" directive is not allowed here'],
    ['server { listen 127.0.0.1:80; }', `${stranger} listen 127.0.0.1:80`],
    ['server { listen unix:/a; }', `${stranger} listen unix:/a`],
    ['server { listen 443 ssl; }', `${stranger} listen … ssl`],
    ['server { add_header "a b" c; }', `${stranger} the header "a b"`],
    ['server { listen 0; }', 'listen 0'],
    ['server { listen 65536; }', 'listen 65536'],
    [
      'listen 80;',
      'nginx would not start: "listen" directive is not allowed here (file default.conf, line 1)',
    ],
    ['server { alias /a; }', '"alias" directive is not allowed here'],
    ['server;', 'directive "server" has no opening "{"'],
    ['server { listen 80 { } }', 'directive "listen" is not terminated by ";"'],
    ['server { root; }', 'invalid number of arguments in "root" directive'],
    ['server {\nroot /a;\nroot /b; }', '"root" directive is duplicate (file default.conf, line 3)'],
    ['server { location / { root /a; alias /b; } }', 'a location has "root" or "alias", not both'],
    ['server { location /a { } location /a { } }', 'duplicate location /a'],
    ['server { listen 80; listen *:80; }', 'duplicate listen *:80'],
    [
      'server { listen 80 default_server; } server { listen 80 default_server; }',
      'a duplicate default server for *:80',
    ],
    ['server { return 20; }', 'invalid return code "20"'],
    ['server { return 200; return 20; }', 'invalid return code "20"'],
    ['server { return ok; }', 'invalid return code "ok"'],
    ['server { add_header a b sometimes; }', 'invalid parameter "sometimes"'],
    ['server {', 'nginx would not start: unexpected end of file'],
  ])('%s', async (configuration, message) => {
    await expect(startNginx(configuration)).rejects.toMatchObject({
      name: 'HarnessError',
      code: 'E_NOT_READY',
      message: expect.stringContaining(message),
      hint: expect.stringMatching(/\.$/),
    });
  });

  test('a volume in the place of the whole configuration', async () => {
    await expect(start('nginx', { mounts: mountsOf({ '/etc/nginx': {} }) })).rejects.toThrow(
      /does not read a volume at/,
    );
  });
});
