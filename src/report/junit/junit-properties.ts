/** The <properties> of JUnit suites: what was tested, with what, by which document. */
import { type MeshFacts, sourceText } from '../../base/events.ts';
import { mutationScore } from '../mutation.ts';
import type { RunResult, ScenarioResult } from '../result.ts';

export function runProperties(result: RunResult): [string, string][] {
  return [
    ['run.id', result.run.id],
    ['jwt-e2e.version', result.run.version],
  ];
}

export function meshProperties(mesh: MeshFacts): [string, string][] {
  const known: [string, string | undefined][] = [
    ['target', mesh.target],
    ['target.reason', mesh.reason],
    ['istio.version', mesh.istio],
    ['envoy.version', mesh.envoy],
    ['kubernetes.version', mesh.kubernetes],
    ['asm.version', mesh.asm],
    ...Object.entries(mesh.details ?? {}).map(([name, value]): [string, string] => [`mesh.${name}`, value]),
  ];
  return known.filter((pair): pair is [string, string] => pair[1] !== undefined);
}

export function scenarioProperties(
  result: RunResult,
  { info, mutation }: ScenarioResult,
  mesh: MeshFacts | undefined,
): [string, string][] {
  const fetch = info.fetch ?? mesh?.fetch;
  return [
    ...runProperties(result),
    ...(mesh === undefined ? [] : meshProperties(mesh)),
    ...(fetch === undefined ? [] : [['fetch.mode', fetch] satisfies [string, string]]),
    ...Object.entries(info.settings ?? {}).map(([name, value]): [string, string] => [`mesh.${name}`, value]),
    ['scenario', info.name],
    ['scenario.title', info.title],
    ['scenario.file', info.place.file],
    ['profile', info.profile],
    ['tags', info.tags.join(' ')],
    ...(sourceText(info.source) === undefined
      ? []
      : ([
          ['source.document', info.source.document],
          ['source.section', info.source.section],
        ] satisfies [string, string][])),
    ...(mutation === undefined
      ? []
      : [['mutation.score', mutationScore(mutation)] satisfies [string, string]]),
    ...(info.source.url === undefined ? [] : [['source.url', info.source.url] satisfies [string, string]]),
  ];
}
