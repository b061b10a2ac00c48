import { ResultModel, run } from '../../../src/api/index.ts';

const model = new ResultModel();
for await (const event of run({ files: ['my-scenarios/'] })) {
  model.add(event);
  const { passed, failed } = model.result().counts;
  if (event.type === 'check-finished') console.log(`${passed} passed, ${failed} failed so far`);
}
