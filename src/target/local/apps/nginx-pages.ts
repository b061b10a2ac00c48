/** The pages that nginx makes itself, for errors and redirects. Compared with nginx 1.22. */
import { STATUS_CODES } from 'node:http';
import { type Answer, answer } from './http.ts';

const withPage = new Set([
  301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416,
  421, 429, 500, 501, 502, 503, 504, 505, 507,
]);

/** Where nginx has other words than RFC 9110. */
const words: Readonly<Record<number, string>> = {
  401: 'Authorization Required',
  405: 'Not Allowed',
  408: 'Request Time-out',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Large',
  416: 'Requested Range Not Satisfiable',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
};

/** What nginx answers with a status and no text of its own: a page, or nothing for a status it has no page for. */
export function statusPage(status: number): Answer {
  if (!withPage.has(status)) return { status, reason: status < 300 ? undefined : '', headers: [], body: '' };
  const title = `${status} ${words[status] ?? STATUS_CODES[status]}`;
  const lines = [
    '<html>',
    `<head><title>${title}</title></head>`,
    '<body>',
    `<center><h1>${title}</h1></center>`,
    '<hr><center>nginx</center>',
    '</body>',
    '</html>',
    '',
  ];
  return { ...answer(status, 'text/html', lines.join('\r\n')), reason: reasons[status] };
}

const reasons: Readonly<Record<number, string>> = { 302: 'Moved Temporarily', 405: 'Not Allowed' };
