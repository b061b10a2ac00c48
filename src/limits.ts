/**
 * How much of what others have made is taken: files of scenarios and results, and what they turn into. What has more is a
 * mistake, or meant to do harm. Programs and images that are downloaded have limits of their own: src/programs/limits.ts.
 */
const MiB = 1024 * 1024;

export const limits = {
  /** Bytes of a scenario file, of settings and of a baseline. The largest scenario of this product has 13 KB. */
  yamlBytes: MiB,
  /** Keys and list entries of such a file. */
  yamlEntries: 10_000,
  /** Keys and list entries of the settings. */
  settings: 1_000,
  /** Those of the mesh, each of which is compared with each other one. */
  meshSettings: 2_000,
  /** Maps and lists within each other in a YAML file, and in a JSON report. */
  depth: 100,
  /** Keys and list entries of a YAML file once its aliases are followed. */
  expandedEntries: 50_000,
  /** Entries and cells that the lists of a scenario make. */
  listEntries: 10_000,
  /** Checks of a scenario. One of this size runs for half an hour. */
  checks: 5_000,
  /** Characters of the texts of a scenario once lists, rows and columns are filled in. */
  filledText: 16 * MiB,
  /** Scenario files of one command, and files and folders that are looked through to find them. */
  scenarioFiles: 2_000,
  filesLookedAt: 100_000,
  /** Mistakes that are shown. */
  mistakes: 100,
  /** Bytes and entries of a conformance report. A run of 4,000 checks writes 1 MB. */
  conformanceBytes: 8 * MiB,
  conformanceEntries: 200_000,
  /** Bytes of a JSON report. Evidence is in it; a run of 4,000 checks, half of them failed, writes 30 MB. */
  resultBytes: 100 * MiB,
  /** Bytes of a file of policies, for `init`, and files of a folder that is read for it. */
  policyBytes: 4 * MiB,
  policyFiles: 5_000,
} as const;

/** A number of bytes as people say it. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < MiB
    ? `${(bytes / 1024).toFixed(0)} KiB`
    : `${(bytes / MiB).toFixed(1).replace(/\.0$/, '')} MiB`;
}
