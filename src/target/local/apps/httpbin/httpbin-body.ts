/** How go-httpbin reads a request body. */
import type { AppRequest } from '../app-request.ts';
import { headerValues } from '../app-request.ts';
import { type Lists, parseForm } from './httpbin-request.ts';

/** What the answers of /post, /anything and others say of the body. */
export interface BodyFields {
  readonly data: string;
  readonly files: Lists;
  readonly form: Lists;
  readonly json: unknown;
}

// The default of go-httpbin's -max-body-size, in bytes.
const maxBodyBytes = 1024 * 1024;

/**
 * Reads the body by its content type.
 *
 * @throws Error with the detail for an answer 400
 */
export async function readFields(request: AppRequest): Promise<BodyFields> {
  const body = await request.body(maxBodyBytes);
  if (body === undefined) throw new Error('http: request body too large');
  const none: BodyFields = { data: '', files: {}, form: {}, json: null };
  if (body.length === 0) return none;
  const [contentType = ''] = headerValues(request, 'content-type');
  const data = body.toString('utf8');
  const [mediaType = ''] = contentType.split(';', 1);
  switch (mediaType) {
    case 'text/html':
    case 'text/plain':
      return { ...none, data };
    case 'application/x-www-form-urlencoded':
      return { ...none, data, form: parseForm(data) };
    case 'multipart/form-data':
      return { ...none, data, ...(await readMultipart(body, contentType)) };
    case 'application/json':
      return { ...none, data, json: JSON.parse(data) };
    default:
      return { ...none, data: dataUrl(body, mediaType) };
  }
}

async function readMultipart(body: Buffer, contentType: string): Promise<{ form: Lists; files: Lists }> {
  const form: Record<string, string[]> = {};
  const files: Record<string, string[]> = {};
  const response = new Response(new Uint8Array(body), { headers: { 'content-type': contentType } });
  for (const [name, value] of await response.formData()) {
    const [into, text] = typeof value === 'string' ? [form, value] : [files, await value.text()];
    into[name] = [...(into[name] ?? []), text];
  }
  return { form, files };
}

/** As go-httpbin writes data URLs: in the URL-safe alphabet of RFC 4648, with padding. */
function dataUrl(body: Buffer, mediaType: string): string {
  const base64 = body.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  return `data:${mediaType === '' ? 'application/octet-stream' : mediaType};base64,${base64}`;
}
