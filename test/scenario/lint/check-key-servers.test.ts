import { describe, expect, test } from 'vitest';
import { mistakesOf } from '../support.ts';

const pathMistake = (found: string) => `the path has "${found}" in it, so nobody would get the keys there`;
const source = (server: string, step: string, mesh = '{}') => `name: sample
title: A sample
source: { document: FAQ, section: Sample }
mesh: ${mesh}
issuers: { sample: { issuer: me, keys: { old: {}, new: {} } }, plain: { issuer: you } }
tokens: { valid: { issuer: sample, key: old } }
keyServers:
  keys: ${server}
steps:
  - { name: first, ${step} }
  - { name: second, through: ingress, expect: { columns: [valid], /: [200] } }
`;
const works = '{ serves: sample, keys: [old], discovery: true, http2Only: true }';

describe('a step', () => {
  test.each([
    'set: { keys: { keys: [new], copies: 3, more: [{ kty: oct, k: AA }], delay: 1.5s, certificate: expired } }',
    'set: { keys: { body: "", type: text/plain, status: 404 } }',
    'set: { keys: { redirect: "http://${keyServers.keys.host}/other", status: 307, delay: 2m } }',
    'set: { keys: { stopped: true } }, after: { fetches: 2, of: keys }',
    'set: { keys: { reset: true, certificate: wrong-host } }',
    'set: { keys: {} }',
  ])('can say %s', (step) => {
    expect(mistakesOf(source(works, step))).toEqual([]);
  });

  test.each([
    ['set: {}', 'expected at least one key server, found an empty map'],
    ['set: { other: {} }', 'there is no key server "other"'],
    ['set: { keys: { keys: [older] } }', 'the issuer "sample" has no key "older"'],
    [
      'set: { keys: { status: 503, body: x, reset: true } }',
      '"status" has no meaning beside "reset"',
      '"body" has no meaning beside "reset"',
    ],
    ['set: { keys: { stopped: true, redirect: x } }', '"redirect" has no meaning beside "stopped"'],
    ['set: { keys: { keys: [new], status: 503 } }', '"keys" has no meaning beside "status"'],
    ['set: { keys: { type: text/html } }', '"type" has no meaning without "body"'],
    ['set: { keys: { redirect: "http://a\\nb" } }', String.raw`no header Location can have "\n" in it`],
    ['set: { keys: { redirect: "http://日本" } }', 'no header Location can have "日" in it'],
    ['set: { keys: { body: a, type: text/日 } }', 'no header Content-Type can have "日" in it'],
    ['set: { keys: { status: 101 } }', 'a status below 200 is no answer'],
    ['set: { keys: { delay: 3 } }', 'expected text, found 3'],
    ['set: { keys: { delay: 3h } }', 'expected a duration such as 500ms, 3s or 2m, found "3h"'],
    [
      'set: { keys: { delay: 1441m } }',
      'expected a duration of at most a day, which is 1440m, found "1441m"',
    ],
    ['set: { keys: { redirect: "${row}" } }', '${row} is not known here'],
    ['set: { keys: {} }, after: { fetches: 1, of: other }', 'there is no key server "other"'],
  ])('cannot say %s', (step, ...mistakes) => {
    expect(mistakesOf(source(works, step)).map((each) => each.replace(/^\S+ /, ''))).toEqual(mistakes);
  });
});

test.each([
  ['{ serves: sample, keys: [old], stopped: true, certificate: expired }'],
  ['{ serves: plain, where: in-cluster, pods: { namespace: foo, app: keys } }'],
])('a key server can be %s', (server) => {
  expect(
    mistakesOf(source(server, 'after: { fetches: 1, of: keys }, fetched: { from: keys, by: istiod }')),
  ).toEqual([]);
});

test.each([
  ['{ serves: plain, keys: [old] }', 'set: { keys: {} }', 'the issuer "plain" has no key "old"'],
  [
    '{ serves: plain, where: in-cluster, discovery: true }',
    'set: { keys: {} }',
    'only an external key server has "discovery"',
    '"keys" is in the cluster, and only external key servers can be set',
  ],
  [
    '{ serves: plain, where: in-cluster }',
    'after: { fetches: 1, of: keys }, fetched: { from: keys, by: istiod }',
    '"keys" is in the cluster, and nothing says which pods it is',
    '"keys" is in the cluster, and nothing says which pods it is',
  ],
  ['{ serves: plain, path: "/keys?a=b" }', 'set: { keys: {} }', pathMistake('?')],
  ['{ serves: plain, path: "/keys#a" }', 'set: { keys: {} }', pathMistake('#')],
  ['{ serves: plain, path: /schlüssel }', 'set: { keys: {} }', pathMistake('ü')],
  [
    '{ serves: plain, where: in-cluster, path: "/keys?a=b" }',
    'apply: [{ apiVersion: v1, kind: Namespace, metadata: { name: a } }]',
    pathMistake('?'),
  ],
  [
    '{ serves: plain, discovery: true, path: /.well-known/openid-configuration }',
    'set: { keys: {} }',
    'with "discovery" this path has the document, and not the keys',
  ],
  [
    '{ serves: plain }\n  keys~: { serves: plain }',
    'set: { keys: {} }',
    'the key servers "keys" and "keys~" would have the same host',
  ],
])('a key server cannot be %s', (server, step, ...mistakes) => {
  expect(mistakesOf(source(server, step)).map((each) => each.replace(/^\S+ /, ''))).toEqual(mistakes);
});

describe('the mesh', () => {
  test.each([
    '{ istiod: { PILOT_X: "1", B_2: "" } }',
    '{ pathNormalization: NONE, trustDomainAliases: [a, b], fetch: [envoy] }',
    '{ extensionProviders: [{ name: a, prometheus: {} }, { name: b, prometheus: {} }] }',
    '{ trustDomain: a.b, defaultConfig: { gatewayTopology: { numTrustedProxies: 1 }, proxyHeaders: {} } }',
  ])('can be %s', (mesh) => {
    expect(mistakesOf(source(works, 'set: { keys: {} }', mesh))).toEqual([]);
  });

  test.each([
    [
      '{ istiod: { PILOT_JWT_ENABLE_REMOTE_JWKS: envoy } }',
      'a scenario cannot set PILOT_JWT_ENABLE_REMOTE_JWKS',
    ],
    ['{ istiod: { https_proxy: x } }', 'a scenario cannot set https_proxy'],
    ['{ istiod: { A-B: x } }', '"A-B" cannot be the name of a variable'],
    ['{ istiod: { PILOT_X: 1 } }', 'expected text: put numbers, true and false in quotes, found 1'],
    ['{ trustDomainAliases: [a, a] }', '"a" is there twice'],
    ['{ trustDomain: "" }', 'expected a trust domain, such as new.example.com, found ""'],
    ['{ trustDomain: a b }', 'expected a trust domain, such as new.example.com, found "a b"'],
    ['{ trustDomain: "spiffe://a" }', 'expected a trust domain, such as new.example.com, found "spiffe://a"'],
    [
      '{ istiod: { PILOT_X: "a\\0" } }',
      'expected text without U+0000, which no variable can have, found "a\0"',
    ],
    ['{ extensionProviders: [{ name: a }] }', 'nothing says what kind of provider it is'],
    ['{ extensionProviders: [{ prometheus: {} }] }', 'a provider needs a name'],
    ['{ extensionProviders: [{ name: a, prometheus: 1 }] }', '"prometheus" of a provider must be a map'],
    [
      '{ extensionProviders: [{ name: a, prometheus: {}, zipkin: {} }] }',
      'a provider has either "prometheus" or "zipkin"',
    ],
    [
      '{ extensionProviders: [{ name: a, prometheus: {} }, { name: a, zipkin: {} }] }',
      'there already is a provider "a"',
    ],
    ['{ defaultConfig: { gatewayTopology: null } }', '"gatewayTopology" must be a map'],
    ['{ defaultConfig: { proxyHeaders: true } }', '"proxyHeaders" must be a map'],
    ['{ defaultConfig: {} }', 'expected at least one field'],
    ['{ defaultConfig: { concurrency: 2 } }', 'a scenario cannot set concurrency of proxies'],
    [
      '{ defaultConfig: { proxyHeaders: {}, proxyMetadata: {} } }',
      'a scenario cannot set proxyMetadata of proxies',
    ],
  ])('cannot be %s', (mesh, mistake) => {
    const [found] = mistakesOf(source(works, 'set: { keys: {} }', mesh));
    expect(found?.replace(/^\S+ /, '')).toBe(mistake);
  });
});
