import { expect, test } from 'vitest';
import { EventStream } from '../../src/api/event-stream.ts';

/** Lets what waits go on. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const each of stream) seen.push(each);
  return seen;
}

test('yields events in their order, those before and those after somebody waits', async () => {
  const stream = new EventStream<number>(async (emit) => {
    emit(1);
    emit(2);
    await turn();
    emit(3);
  });
  expect(await all(stream)).toEqual([1, 2, 3]);
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test('yields an event at once, and not when everything is over', async () => {
  let finish = () => {};
  const stream = new EventStream<string>(async (emit) => {
    emit('early');
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  expect(await stream.next()).toEqual({ done: false, value: 'early' });
  const last = stream.next();
  finish();
  expect(await last).toEqual({ done: true, value: undefined });
});

test('does not begin before the first step', async () => {
  let isBegun = false;
  const stream = new EventStream(async () => {
    isBegun = true;
  });
  await turn();
  expect(isBegun).toBe(false);
  await stream.return();
  await stream.next();
  expect(isBegun).toBe(false);
});

test('whoever breaks out of the loop goes on when the work has cleaned up', async () => {
  const steps: string[] = [];
  const stream = new EventStream<number>(async (emit, signal) => {
    emit(1);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    await turn();
    emit(2);
    steps.push(`cleaned up after ${signal.reason}`);
  });
  for await (const _ of stream) break;
  steps.push('goes on');
  expect(steps).toEqual(['cleaned up after SIGINT', 'goes on']);
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test('can be ended while somebody waits for the next event', async () => {
  const stream = new EventStream<number>(async (_, signal) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  });
  const waiting = stream.next();
  await stream.return();
  expect(await waiting).toEqual({ done: true, value: undefined });
});

test('throws once what the work has thrown, after the events before it', async () => {
  const stream = new EventStream<number>(async (emit) => {
    emit(1);
    throw new Error('no');
  });
  expect(await stream.next()).toEqual({ done: false, value: 1 });
  await expect(stream.next()).rejects.toThrow('no');
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});
