import { describe, expect, test } from 'vitest';
import { parseCurlLine } from '../../src/explain/curl-line.ts';

const env = { TOKEN: 'e30.e30.x', EMPTY: '' };
const parse = (line: string) => parseCurlLine(line, env);

describe('a curl line', () => {
  test.each([
    ['curl http://httpbin.foo:8000/ip', 'GET', 'httpbin.foo:8000', '/ip', []],
    ['curl httpbin.foo', 'GET', 'httpbin.foo', '/', []],
    ['http://a.b/x?y=1#z', 'GET', 'a.b', '/x?y=1', []],
    ['curl -sSi --path-as-is http://a.b/x/../y', 'GET', 'a.b', '/x/../y', []],
    ["curl -X DELETE 'http://a.b/a b'", 'DELETE', 'a.b', '/a b', []],
    ['curl -XPUT -d {} http://a.b', 'PUT', 'a.b', '/', []],
    ['curl --http1.0 --head -X GET http://a.b', 'GET', 'a.b', '/', []],
    // Beside a whole address in the request line, a Host says nothing.
    ['curl --request-target http://c.d/e -H Host:f a.b', 'GET', 'c.d', '/e', []],
    ['curl --request-target /e/../f http://a.b/x', 'GET', 'a.b', '/e/../f', []],
    ['curl -X POST -H X:1 a.b/x --next -H Y:2 c.d', 'GET', 'c.d', '/', [['Y', '2']]],
    ['curl --json {} http://a.b', 'POST', 'a.b', '/', []],
    ['curl -I http://a.b', 'HEAD', 'a.b', '/', []],
    ['curl -o /dev/null -w %{http_code} -m 3 http://a.b', 'GET', 'a.b', '/', []],
    [
      'curl -H "Authorization: Bearer $TOKEN" http://a.b',
      'GET',
      'a.b',
      '/',
      [['Authorization', 'Bearer e30.e30.x']],
    ],
    // A shell fills in nothing between single quotes.
    ["curl -H 'X: ${TOKEN}' a.b", 'GET', 'a.b', '/', [['X', '${TOKEN}']]],
    [
      'curl --header=X:1 -HY:2 a.b',
      'GET',
      'a.b',
      '/',
      [
        ['X', '1'],
        ['Y', '2'],
      ],
    ],
    ['curl --oauth2-bearer ${TOKEN} a.b', 'GET', 'a.b', '/', [['Authorization', 'Bearer e30.e30.x']]],
    ['curl -u me:secret a.b', 'GET', 'a.b', '/', [['Authorization', 'Basic bWU6c2VjcmV0']]],
    [
      'curl -b session=1 -A me a.b',
      'GET',
      'a.b',
      '/',
      [
        ['Cookie', 'session=1'],
        ['User-Agent', 'me'],
      ],
    ],
    ['curl \\\n  -H X:\\"1\\" \\\n  a.b', 'GET', 'a.b', '/', [['X', '"1"']]],
    ['curl -H Accept: a.b', 'GET', 'a.b', '/', []],
  ])('%s', (line, method, host, path, headers) => {
    const request = parse(line);
    expect([request.method, request.url.host, request.path, request.headers]).toEqual([
      method,
      host,
      path,
      headers,
    ]);
  });

  test.each([
    ['', 'the curl line has no address'],
    ['curl -H', '-H in the curl line has no value'],
    ['curl -H "X: 1 a.b', 'a quote (") in the curl line is not closed'],
    ['curl -H "Authorization: Bearer $NONE" a.b', 'the curl line uses $NONE, which is not set'],
    ['curl -H "X: $(cat token)" a.b', 'the curl line runs a command'],
    ['curl -H @headers a.b', 'the curl line reads headers from a file'],
    ['curl http://[', 'http://[ in the curl line is no address'],
  ])('%s is refused', (line, message) => {
    expect(() => parse(line)).toThrow(expect.objectContaining({ code: 'E_USAGE', message }));
  });
});
