/** The two CAs of a run: one that the mesh is given, and one that nobody is. */
import { readFileSync } from 'node:fs';
import { HarnessError } from '../../base/errors.ts';
import { writePrivately } from '../../base/files/file-error.ts';
import { type Ca, caFromJson, caToJson, makeCa } from '../../jwks/certificates.ts';

/** How long a kept CA must still be valid to be used again, in milliseconds. */
const longEnough = 24 * 60 * 60 * 1000;

/**
 * The trusted CA is made when the cluster is and kept with it, in a file that only its owner can read: istiod reads root
 * CAs only when it starts, so a new one would cost every run on a kept cluster a restart.
 */
export class Authorities {
  readonly #file: string;
  readonly #name: string;
  #trusted: Ca | undefined;
  #untrusted: Promise<Ca> | undefined;

  /** @param file where the trusted CA is kept */
  constructor(file: string, name: string) {
    this.#file = file;
    this.#name = name;
  }

  /** Makes and keeps a new trusted CA; returns its certificate as PEM. */
  async create(): Promise<string> {
    this.#trusted = await makeCa(`istio-jwt-e2e ${this.#name}`);
    writePrivately('the certificate authority', this.#file, await caToJson(this.#trusted));
    return this.#trusted.certPem;
  }

  /**
   * The CA for a cluster that is used again: the kept one, or a new one when there is none that is valid for another day.
   *
   * @param given the CA that istiod has been given; a run with another folder for state gives it one of its own
   * @returns its certificate as PEM, and whether istiod has it
   */
  async restore(given: string | undefined): Promise<{ readonly pem: string; readonly isGiven: boolean }> {
    try {
      this.#trusted = await caFromJson(readFileSync(this.#file, 'utf8'), longEnough);
    } catch {
      this.#trusted = undefined;
    }
    if (this.#trusted === undefined) return { pem: await this.create(), isGiven: false };
    const pem = this.#trusted.certPem;
    return { pem, isGiven: pem.trim() === given?.trim() };
  }

  async get(which: 'trusted' | 'untrusted'): Promise<Ca> {
    if (which === 'untrusted') {
      this.#untrusted ??= makeCa(`istio-jwt-e2e untrusted ${this.#name}`);
      return this.#untrusted;
    }
    if (this.#trusted === undefined) throw new HarnessError('E_INTERNAL', 'the target is not up');
    return this.#trusted;
  }
}
