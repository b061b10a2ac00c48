/** How much is read of what others write, in bytes. Without an end it would fill the memory of this tool. */
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

/** A limit as messages name it, such as "64 KiB". */
export function sizeText(bytes: number): string {
  return bytes < MiB ? `${bytes / KiB} KiB` : `${bytes / MiB} MiB`;
}
