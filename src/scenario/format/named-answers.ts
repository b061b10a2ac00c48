/** Names of answers, in cells, are the answers that the scenario gives these names. */

import { isMap } from '../../base/kube-object.ts';
import { hintFor } from '../../base/suggest.ts';
import type { Path } from '../yaml/yaml-file.ts';
import { codeClass } from './schema-tables.ts';

interface Problem {
  readonly path: Path;
  readonly message: string;
  readonly hint: string;
}

/**
 * The data of a scenario whose cells have no names any more, and what is wrong with those that name nothing. Whatever else is
 * wrong stays as it is.
 */
export function withAnswers(data: unknown): { data: unknown; problems: readonly Problem[] } {
  if (!isMap(data) || !Array.isArray(data.steps)) return { data, problems: [] };
  const answers = isMap(data.answers) ? data.answers : {};
  const hint = 'In a cell it is a status code. Choose another name.';
  const problems: Problem[] = Object.keys(answers)
    .filter((name) => codeClass.test(name) || /^\d*$/.test(name))
    .map((name) => ({ path: ['answers', name], message: `"${name}" cannot be the name of an answer`, hint }));
  const resolve = (cell: unknown, path: Path): unknown => {
    if (Array.isArray(cell)) return cell.map((each, index) => resolve(each, [...path, index]));
    if (typeof cell !== 'string') return cell;
    if (codeClass.test(cell)) return { code: cell };
    if (Object.hasOwn(answers, cell)) return answers[cell];
    problems.push({ path, ...unknown(cell, Object.keys(answers)) });
    return 200;
  };
  const steps = data.steps.map((step: unknown, index) => {
    if (!isMap(step) || !isMap(step.expect)) return step;
    const rows = Object.entries(step.expect).map(([row, cells]) => {
      const path = ['steps', index, 'expect', row];
      const isRow = row !== 'columns' && Array.isArray(cells);
      return [row, isRow ? cells.map((cell: unknown, at) => resolve(cell, [...path, at])) : cells];
    });
    return { ...step, expect: Object.fromEntries(rows) };
  });
  return { data: { ...data, steps }, problems };
}

function unknown(name: string, names: readonly string[]): { message: string; hint: string } {
  if (/^\d{3}$/.test(name))
    return { message: `the status code ${name} is a text here`, hint: `Write ${name} without quotes.` };
  if (names.length > 0)
    return { message: `there is no answer "${name}"`, hint: hintFor(name, names, 'answers') };
  return {
    message: `"${name}" is no status code, and there is no answer of this name`,
    hint: `Write a status code such as 200, a class of them such as 2xx, or an answer such as { code: 401, body: … }; or say under "answers:" at the top of the scenario what "${name}" is.`,
  };
}
