import { run } from '../../../src/api/index.ts';

for await (const event of run({ files: ['my-scenarios/'], target: 'local' })) {
  if (event.type === 'check-finished') console.log(event.check.state, event.check.id);
  if (event.type === 'run-finished') process.exitCode = event.exitCode;
}
