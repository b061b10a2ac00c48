/**
 * How much of what others have made is taken: answers, files of scenarios and results, and what they turn into. What has more is a
 * mistake, or meant to do harm. Programs and images that are downloaded have limits of their own: src/programs/download/download-limits.ts.
 */
const [KiB, MiB] = [1024, 1024 * 1024];

export const limits = {
  /** The body of an answer, on every target. The rest is not waited for. */
  body: 64 * KiB,
  /** What one curl in a pod writes: bodies are cut there, before they come through the API server. */
  batch: 4 * MiB,
  /** The log of a container. */
  log: 32 * MiB,
  /** An answer of the API server or of a proxy about its configuration, and the output of any other command. */
  answer: 256 * MiB,
  /** Bytes of a scenario file, of settings and of a baseline. The largest scenario of this product has 13 KB. */
  yamlBytes: MiB,
  /** Keys and list entries of such a file. */
  yamlEntries: 10_000,
  /** Keys and list entries of the settings. */
  settings: 1_000,
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
  /**
   * Earlier runs that a page shows, JSON reports that are read to find the last of these, their bytes together, and folders
   * within each other that are looked through for them.
   */
  historyRuns: 20,
  historyFiles: 40,
  historyBytes: 200 * MiB,
  historyDepth: 8,
  /** Bytes and entries of a conformance report. A run of 4,000 checks writes 1 MB. */
  conformanceBytes: 8 * MiB,
  conformanceEntries: 200_000,
  /** Bytes of a JSON report. Evidence is in it; a run of 4,000 checks, half of them failed, writes 30 MB. */
  resultBytes: 100 * MiB,
  /** Bytes of a file of policies, for `init`, and files of a folder that is read for it. */
  policyBytes: 4 * MiB,
  policyFiles: 5_000,
  /** Files that one entry of `apply` names. */
  ownFiles: 500,
} as const;

/** Reads a stream to its end, or as much of it as the limit says; the rest is not waited for. */
export async function readUpTo(
  stream: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<{ readonly data: Buffer; readonly isCut: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) break;
  }
  return { data: Buffer.concat(chunks).subarray(0, limit), isCut: size > limit };
}

/** A number of bytes as people say it. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < MiB
    ? `${(bytes / 1024).toFixed(0)} KiB`
    : `${(bytes / MiB).toFixed(1).replace(/\.0$/, '')} MiB`;
}
