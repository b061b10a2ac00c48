/** Tries a cell: a real run, the fault at its moment, and what has come of it. */
import type { Cell, Outcome } from './cell.ts';
import { titleOf } from './cell.ts';
import { messageOf, wrongWith } from './judge.ts';
import { LocalPlace, type Place } from './place.ts';

/** From the fault to the end of the run. */
const limitMs = 400_000;

/** Where something may run right now. */
const open = new Set<Place>();

/** Ends whatever cells have started, for when this program itself is ended. */
export async function clearUp(): Promise<void> {
  await Promise.allSettled([...open].map((place) => place.remove()));
}

export async function tryCell(cell: Cell): Promise<Outcome> {
  const { target, fault, moment, skip } = cell;
  const about = { cell: titleOf(cell), target, fault: fault.name, moment: moment.name };
  if (skip !== undefined) return { ...about, state: 'skipped', wrong: [skip] };
  const started = performance.now();
  const place = await (cell.place ?? (async () => new LocalPlace()))();
  open.add(place);
  const seconds = () => Math.round((performance.now() - started) / 100) / 10;
  try {
    const tried = await carryOut(cell, place);
    return { ...about, ...tried, state: tried.wrong.length === 0 ? 'ok' : 'wrong', seconds: seconds() };
  } catch (thrown) {
    const wrong = [(thrown as Error).message.slice(0, 2000)];
    return { ...about, state: 'wrong', wrong, seconds: seconds() };
  } finally {
    await place.remove();
    open.delete(place);
  }
}

type Tried = Pick<Outcome, 'wrong' | 'exit' | 'message' | 'output'>;

async function carryOut({ fault, moment, expected }: Cell, place: Place): Promise<Tried> {
  await fault.before?.(place);
  const running = place.run(fault.args, fault.env?.(place), fault.redirect);
  const wrong: string[] = [];
  try {
    await running.reaches(moment);
    const before = place.listening();
    await fault.bring(running, place);
    const ended = await running.ended(limitMs);
    if (ended === undefined) {
      return {
        wrong: [`it has not ended within ${limitMs / 1000} s`],
        message: messageOf(running.output),
        output: running.output,
      };
    }
    wrong.push(...(await wrongWith(ended, expected, place)));
    wrong.push(...((await fault.after?.(ended, place)) ?? []));
    wrong.push(...(await place.left(before)).map((each) => `left: ${each}`));
    return { wrong, exit: ended.exit, message: messageOf(ended.output), output: ended.output };
  } catch (thrown) {
    return { wrong: [...wrong, (thrown as Error).message.slice(0, 2000)], output: running.output };
  } finally {
    if (!running.isOver) running.kill('SIGKILL');
    await running.ended(10_000);
  }
}
