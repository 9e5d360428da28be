/** Passwords of the site's routers, as files of this node have them. @module */
import { type Host } from '../../../core/plugin/api.ts';
import type { Router } from './upstream-config.ts';

/** A router as this node speaks with it. */
export interface SpokenRouter extends Router {
  readonly password?: string;
}

/**
 * TCP takes 80 bytes (TCP_MD5SIG_MAXKEYLEN, linux/tcp.h); FRR takes spaces in a line of configuration for ends of words.
 */
const passwordForm = /^[\u0021-\u007e]{1,80}$/;

type Reading =
  | { readonly found: { readonly password?: string }; readonly trouble?: undefined }
  | { readonly trouble: string };

export class RouterPasswords {
  readonly #files: Pick<Host['files'], 'readText'>;
  readonly #routers: readonly Router[];
  #troubles: ReadonlyMap<string, string> = new Map();

  constructor(files: Pick<Host['files'], 'readText'>, routers: readonly Router[]) {
    this.#files = files;
    this.#routers = routers;
  }

  /** Why some routers were left out at the last reading, by their addresses. */
  get troubles(): ReadonlyMap<string, string> {
    return this.#troubles;
  }

  /** Reads the files. A router whose password cannot be read is left out: nobody speaks with it without one. */
  async spoken(): Promise<SpokenRouter[]> {
    const troubles = new Map<string, string>();
    const spoken: SpokenRouter[] = [];
    for (const router of this.#routers) {
      const read: Reading = router.passwordFile === undefined ? { found: {} } : await this.#read(router.passwordFile);
      if (read.trouble === undefined) spoken.push({ ...router, ...read.found });
      else troubles.set(router.address, read.trouble);
    }
    this.#troubles = troubles;
    return spoken;
  }

  async #read(path: string): Promise<Reading> {
    let text: string | undefined;
    try {
      text = await this.#files.readText(path);
    } catch {
      return { trouble: `its password in ${path} cannot be read` };
    }
    if (text === undefined) return { trouble: `there is no file ${path} with its password` };
    const password = text.replace(/\r?\n$/, '');
    return passwordForm.test(password)
      ? { found: { password } }
      : {
          trouble: `${path} does not have one line with a password of 1 to 80 printable ASCII characters without spaces`,
        };
  }
}
