/** A request out of a curl line, as people have it at hand. */
import { nearest } from '../base/suggest.ts';
import type { Header } from '../policy/input.ts';
import { pathAndQuery, withoutDots, withoutQuery } from '../policy/match/path.ts';
import { shellWords, wrong } from './shell-words.ts';

export interface CurlRequest {
  readonly method: string;
  readonly url: URL;
  /** Path and query as they are sent: a URL object would normalize them. */
  readonly path: string;
  readonly headers: readonly Header[];
}

/** Short options that have a value, with the long name of those that a policy could notice. */
const short: Readonly<Record<string, string>> = {
  ...{ A: 'user-agent', b: 'cookie', d: 'data', e: 'referer', F: 'form', G: 'get', H: 'header', I: 'head' },
  ...{ K: 'config', T: 'upload-file', u: 'user', X: 'request', ':': 'next' },
};
const shortWithValue = 'AbcCdDeEFHKmoPQrtTuUwxXyYz';

/** Of curl 8: all long options that have a value. */
const longWithValue = new Set(
  `abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to
   continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary data-raw data-urlencode
   delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header ech egd-file engine etag-compare
   etag-save expect100-timeout form form-string happy-eyeballs-timeout-ms haproxy-clientip header hostpubmd5
   hostpubsha256 hsts interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type libcurl limit-rate
   local-port login-options max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output output-dir
   parallel-max pass pinnedpubkey preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath proxy-cert
   proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey
   proxy-service-name proxy-tls13-ciphers proxy-user proxy1.0 pubkey quote random-file range rate referer request
   request-target resolve retry retry-delay retry-max-time sasl-authzid service-name sigalgs socks4 socks4a socks5
   socks5-gssapi-service socks5-hostname speed-limit speed-time stderr time-cond tls-max tls13-ciphers tlsauthtype
   tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file url url-query user user-agent variable
   vlan-priority write-out`.split(/\s+/),
);

/** The long options that have none, without the `no-` that may stand before them. */
const longAlone = new Set(
  `anyauth append basic cert-status compressed compressed-ssh create-dirs crlf digest disable disable-eprt disable-epsv
   disallow-username-in-url doh-cert-status doh-insecure fail fail-early fail-with-body false-start form-escape
   ftp-create-dirs ftp-pasv ftp-pret ftp-skip-pasv-ip ftp-ssl-ccc ftp-ssl-control get globoff haproxy-protocol head
   http0.9 http1.0 http1.1 http2 http2-prior-knowledge http3 http3-only ignore-content-length include insecure ipv4
   ipv6 junk-session-cookies list-only location location-trusted mail-rcpt-allowfails manual metalink negotiate netrc
   netrc-optional next alpn buffer clobber keepalive npn progress-meter sessionid ntlm ntlm-wb parallel
   parallel-immediate path-as-is post301 post302 post303 progress-bar proxy-anyauth proxy-basic proxy-digest
   proxy-insecure proxy-negotiate proxy-ntlm proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel
   raw remote-header-name remote-name remote-name-all remote-time remove-on-error retry-all-errors retry-connrefused
   sasl-ir show-error show-headers silent skip-existing socks5-basic socks5-gssapi socks5-gssapi-nec ssl
   ssl-allow-beast ssl-auto-client-cert ssl-no-revoke ssl-reqd ssl-revoke-best-effort sslv2 sslv3 styled-output
   suppress-connect-headers tcp-fastopen tcp-nodelay tftp-no-options tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tr-encoding
   trace-ids trace-time use-ascii verbose version xattr`.split(/\s+/),
);

/** What of a line says what is sent. */
class Given {
  method: string | undefined;
  isHead = false;
  isGet = false;
  isUpload = false;
  data: string | undefined;
  readonly query: string[] = [];
  /** Of the query or the body. */
  isFromFile = false;
  /** By `-H`. */
  readonly headers: Header[] = [];
  /** Those that curl makes of other options. */
  readonly own = new Map<string, string>();
  /** Names in `-H`, also of a header that is only taken away, in small letters: curl makes no such header itself. */
  readonly replaced = new Set<string>();
  target: string | undefined;
}

/**
 * @param line with or without `curl` at its beginning
 * @param env for `$NAME` and `${NAME}`
 * @throws HarnessError E_USAGE for what is no curl line, or reads a file
 */
export function parseCurlLine(line: string, env: Readonly<Record<string, string | undefined>>): CurlRequest {
  const all = shellWords(line, env);
  // In front of it may be a prompt, or a way into a pod: kubectl exec … -- curl.
  const words = all.slice(all.findIndex((word) => /^(?:\S*\/bin\/)?curl(?:\.exe)?$/.test(word)) + 1);
  let given = new Given();
  let addresses: string[] = [];
  let isAsItIs = false;
  for (let next = words.shift(); next !== undefined; next = words.shift()) {
    if (!next.startsWith('-') || next === '-') {
      addresses.push(next);
      continue;
    }
    for (const [option, name, value] of optionsOf(next, words)) {
      if (value === undefined && longWithValue.has(name))
        throw wrong(`${option} in the curl line has no value`);
      const meant = option.startsWith('--') ? meantBy(name) : undefined;
      if (meant !== undefined)
        throw wrong(`curl has no option ${option}`, `Did you mean --${meant}? Otherwise leave it out.`);
      if (name === 'url') addresses.push(value ?? '');
      else if (name === 'path-as-is') isAsItIs = true;
      // What comes before, on the same connection, is another request.
      else if (name === 'next') [given, addresses] = [new Given(), []];
      else take(name, value ?? '', given);
    }
  }
  const [address] = addresses;
  if (address === undefined) throw wrong('the curl line has no address');
  if (addresses.length > 1)
    throw wrong(
      // Not which: one of them may be a token.
      `the curl line has ${addresses.length} words where one address belongs`,
      'Are quotes missing, such as around a header? Otherwise ask about one after the other.',
    );
  return requestOf(address, given, isAsItIs);
}

/** What a misspelt long option means, which has a value; one that only a newer curl knows is like none of them. */
function meantBy(name: string): string | undefined {
  if (longWithValue.has(name) || longAlone.has(name.replace(/^no-/, ''))) return undefined;
  return nearest(name, longWithValue);
}

/** `-sSHName: x` and `--header=x`, taken apart; a value may be the next word. */
function* optionsOf(word: string, words: string[]): Generator<[string, string, string | undefined]> {
  if (word.startsWith('--')) {
    const [, option = word, value] = /^(--[^=]*)=(.*)$/s.exec(word) ?? [];
    const name = option.slice(2);
    yield [option, name, value ?? (longWithValue.has(name) ? words.shift() : undefined)];
    return;
  }
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] ?? '';
    const name = short[letter] ?? '';
    if (!shortWithValue.includes(letter)) yield [`-${letter}`, name, undefined];
    else {
      const value = word.slice(at + 1) || words.shift();
      if (value === undefined) throw wrong(`-${letter} in the curl line has no value`);
      yield [`-${letter}`, name, value];
      return;
    }
  }
}

function take(name: string, value: string, given: Given): void {
  const add = (type: string, text: string) => {
    given.data = given.data === undefined ? text : `${given.data}&${text}`;
    given.own.set('Content-Type', type);
  };
  switch (name) {
    case 'request':
      given.method = value;
      break;
    case 'head':
      given.isHead = true;
      break;
    case 'get':
      given.isGet = true;
      break;
    case 'upload-file':
      given.isUpload = true;
      break;
    case 'request-target':
      given.target = value;
      break;
    case 'config':
      throw wrong('the curl line reads options from a file', 'Write the options into the line.');
    case 'header':
      addHeader(value, given);
      break;
    case 'user-agent':
      given.own.set('User-Agent', value);
      break;
    case 'referer':
      given.own.set('Referer', value.replace(/;auto$/, ''));
      break;
    case 'cookie':
      if (value !== '' && !value.includes('='))
        throw wrong('the curl line reads cookies from a file', 'Write them into the line: -b NAME=VALUE.');
      given.own.set('Cookie', [given.own.get('Cookie'), value].filter(Boolean).join('; '));
      break;
    case 'oauth2-bearer':
      given.own.set('Authorization', `Bearer ${value}`);
      break;
    case 'user':
      given.own.set('Authorization', basic(value));
      break;
    case 'url-query':
      given.isFromFile ||= readsFile(value);
      given.query.push(value.startsWith('+') ? value.slice(1) : urlEncoded(value));
      break;
    case 'json':
      given.own.set('Accept', 'application/json');
      add('application/json', value);
      break;
    case 'form':
    case 'form-string':
      add('multipart/form-data; boundary=', '');
      break;
    case 'data-urlencode':
      given.isFromFile ||= readsFile(value);
      add('application/x-www-form-urlencoded', urlEncoded(value));
      break;
    case 'data':
    case 'data-ascii':
    case 'data-binary':
      given.isFromFile ||= value.startsWith('@');
      add('application/x-www-form-urlencoded', value);
      break;
    case 'data-raw':
      add('application/x-www-form-urlencoded', value);
  }
}

function requestOf(given: string, said: Given, isAsItIs: boolean): CurlRequest {
  const { target, data, isGet, own } = said;
  const query = [...said.query, ...(isGet && data !== undefined ? [data] : [])];
  if (query.length > 0 && said.isFromFile)
    throw wrong('the curl line reads a part of the query from a file', 'Write it into the line.');
  if (isGet) own.delete('Content-Type');
  let address = target?.replace(/^(?=\/)/, `${/^(?:[a-z]+:\/\/)?[^/]*/i.exec(given)?.[0]}`) ?? given;
  if (query.length > 0 && target === undefined) {
    const [bare = ''] = address.split('#');
    address = `${bare}${bare.includes('?') ? '&' : '?'}${query.join('&')}`;
  }
  const whole = /^[a-z]+:\/\//i.test(address) ? address : `http://${address}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined) throw wrong(`${address} in the curl line is no address`);
  if (url.username !== '' && !own.has('Authorization'))
    own.set(
      'Authorization',
      basic(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`),
    );
  // Beside a whole address in the request line, a Host says nothing.
  const isAbsolute = /^https?:\/\//i.test(target ?? '');
  const implied = said.isHead ? 'HEAD' : said.isUpload ? 'PUT' : data === undefined || isGet ? 'GET' : 'POST';
  const path = pathAndQuery(whole);
  // curl follows dots itself, unless it is told not to.
  const plain = withoutQuery(path);
  return {
    method: said.method ?? implied,
    url,
    path: isAsItIs || target !== undefined ? path : `${withoutDots(plain)}${path.slice(plain.length)}`,
    headers: [
      ...said.headers.filter(([name]) => !(isAbsolute && name.toLowerCase() === 'host')),
      ...[...own].filter(([name, value]) => value !== '' && !said.replaced.has(name.toLowerCase())),
    ],
  };
}

/** `Name: value`; `Name:` takes the header away, and `Name;` sends it without a value. */
function addHeader(text: string, { headers, replaced }: Given): void {
  if (text.startsWith('@'))
    throw wrong('the curl line reads headers from a file', 'Write the headers into the line.');
  const [, name = '', sign, value = ''] = /^\s*([^:;]*[^:;\s])\s*([:;])\s*(.*?)\s*$/s.exec(text) ?? [];
  if (sign === undefined || (sign === ';' && value !== '')) return;
  replaced.add(name.toLowerCase());
  if (sign === ';' || value !== '') headers.push([name, value]);
}

function basic(user: string): string {
  return `Basic ${Buffer.from(user).toString('base64')}`;
}

/** `@file` and `name@file` of what is written for a query. */
function readsFile(text: string): boolean {
  return /^[^=@]*@/.test(text);
}

/** As `--data-urlencode` does: of `name=content` only the content. */
function urlEncoded(text: string): string {
  const [, name = '', content = text] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const hard = (sign: string) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;
  const encoded = encodeURIComponent(content).replace(/[!'()*]/g, hard);
  return name === '' ? encoded : `${name}=${encoded}`;
}
