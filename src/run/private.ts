/** What a run tells, without secrets: all of it goes through here, so nobody else need think of them. */
import type { Emit } from '../base/events.ts';
import { withoutSignatures } from '../token/decode.ts';

/** The value without signatures of tokens and private parts of keys, unless they are wanted. */
export function shown<T>(value: T, showTokens: boolean): T {
  return showTokens ? value : withoutSignatures(value);
}

/** Passes events on as they may be {@link shown}. */
export function withoutTokens(emit: Emit, showTokens: boolean): Emit {
  return (event) => emit(shown(event, showTokens));
}
