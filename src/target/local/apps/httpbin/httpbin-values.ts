/** The values in the paths of /status and /delay, read as go-httpbin reads them. */

const maxDelay = 10_000;
const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3600e3,
};

/**
 * A delay: seconds, or a duration of Go such as `1.5s` or `200ms`.
 *
 * @returns milliseconds, at most 10 000
 * @throws Error with the detail for an answer 400
 */
export function parseDelay(text: string): number {
  const ms = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) * 1000 : goDuration(text);
  if (ms === undefined) throw new Error(`invalid duration: ${JSON.stringify(text)}`);
  if (ms > maxDelay) throw new Error(`invalid duration: duration ${text} longer than 10s`);
  if (ms < 0) throw new Error(`invalid duration: duration ${text} shorter than 0s`);
  return ms;
}

function goDuration(text: string): number | undefined {
  const part = String.raw`(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)`;
  if (!new RegExp(`^[+-]?(?:${part})+$`).test(text)) return undefined;
  const sum = [...text.matchAll(new RegExp(part, 'g'))].reduce(
    (total, [, count, unit = '']) => total + Number(count) * (units[unit] ?? 0),
    0,
  );
  return text.startsWith('-') ? -sum : sum;
}

/**
 * One status code, or several of which one is drawn: `200,503`, or with weights `200:0.9,503:0.1`.
 *
 * @param random from 0 up to but not including 1
 * @throws Error with the detail for an answer 400
 */
export function parseStatus(text: string, random: number): number {
  const several = text.includes(',');
  const choices = text.split(',').map((choice): [number, number] => {
    const [code = '', weight = '1', ...more] = several ? choice.split(':') : [choice];
    if (more.length > 0 || !/^\d+(\.\d+)?$/.test(weight)) {
      throw new Error(`invalid choice value: ${JSON.stringify(choice)}`);
    }
    return [parseCode(code), Number(weight)];
  });
  let left = random * choices.reduce((sum, [, weight]) => sum + weight, 0);
  const chosen = choices.find(([, weight]) => {
    left -= weight;
    return left < 0;
  });
  return (chosen ?? choices[choices.length - 1]!)[0];
}

function parseCode(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`invalid status code: ${JSON.stringify(text)}`);
  const code = Number(text);
  if (code < 100 || code > 599) throw new Error(`invalid status code: ${code} not in range [100, 599]`);
  return code;
}
