import { resultOf, run } from '../../../src/api/index.ts';

const { counts, scenarios, exitCode } = await resultOf(
  run({
    files: ['my-scenarios/'],
    target: 'local',
    grep: 'ip-needs-a-token',
    settings: { 'answer-timeout': 60, artifacts: 'evidence' },
  }),
);
console.log(`${counts.passed} passed, ${counts.failed} failed, exit code ${exitCode}`);
for (const { checks } of scenarios) {
  for (const { id, state, message } of checks) {
    if (state === 'failed') console.log(`${id}: ${message}`);
  }
}
