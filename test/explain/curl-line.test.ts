import { describe, expect, test } from 'vitest';
import { parseCurlLine } from '../../src/explain/curl-line.ts';

const env = { TOKEN: 'e30.e30.x', EMPTY: '' };
const form = ['Content-Type', 'application/x-www-form-urlencoded'];
const parse = (line: string) => parseCurlLine(line, env);

describe('a curl line', () => {
  test.each([
    ['curl http://httpbin.foo:8000/ip', 'GET', 'httpbin.foo:8000', '/ip', []],
    ['curl httpbin.foo', 'GET', 'httpbin.foo', '/', []],
    ['http://a.b/x?y=1#z', 'GET', 'a.b', '/x?y=1', []],
    ['curl -sSi --path-as-is http://a.b/x/../y', 'GET', 'a.b', '/x/../y', []],
    ["curl -X DELETE 'http://a.b/a b'", 'DELETE', 'a.b', '/a b', []],
    ['curl -XPUT -d {} http://a.b', 'PUT', 'a.b', '/', [form]],
    // Short options can stand together, and the last of them can have a value.
    ['curl http://a.b/x -sX PUT', 'PUT', 'a.b', '/x', []],
    ['curl -skHX:1 http://a.b/x', 'GET', 'a.b', '/x', [['X', '1']]],
    ['curl -sSf --limit-rate 1M -r 0-9 http://a.b -E me.pem -D -', 'GET', 'a.b', '/', []],
    ['curl -T file http://a.b/x', 'PUT', 'a.b', '/x', []],
    // -G writes data into the query.
    ['curl -G -d a=1 --data-urlencode "b=x y" http://a.b/x?c=2', 'GET', 'a.b', '/x?c=2&a=1&b=x%20y', []],
    ['curl -d a=1 --url-query "b=(1)" http://a.b/x#y', 'POST', 'a.b', '/x?b=%281%29', [form]],
    ['curl -H Content-Type:text/plain -d a http://a.b', 'POST', 'a.b', '/', [['Content-Type', 'text/plain']]],
    // Another program, and where output goes, are no part of the request.
    ['curl http://a.b/x | jq .y', 'GET', 'a.b', '/x', []],
    ['curl http://a.b/x; echo done', 'GET', 'a.b', '/x', []],
    ['curl http://a.b/x && curl http://c.d', 'GET', 'a.b', '/x', []],
    ['curl http://a.b/x -d @- <<EOF\nbody\nEOF', 'POST', 'a.b', '/x', [form]],
    ['curl 2>/dev/null http://a.b/x >out 2>&1', 'GET', 'a.b', '/x', []],
    // Without quotes, a shell would cut it there.
    ['curl http://a.b/x?y=1&z=2;v', 'GET', 'a.b', '/x?y=1&z=2;v', []],
    ['kubectl -n foo exec deploy/sleep -- /usr/bin/curl http://a.b/x -I', 'HEAD', 'a.b', '/x', []],
    ['$ curl a.b/x', 'GET', 'a.b', '/x', []],
    ['curl http://a.b/x/../y/./z/..?q=/../r', 'GET', 'a.b', '/y/?q=/../r', []],
    ['curl --http1.0 --head -X GET http://a.b', 'GET', 'a.b', '/', []],
    // Beside a whole address in the request line, a Host says nothing.
    ['curl --request-target http://c.d/e -H Host:f a.b', 'GET', 'c.d', '/e', []],
    ['curl --request-target /e/../f http://a.b/x', 'GET', 'a.b', '/e/../f', []],
    ['curl -X POST -H X:1 a.b/x --next -H Y:2 c.d', 'GET', 'c.d', '/', [['Y', '2']]],
    [
      'curl --json {} http://a.b',
      'POST',
      'a.b',
      '/',
      [
        ['Accept', 'application/json'],
        ['Content-Type', 'application/json'],
      ],
    ],
    ['curl -I http://a.b', 'HEAD', 'a.b', '/', []],
    [
      'curl --no-buffer --no-sessionid --tlsv1.2 --http2 --proxy-tlsv1 --of-tomorrow a.b',
      'GET',
      'a.b',
      '/',
      [],
    ],
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
    ['curl -H "X;" a.b', 'GET', 'a.b', '/', [['X', '']]],
    // As browsers copy it.
    ["curl $'http://a.b/\\u0041?b=it\\'s' -H $'X: \\x31\\t2'", 'GET', 'a.b', "/A?b=it's", [['X', '1\t2']]],
    ['curl "a.b/\\\nx"', 'GET', 'a.b', '/x', []],
    // Of two ways to write a header, -H counts.
    [
      'curl -u me:secret -H "Authorization: Bearer x" a.b',
      'GET',
      'a.b',
      '/',
      [['Authorization', 'Bearer x']],
    ],
    ['curl -u me:secret -H Authorization: a.b', 'GET', 'a.b', '/', []],
    ['curl http://me:secret@a.b', 'GET', 'a.b', '/', [['Authorization', 'Basic bWU6c2VjcmV0']]],
    ['curl -b a=1 -b b=2 -b "" a.b', 'GET', 'a.b', '/', [['Cookie', 'a=1; b=2']]],
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
    ['curl -H "X: `cat token`" a.b', 'the curl line runs a command'],
    ['curl -H "X: ${TOKEN:-none}" a.b', 'the curl line has ${TOKEN:-none}, which only a shell can fill in'],
    ['curl -H @headers a.b', 'the curl line reads headers from a file'],
    ['curl -H Authorization: Bearer x.y.z http://a.b', 'the curl line has 3 words where one address belongs'],
    ['curl -K options a.b', 'the curl line reads options from a file'],
    ['curl -b jar a.b', 'the curl line reads cookies from a file'],
    ['curl -G --data-urlencode x@file a.b', 'the curl line reads a part of the query from a file'],
    ['curl a.b --max-time', '--max-time in the curl line has no value'],
    // What it means would be missing in the request.
    ["curl a.b --heder 'X: 1'", 'curl has no option --heder'],
    ['curl a.b --data-urlencoded x=y', 'curl has no option --data-urlencoded'],
    ['curl http://[', 'http://[ in the curl line is no address'],
  ])('%s is refused', (line, message) => {
    expect(() => parse(line)).toThrow(expect.objectContaining({ code: 'E_USAGE', message }));
  });
});
