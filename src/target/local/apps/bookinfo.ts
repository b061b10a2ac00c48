/**
 * Stands in for the four services of Istio's sample Bookinfo: their paths, status codes and content types, with canned
 * answers. Each answers for itself; productpage does not ask the others.
 * Source: https://github.com/istio/istio/tree/master/samples/bookinfo/src
 */

import {
  type Answer,
  type App,
  type AppRequest,
  answer,
  headerValues,
  percentDecode,
} from './app-request.ts';
import { combined } from './combined-log.ts';

export type Service = 'productpage' | 'details' | 'reviews' | 'ratings';

interface Route {
  readonly path: RegExp;
  readonly methods: readonly string[];
  /** @param id what the group of the path matched */
  readonly run: (id: string, request: AppRequest) => Answer;
}

const json = 'application/json';
const html = 'text/html; charset=utf-8';
const get = ['GET', 'HEAD', 'OPTIONS'];
const title = 'The Comedy of Errors';

const details = (id: number) => ({
  id,
  author: 'William Shakespeare',
  year: 1595,
  type: 'paperback',
  language: 'English',
});
const ratings = (id: number) => ({ id, ratings: { Reviewer1: 5, Reviewer2: 4 } });
const reviews = (id: number) => ({
  id: String(id),
  podname: 'reviews-v1',
  clustername: 'null',
  reviews: [
    { reviewer: 'Reviewer1', text: 'Two pairs of twins, and not one of them carries a token.' },
    { reviewer: 'Reviewer2', text: 'Everybody is taken for somebody else. Check the issuer.' },
  ],
});
const products = [{ id: 0, title, descriptionHtml: `<b>${title}</b> is a play about mistaken identity.` }];

/** A route that takes the number of a book. @param code for what is not a number */
function book(path: RegExp, tell: (id: number) => unknown, code: number, what: string): Route {
  const refusal = answer(code, json, JSON.stringify({ error: what }));
  const run = (id: string) =>
    /^-?\d+$/.test(id) ? answer(200, json, JSON.stringify(tell(Number(id)))) : refusal;
  return { path, methods: get, run };
}

function page(path: RegExp, body: string): Route {
  return { path, methods: get, run: () => answer(200, html, body) };
}

function health(service: string): Route {
  const body = JSON.stringify({ status: `${service} is healthy` });
  return { path: /^\/health$/, methods: get, run: () => answer(200, json, body) };
}

function document(heading: string): string {
  return `<!DOCTYPE html>\n<title>Simple Bookstore App</title>\n<h1>${heading}</h1>\n`;
}

/** Back to where the user came from, with the cookie that the service keeps its session in. */
function session(path: RegExp, methods: readonly string[], cookie: string): Route {
  const run = (_: string, request: AppRequest): Answer => {
    const [back = '/productpage'] = headerValues(request, 'referer');
    return {
      ...answer(302, html, document('Redirecting')),
      headers: [
        ['Location', back],
        ['Set-Cookie', cookie],
        ['Content-Type', html],
      ],
    };
  };
  return { path, methods, run };
}

const needsNumber = 'please provide numeric product id';
const unavailable = (what: string) => `Sorry, product ${what} are currently unavailable for this book.`;

const services: Readonly<Record<Service, readonly Route[]>> = {
  productpage: [
    page(/^\/(?:index\.html)?$/, document('The services of Bookinfo')),
    page(/^\/health$/, 'Product page is healthy'),
    page(/^\/productpage$/, document(title)),
    session(/^\/login$/, ['POST', 'OPTIONS'], 'session=user; HttpOnly; Path=/'),
    session(
      /^\/logout$/,
      get,
      'session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/',
    ),
    {
      path: /^\/static\/.*\.css$/,
      methods: get,
      run: () => answer(200, 'text/css; charset=utf-8', 'body {}\n'),
    },
    {
      path: /^\/static\/.*\.js$/,
      methods: get,
      run: () => answer(200, 'text/javascript; charset=utf-8', '\n'),
    },
    { path: /^\/api\/v1\/products$/, methods: get, run: () => answer(200, json, JSON.stringify(products)) },
    book(/^\/api\/v1\/products\/([^/]+)$/, details, 400, unavailable('details')),
    book(/^\/api\/v1\/products\/([^/]+)\/reviews$/, reviews, 404, unavailable('reviews')),
    book(/^\/api\/v1\/products\/([^/]+)\/ratings$/, ratings, 400, unavailable('ratings')),
  ],
  details: [health('Details'), book(/^\/details(?:\/(.*))?$/, details, 400, needsNumber)],
  reviews: [health('Reviews'), book(/^\/reviews\/([^/]+)$/, reviews, 404, needsNumber)],
  ratings: [health('Ratings'), book(/^\/ratings\/(.*)$/, ratings, 400, needsNumber)],
};

/** @param containerPorts the ports that the container declares; 9080 when it declares none */
export function bookinfo(service: Service, containerPorts: readonly number[]): App {
  return {
    ports: containerPorts.length > 0 ? containerPorts : [9080],
    handle: (request) => respond(services[service], request),
    logLine: combined,
  };
}

function respond(routes: readonly Route[], request: AppRequest): Answer {
  // All four decode before they compare, so that an escaped slash is a slash to them. Dots are left as they are.
  const path = percentDecode(request.path)?.toString('utf8');
  if (path === undefined) return answer(400, html, document('Bad Request'));
  for (const route of routes) {
    const [all, id = ''] = route.path.exec(path) ?? [];
    if (all === undefined) continue;
    if (route.methods.includes(request.method)) return route.run(id, request);
    const refused = answer(405, html, document('Method Not Allowed'));
    return { ...refused, headers: [...refused.headers, ['Allow', route.methods.join(', ')]] };
  }
  return answer(404, html, document('Not Found'));
}
