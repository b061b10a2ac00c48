/** Finds what YAML allows and would change in silence: numbers and keys that come out otherwise than they are written. */
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';

/** What is wrong about a node, and what to write instead. */
export type ReportNode = (node: Node, message: string, hint: string) => void;

/** Whether a key is the merge key `<<` of YAML 1.1: without quotes. */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === 'symbol';
}

/** The maps that a `<<` merges, in their order; undefined stands for what is no map. */
export function mergedMaps(
  value: unknown,
  follow: (node: unknown) => unknown,
): (YAMLMap<unknown, unknown> | undefined)[] {
  const source = follow(value);
  const maps = isSeq(source) ? source.items.map(follow) : [source];
  return maps.map((map) => (isMap(map) ? map : undefined));
}

/** Reports a number that JavaScript, and so JSON, cannot hold as it is written. */
export function checkNumber(scalar: Scalar, report: ReportNode): void {
  const { value, source = '' } = scalar;
  if (typeof value !== 'number') return;
  if (!Number.isFinite(value)) {
    report(scalar, `JSON has no number ${source}`, `Put it in quotes to have it as text: "${source}"`);
  } else if (/^[-+]?0\d/.test(source)) {
    const hint = `Put it in quotes to have it as text: "${source}"; for the number write ${value}.`;
    report(scalar, `${source} would lose its zeros`, hint);
  } else if (decimalOf(source) !== decimalOf(String(value))) {
    const hint = `Numbers keep about 16 digits, whole ones up to ${Number.MAX_SAFE_INTEGER}. Put it in quotes to have it as text: "${source}"`;
    report(scalar, `${source} would become ${value}`, hint);
  }
}

/** A number in one way of writing, digits and exponent, so that the same number is always the same text. */
function decimalOf(text: string): string {
  if (/^[-+]?0[xo]/.test(text)) return decimalOf(String(BigInt(text.replace(/^\+/, ''))));
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([-+]?)(\d*)\.?(\d*)(?:e([-+]?\d+))?$/i.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  if (kept === '') return '0';
  return `${sign === '-' ? '-' : ''}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`;
}

/** Reports keys of a map that would be lost: by becoming the same, by becoming another, or by what `<<` cannot merge. */
export function checkKeys(
  map: YAMLMap,
  report: ReportNode,
  reportTwice: ReportNode,
  follow: (node: unknown) => unknown,
): void {
  const seen = new Map<string, unknown>();
  for (const { key, value } of map.items as Pair<Node, unknown>[]) {
    if (isMap(key) || isSeq(key)) {
      report(key, 'a key must be text', 'Put the key in quotes.');
      continue;
    }
    const scalar = follow(key);
    if (!isScalar(scalar)) continue;
    const name = isMergeKey(scalar) ? '<<' : String(scalar.value ?? '');
    const at = isAlias(key) ? key : scalar;
    if (name === '__proto__') {
      const hint = 'JavaScript gives this name a meaning of its own. Choose another name.';
      report(at, 'a key cannot be called "__proto__"', hint);
    } else if (typeof scalar.value !== 'string' && !isMergeKey(scalar) && scalar.source !== name) {
      const hint = `Put the key in quotes: "${scalar.source ?? ''}"`;
      report(at, `the key ${scalar.source || 'without a name'} would become "${name}"`, hint);
    } else if (seen.has(name) && seen.get(name) === scalar.value) {
      reportTwice(at, `the key "${name}" is there twice`, 'Join both into one, or rename one of them.');
    } else if (seen.has(name)) {
      // Such as 1 and "1", which are not the same in YAML.
      const hint =
        name === '<<' ? 'Merge several maps with a list: "<<: [*one, *other]".' : 'Rename one of them.';
      report(at, `the key "${name}" is there twice`, hint);
    }
    seen.set(name, scalar.value);
    if (name === '<<' && isMergeKey(scalar) && mergedMaps(value, follow).includes(undefined)) {
      const hint =
        'Write "<<: *name" with the anchor of a map, or put "<<" in quotes to have a key of that name.';
      report(at, '"<<" merges maps, and this is none', hint);
    }
  }
}
