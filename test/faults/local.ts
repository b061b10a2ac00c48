/** The cells of the target local. */
import type { Cell, Expected, Fault, Moment } from './cell.ts';
import {
  clockStep,
  closed,
  cross,
  filled,
  full,
  guardian,
  killed,
  needsRoot,
  noVerdict,
  noVerdictOrFailed,
  ofEnd,
  parts,
  type Signal,
  signals,
  stopped,
  survives,
  unread,
} from './faults.ts';
import { keptCells } from './kept.ts';
import { local, moments } from './moments.ts';

const { before, looking, applying, proving, answers, judged, ended } = moments;
const { etcd, api, istiod, stopping } = local;

/** A run that has begun to end may be faster than the signal. */
function ofSignal(fault: Fault, moment: Moment): Expected | undefined {
  const { expected } = fault as Signal;
  if (moment === looking && expected.cutOff) return { ...expected, reports: 'valid when there' };
  return moment === ended ? ofEnd(fault as Signal) : expected;
}

const signalMoments = [looking, etcd, istiod, applying, answers, stopping, ended];
const quickSignals = [
  'SIGINT etcd starts',
  'SIGTERM answers come',
  'kill -9 answers come',
  'SIGHUP a scenario applies',
];

/** Which parts there are at a moment. */
function isThere(part: string, moment: Moment): boolean {
  if (part === 'etcd') return moment !== looking;
  if (part === 'the API server') return ![looking, etcd].includes(moment);
  // Its scenario may be over when a check is judged.
  if (part.startsWith('key server')) return moment === answers;
  return [answers, judged].includes(moment);
}

/** The check that must fail has its verdict at the end of its step; what comes then counts less. */
function ofKilled(part: string, moment: Moment): Expected {
  const says = new RegExp(`${part}\\S* of the local mesh was ended by SIGKILL`);
  if (moment === judged) return { codes: [1] };
  return { ...noVerdict, says };
}

function killedParts(): Cell[] {
  return parts.flatMap(({ name, isIt }) =>
    cross(
      'local',
      [killed(name, isIt)],
      [api, answers, judged].filter((moment) => isThere(name, moment)),
      (_, moment) => ofKilled(name, moment),
      (_, moment) => ({ quick: name === 'istiod' && moment === answers }),
    ),
  );
}

function stoppedParts(): Cell[] {
  return parts.flatMap(({ name, isIt }) => [
    ...cross(
      'local',
      [stopped(name, isIt, 3)],
      [proving, answers],
      () => survives,
      (_, moment) => ({
        quick: name === 'etcd' && moment === answers,
      }),
    ),
    // What the part does not do is an error, and no verdict about the mesh.
    ...cross('local', [stopped(name, isIt)], [answers], () => noVerdictOrFailed),
  ]);
}

const seven = '7 s';
const hour = 3_600_000;
const self = { name: 'the tool itself', bring: async () => {} };

const ofTheTool: readonly Cell[] = [
  ...cross(
    'local',
    [killed('the guardian', guardian)],
    [applying, answers],
    () => survives,
    (_, moment) => ({
      quick: moment === answers,
    }),
  ),
  ...cross('local', [stopped('the guardian', guardian, 3)], [applying, answers], () => survives),
  ...cross('local', [stopped('the guardian', guardian)], [applying, answers], () => survives),
  ...cross(
    'local',
    [
      {
        ...self,
        name: `SIGSTOP of the tool itself for ${seven}`,
        bring: async (run) => {
          run.kill('SIGSTOP');
          await new Promise((go) => setTimeout(go, 7000));
          run.kill('SIGCONT');
        },
      },
    ],
    [etcd, proving, answers],
    // Its own time stands still, and not that of its waits.
    (_, moment) => (moment === etcd ? survives : { codes: [1, 4] }),
  ),
  ...cross(
    'local',
    [
      {
        ...self,
        name: 'SIGSTOP and kill -9 of the tool itself',
        bring: (run) => {
          run.kill('SIGSTOP');
          run.kill('SIGKILL');
        },
      },
    ],
    [istiod, answers],
    () => ({ codes: ['SIGKILL'], cutOff: true }),
  ),
];

const disks: readonly Cell[] = [
  ...cross('local', [full('reports'), closed('reports')], [before], () => ({
    codes: [1, 2, 4],
    says: /junit\.xml|results\.json|out\b/,
    reports: 'valid when there',
  })),
  ...cross(
    'local',
    [full('artifacts'), closed('artifacts'), full('the debug log')],
    [before],
    () => survives,
  ),
  ...cross('local', [full('TMPDIR'), closed('TMPDIR')], [before], () => ({
    codes: [4],
    says: /no space left|ENOSPC|EROFS|read-only/i,
  })),
  // A run that keeps nothing has no need for it.
  ...cross('local', [full('the state folder'), closed('the state folder')], [before], () => survives),
  ...cross('local', [filled('reports', '8m')], [applying, answers], () => ({
    codes: [1],
    // What is there is of a moment before, says that the run goes on, and the terminal says that it is no more.
    says: /JSON +not written: .*ENOSPC/,
    cutOff: true,
    reports: 'valid when there',
  })),
  ...cross('local', [filled('TMPDIR', '400m')], [istiod, answers], () => noVerdictOrFailed),
].map((cell) => ({ ...cell, skip: needsRoot, quick: cell.fault.name === 'disk of TMPDIR full' }));

const output: readonly Cell[] = [
  ...cross('local', [unread], [looking, answers, stopping], () => survives),
  ...cross(
    'local',
    [{ name: 'its output goes to a full disk', redirect: '> /dev/full 2>&1', bring: () => {} }],
    [before],
    () => survives,
  ),
  ...cross(
    'local',
    [{ name: 'its output is closed', redirect: '>&- 2>&-', bring: () => {} }],
    [before],
    () => survives,
  ),
];

const clocks: readonly Cell[] = [
  ...cross(
    'local',
    [
      clockStep('an hour ahead', hour),
      clockStep('an hour back', -hour),
      clockStep('ten years ahead', 87_660 * hour),
    ],
    [proving, answers],
    () => survives,
    (fault, moment) => ({ quick: moment === answers && fault.name.includes('back') }),
  ),
  // Certificates are of the other time then, which their readers may refuse.
  ...cross('local', [clockStep('an hour back', -hour)], [looking], () => noVerdictOrFailed),
];

export const localCells: readonly Cell[] = [
  ...stoppedParts(),
  ...ofTheTool,
  ...disks,
  ...output,
  ...clocks,
  ...keptCells,
  ...killedParts(),
  ...cross('local', signals, signalMoments, ofSignal, (fault, { name }) => ({
    quick: quickSignals.includes(`${fault.name} ${name}`),
  })),
];
