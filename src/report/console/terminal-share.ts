/** Sharing a terminal with all others who write to it: warnings, prompts, what signals bring about. */

export interface Shared {
  /** Writes of `work` are our own. */
  own(work: () => void): void;
  /** Leaves everything as it was found. */
  end(): void;
}

/** Told about writes of others. */
export interface Listener {
  /** Before each, and before the terminal is given back: the picture must go. */
  readonly before: () => void;
  readonly after: (text: string) => void;
}

/**
 * Watches the streams until {@link Shared.end}. The picture is also taken away when the process ends without another
 * word, as after a second interrupt, and while it is stopped with Ctrl-Z.
 */
export function shareTerminal(streams: readonly NodeJS.WriteStream[], listener: Listener): Shared {
  let isOwn = false;
  const restore = streams.map((stream) => watchWrites(stream, listener, () => isOwn));
  const exit = () => listener.before();
  const stop = () => {
    listener.before();
    process.kill(process.pid, 'SIGSTOP');
  };
  process.on('exit', exit);
  if (process.platform !== 'win32') process.on('SIGTSTP', stop);
  return {
    own(work) {
      isOwn = true;
      try {
        work();
      } finally {
        isOwn = false;
      }
    },
    end() {
      for (const back of restore) back();
      process.off('exit', exit);
      process.off('SIGTSTP', stop);
    },
  };
}

/** @returns what ends it */
function watchWrites(stream: NodeJS.WriteStream, listener: Listener, isOwn: () => boolean): () => void {
  const { write } = stream;
  const watched = ((...args: Parameters<typeof write>) => {
    if (isOwn()) return write.apply(stream, args);
    listener.before();
    const isTaken = write.apply(stream, args);
    const [chunk] = args;
    listener.after(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
    return isTaken;
  }) as typeof write;
  stream.write = watched;
  return () => {
    // Somebody who came later may still need it.
    if (stream.write === watched) stream.write = write;
  };
}
