/**
 * Services that an earlier life of the daemon has started and not written down, because it was killed in between: a second
 * one would not come up. They are older than this life, so one look at all processes finds them.
 * @module
 */
import type { Host } from '../host/host.ts';

export class LeftRunning {
  readonly #files: Host['files'];
  #pidsByWords: Promise<ReadonlyMap<string, readonly number[]>> | undefined;

  constructor({ files }: Pick<Host, 'files'>) {
    this.#files = files;
  }

  /** The process that was started with these words and still runs. */
  async find(argv: readonly string[]): Promise<number | undefined> {
    const words = wordsOf(argv);
    this.#pidsByWords ??= this.#look();
    for (const pid of (await this.#pidsByWords).get(words) ?? []) {
      // What a service forks has its words as well, and may outlive it; and the number may be another process's by now.
      if ((await this.#text(pid, 'cmdline')) === words && leadsSession((await this.#text(pid, 'stat')) ?? ''))
        return pid;
    }
    return undefined;
  }

  async #look(): Promise<ReadonlyMap<string, readonly number[]>> {
    const found = new Map<string, number[]>();
    for (const name of (await this.#files.list('/proc')) ?? []) {
      if (!/^[1-9]\d*$/.test(name)) continue;
      const words = await this.#text(Number(name), 'cmdline');
      if (words !== undefined) found.set(words, [...(found.get(words) ?? []), Number(name)]);
    }
    return found;
  }

  /** Undefined: it ended while it was looked at. */
  async #text(pid: number, file: string): Promise<string | undefined> {
    try {
      return await this.#files.readText(`/proc/${pid}/${file}`);
    } catch {
      // The kernel says ESRCH for a process that ends between the opening and the reading.
      return undefined;
    }
  }
}

/** As `/proc/PID/cmdline` has them. */
const wordsOf = (argv: readonly string[]): string => `${argv.join('\0')}\0`;

/** Whether a process is the first of its session, as those that are detached are: proc_pid_stat(5). */
function leadsSession(stat: string): boolean {
  const [, pid, session] = /^(\d+) \(.*\) \S+ \d+ \d+ (\d+) /s.exec(stat) ?? [];
  return pid !== undefined && pid === session;
}
