import { HarnessError, run } from '../../../src/api/index.ts';

try {
  for await (const event of run({ files: ['my-scenarios/'], signal: AbortSignal.timeout(10 * 60_000) })) {
    if (event.type === 'check-finished' && event.check.state === 'failed') break;
  }
} catch (thrown) {
  if (!(thrown instanceof HarnessError)) throw thrown;
  console.error(`${thrown.code}: ${thrown.message}`);
  if (thrown.hint !== undefined) console.error(thrown.hint);
}
