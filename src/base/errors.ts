import { tmpdir } from 'node:os';
import { nameOfError } from './names.ts';

/** Where in a file a message points to. `line` and `column` start at 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * What went wrong, as a name that programs can rely on.
 * docs/troubleshooting.md has a section for each.
 */
export type ErrorCode =
  | 'E_USAGE'
  | 'E_SETTINGS'
  | 'E_SCENARIO'
  | 'E_TEMPLATE'
  | 'E_TOKEN'
  | 'E_PROGRAM'
  | 'E_DOCKER'
  | 'E_CLUSTER'
  | 'E_ISTIO'
  | 'E_KUBE'
  | 'E_REFUSED'
  | 'E_NOT_OWNED'
  | 'E_NOT_READY'
  | 'E_NACK'
  | 'E_UNPROVEN'
  | 'E_NOTHING_TESTED'
  | 'E_MISSING_SHARD'
  | 'E_EXEC'
  | 'E_SEND'
  | 'E_KEY_SERVER'
  | 'E_TIMEOUT'
  | 'E_FILE'
  | 'E_INTERRUPTED'
  | 'E_INTERNAL';

/** The exit codes of the command line, as README.md lists them. */
export const exitCodes = {
  passed: 0,
  failed: 1,
  usage: 2,
  scenario: 3,
  noVerdict: 4,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/**
 * The one error class of the product.
 *
 * `message` is one line that says what is wrong; `hint` says what to do about it; `place` points into the
 * file that the user can change; `details` holds longer text, such as the output of a tool.
 */
export class HarnessError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly place: Place | undefined;
  readonly details: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      hint?: string | undefined;
      place?: Place | undefined;
      details?: string | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.place = options.place;
    this.details = options.details;
  }

  /** The exit code that this error leads to when it ends the program. */
  get exitCode(): number {
    switch (this.code) {
      case 'E_USAGE':
      case 'E_SETTINGS':
        return exitCodes.usage;
      case 'E_SCENARIO':
      case 'E_TEMPLATE':
        return exitCodes.scenario;
      case 'E_INTERRUPTED':
        return interruptedCode(this.cause);
      default:
        return exitCodes.noVerdict;
    }
  }
}
HarnessError.prototype.name = 'HarnessError';

/** The exit code after an interruption. @param reason the name of the signal that caused it, as AbortSignals carry it */
export function interruptedCode(reason: unknown): number {
  if (reason === 'SIGHUP') return exitCodes.hungUp;
  return reason === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted;
}

/** Turns whatever was thrown into a {@link HarnessError}, keeping the original as `cause`. */
export function asHarnessError(thrown: unknown): HarnessError {
  if (thrown instanceof HarnessError) return thrown;
  if (isFileError(thrown)) return unwritten(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new HarnessError('E_INTERNAL', message.split('\n')[0] ?? message, {
    details: message.includes('\n') ? message : undefined,
    cause: thrown,
  });
}

/** No room, or no permission: nothing of that is a mistake of this tool. */
const ofFiles = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO'];

/** Of files, and not of sockets and processes, which have some of the same errors. */
const fileCalls = [
  'open',
  'write',
  'mkdir',
  'mkdtemp',
  'rename',
  'link',
  'symlink',
  'copyfile',
  'fsync',
  'rm',
  'unlink',
];

function isFileError(thrown: unknown): thrown is NodeJS.ErrnoException {
  const { code = '', syscall = '' } = (thrown ?? {}) as NodeJS.ErrnoException;
  return thrown instanceof Error && ofFiles.includes(code) && fileCalls.includes(syscall);
}

/** Node names no path when a write fails: then it is most likely a temporary file. */
function unwritten(thrown: NodeJS.ErrnoException): HarnessError {
  const { path, message } = thrown;
  const where = path ?? `a file of this run, such as one in ${tmpdir()},`;
  return new HarnessError('E_FILE', `${where} cannot be read or written: ${message}`, {
    hint: `Make room there, or see that this user may write there. Temporary files are in ${tmpdir()}: TMPDIR can name another folder.`,
    cause: thrown,
  });
}

/** `file:line:column`, the form that editors and terminals turn into a link. */
export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`;
}

/** Mistakes of one file as they stand in it, those without a place first. */
export function inFileOrder(errors: readonly HarnessError[]): HarnessError[] {
  const position = ({ place }: HarnessError) => (place?.line ?? 0) * 1e6 + (place?.column ?? 0);
  return errors.toSorted((one, other) => position(one) - position(other));
}

/**
 * What `read` makes of an answer of a mesh, which is taken as what it should be, and said not to be understood when it is something else.
 *
 * @param who gave it, for the message
 * @throws HarnessError E_KUBE when it is not as it should be, or what `read` throws itself of that kind
 */
export function understood<T>(who: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof HarnessError) throw cause;
    throw notUnderstood(who, nameOfError(cause).split('\n')[0] ?? '', cause);
  }
}

/** The error for an answer that is not as it should be. */
export function notUnderstood(who: string, why: string, cause?: unknown): HarnessError {
  return new HarnessError('E_KUBE', `${who} answers what cannot be understood: ${why}`, {
    hint: 'Something else may answer in its place, such as a proxy; or its version is too new or too old.',
    cause,
  });
}
