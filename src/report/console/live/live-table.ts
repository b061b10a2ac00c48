/** The live table: a line for each mesh, phase and scenario that is at work, and one for the whole run. */

import type { CheckState } from '../../../base/events.ts';
import { oneLine } from '../../../base/harmless.ts';
import { glyphs, type Piece, spread } from '../../pieces.ts';
import { displayWidth, duration, padEnd, truncate } from '../../text.ts';
import type { Colors, Size } from '../terminal.ts';
import type { Activity, LiveMesh, LiveState, Totals } from './live-state.ts';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** How long a frame stands, in milliseconds. */
const frameMs = 100;
/** Beyond this, times on the right are too far away from what they are about. */
const widest = 120;
/** A table that fills the screen leaves no room for what was said. */
const mostRows = 16;
/** Longest name of a mesh or scenario, in columns. */
const mostName = 32;
/** Up to here every check has a glyph of its own. */
const mostGlyphs = 40;

/**
 * The lines at the time `now`, in milliseconds since the epoch. Each is narrower than the terminal, and they are fewer
 * than its rows: what does not fit is counted.
 */
export function liveTable(state: LiveState, now: number, size: Size, colors: Colors): string[] {
  const meshes = state.meshes();
  // Between two scenarios the last line stays, so that nothing jumps.
  if (!meshes.some(({ state: does }) => does === 'active' || does === 'idle')) return [];
  const width = Math.max(1, Math.min(size.columns - 1, widest));
  const height = Math.max(1, Math.min(size.rows - 1, mostRows));
  const frame = frames[Math.floor(now / frameMs) % frames.length] ?? '';
  // What is about no mesh in particular is not one of several.
  const isSeveral = meshes.filter(({ mesh }) => mesh !== '').length > 1;
  const names = shortNames(
    meshes.map(({ mesh }) => mesh),
    mostName,
  );
  const nameWidth = Math.max(0, ...[...names.values()].map(displayWidth));
  // Every mesh of several has a line, also one that waits for its turn.
  const lines = meshes.flatMap((mesh) => meshLines(mesh));
  const totals = state.totals();
  const last = totals.checks > 0 ? [totalLine(totals, colors)] : [];
  const room = height - last.length;
  const shown = [...lines].sort((one, other) => one.rank - other.rank).slice(0, fitting(lines.length, room));
  const left = lines.length - shown.length;
  const more =
    left > 0 && room > 0
      ? [{ pieces: [{ text: `   … ${left} more`, paint: colors.dim }], since: undefined }]
      : [];
  return [...lines.filter((line) => shown.includes(line)), ...more, ...last]
    .slice(0, height)
    .map(({ pieces, since }) => {
      const elapsed = since === undefined ? 0 : now - since;
      // The first second says nothing to anybody.
      const time = elapsed < 1000 ? [] : [{ text: duration(elapsed), paint: colors.dim }];
      return spread(pieces, time, width);
    });

  function meshLines({ mesh, activities, state: meshState }: LiveMesh): Line[] {
    const name: Piece[] =
      mesh === '' || !isSeveral
        ? []
        : [{ text: `${padEnd(names.get(mesh) ?? '', nameWidth)}  `, paint: colors.bold }];
    if (activities.length > 0) {
      return activities.map((activity) => ({
        rank: 0,
        since: activity.since,
        pieces: [{ text: ` ${frame} `, paint: colors.cyan }, ...name, ...activityPieces(activity, colors)],
      }));
    }
    if (name.length === 0) return [];
    const failed = { text: ' ✗ ', paint: colors.red };
    const sign = {
      failed,
      done: { text: ' ✓ ' },
      active: { text: '   ' },
      idle: { text: '   ' },
      waiting: { text: '   ' },
    };
    return [
      {
        rank: 1,
        since: undefined,
        pieces: [sign[meshState], ...name, { text: meshState, paint: colors.dim }],
      },
    ];
  }
}

interface Line {
  /** What has a higher one goes first when there is no room. */
  readonly rank: number;
  readonly pieces: readonly Piece[];
  /** Of the time on the right. */
  readonly since: number | undefined;
}

/** How many of `count` lines are shown in `room`, when the rest needs a line too. */
function fitting(count: number, room: number): number {
  return count <= room ? count : Math.max(0, room - 1);
}

function activityPieces({ what, scenario }: Activity, colors: Colors): Piece[] {
  if (scenario === undefined) return [{ text: oneLine(what) }];
  const { planned, states, step } = scenario;
  const all = Math.max(planned, states.length);
  return [
    { text: `${truncate(oneLine(what), mostName)}  ` },
    ...progress(states, all, colors),
    { text: ` ${states.length}/${all}` },
    ...(step === undefined ? [] : [{ text: `  ${oneLine(step)}`, paint: colors.dim }]),
  ];
}

function progress(states: readonly CheckState[], all: number, colors: Colors): Piece[] {
  const glyph = glyphs(colors);
  if (all <= mostGlyphs) {
    const open: Piece = { text: '·'.repeat(all - states.length), paint: colors.dim };
    return [...states.map((state) => glyph[state]), open];
  }
  const parts = (Object.keys(glyph) as CheckState[]).flatMap((state) => {
    const count = states.filter((each) => each === state).length;
    return count === 0 ? [] : [{ text: `${glyph[state].text}${count} `, paint: glyph[state].paint }];
  });
  return parts;
}

function totalLine({ since, scenarios, scenariosDone, checks, states }: Totals, colors: Colors): Line {
  const glyph = glyphs(colors);
  const counts = (Object.keys(glyph) as CheckState[])
    .filter((state) => states[state] > 0)
    .map((state) => ({ text: `  ${glyph[state].text} ${states[state]}`, paint: glyph[state].paint }));
  const done = Object.values(states).reduce((sum, count) => sum + count, 0);
  return {
    rank: 0,
    since,
    pieces: [
      { text: `   ${scenariosDone}/${scenarios} scenarios  ${done}/${Math.max(checks, done)} checks` },
      ...counts,
    ],
  };
}

// Names that fit into a table and still tell meshes apart.

/**
 * The names of meshes by their ids, each of at most `width` columns. When they are too long and begin alike, they lose what
 * they have in common: `…1.36.4` and `…1.40.0`.
 */
function shortNames(meshes: readonly string[], width: number): Map<string, string> {
  const named = meshes.filter((mesh) => mesh !== '').map(oneLine);
  const isLong = named.some((name) => displayWidth(name) > width);
  const [first = '', ...others] = named;
  const parts = first.split('-');
  let alike = 0;
  const startsAlike = (count: number) => {
    const start = `${parts.slice(0, count).join('-')}-`;
    return others.every((name) => name.startsWith(start));
  };
  while (isLong && others.length > 0 && alike < parts.length - 1 && startsAlike(alike + 1)) alike += 1;
  const cut = alike === 0 ? 0 : parts.slice(0, alike).join('-').length + 1;
  return new Map(
    meshes.map((mesh) => {
      const name = oneLine(mesh);
      return [mesh, truncate(cut === 0 || name === '' ? name : `…${name.slice(cut)}`, width)];
    }),
  );
}
