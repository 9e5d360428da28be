/**
 * Commands for devices of many networks, done by few processes: `ip -batch` and `bridge -batch` (ip(8), bridge(8)) take one a
 * line and end at the first that fails. While one of them runs, what comes meanwhile is gathered for the next.
 * @module
 */
import type { ExecResult } from '../../../core/plugin/api.ts';
import type { Command } from './steps.ts';

/** Commands of one network, that are done one after the other. */
interface Work {
  readonly commands: readonly Command[];
  /** So many of them are done. */
  done: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The lines of one process: for each its work. */
interface Batch {
  readonly program: string;
  readonly lines: readonly { readonly work: Work; readonly command: Command }[];
}

/** In a batch a command is split at blanks, and some signs mean something. */
const plain = /^[A-Za-z0-9_.:/@%+,=-]+$/;

const failedLine = /^Command failed .*:(\d+)$/m;

export interface BatchParts {
  /** Runs a program with that input. */
  readonly exec: (argv: Command, input: string) => Promise<ExecResult>;
  /** What a command that failed says. */
  readonly reasonOf: (command: Command, done: Pick<ExecResult, 'code' | 'stderr'>) => string;
  /** Is told once, when a program has ended without telling which of several commands it did not like. */
  readonly unclear: (reason: string) => void;
}

export class Batches {
  readonly #parts: BatchParts;
  #waiting: Work[] = [];
  #works = false;
  /** Each work in a process of its own: no network is to suffer for another one's commands. */
  #apart = false;

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  /**
   * Does commands of `ip` and `bridge`, without options before the object, one after the other.
   * @throws Error with what the first that fails says; those after it are not done
   */
  run(commands: readonly Command[]): Promise<void> {
    const odd = commands.flat().find((word) => !plain.test(word));
    if (odd !== undefined)
      return Promise.reject(new Error(`${JSON.stringify(odd)} is no word for a command on devices`));
    if (commands.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commands, done: 0, resolve, reject });
      if (!this.#works) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#works = true;
    // Those who come in the same turn are taken along.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#once();
    this.#works = false;
  }

  async #once(): Promise<void> {
    const all = this.#apart ? this.#waiting.slice(0, 1) : this.#waiting;
    const program = all[0]?.commands[all[0].done]?.[0] ?? '';
    const now = all.filter(({ commands, done }) => commands[done]?.[0] === program);
    const lines = now.flatMap((work) => {
      const rest = work.commands.slice(work.done);
      const other = rest.findIndex(([name]) => name !== program);
      return (other === -1 ? rest : rest.slice(0, other)).map((command) => ({ work, command }));
    });
    const failed = await this.#run({ program, lines });
    for (const [work, error] of failed) work.reject(error);
    for (const work of now) if (work.done === work.commands.length) work.resolve();
    this.#waiting = this.#waiting.filter((work) => !failed.has(work) && work.done < work.commands.length);
  }

  /** @returns works that failed, and why */
  async #run({ program, lines }: Batch): Promise<ReadonlyMap<Work, unknown>> {
    const works = new Set(lines.map(({ work }) => work));
    const input = lines.map(({ command: [, ...words] }) => `${words.join(' ')}\n`).join('');
    let ended: ExecResult;
    try {
      ended = await this.#parts.exec([program, '-batch', '-'], input);
    } catch (error) {
      // Nobody knows how far it came: each looks again.
      return new Map([...works].map((work) => [work, error]));
    }
    const at = ended.code === 0 ? lines.length : Number(failedLine.exec(ended.stderr)?.[1] ?? Number.NaN) - 1;
    const bad = lines[at];
    if (ended.code !== 0 && bad === undefined) return this.#unclear(program, works, ended);
    for (const { work } of lines.slice(0, at)) work.done += 1;
    if (bad === undefined) return new Map();
    const reason = this.#parts.reasonOf(bad.command, { ...ended, stderr: ended.stderr.replace(failedLine, '') });
    return new Map([[bad.work, new Error(`${bad.command.join(' ')}: ${reason}`)]]);
  }

  /** What is wrong with one command is not told by line when it cannot be read at all: an older program, say. */
  #unclear(program: string, works: ReadonlySet<Work>, ended: ExecResult): ReadonlyMap<Work, unknown> {
    const reason = `${program} -batch: ${ended.stderr.trim() || `exit ${ended.code}`}`;
    if (works.size > 1 && !this.#apart) {
      this.#apart = true;
      this.#parts.unclear(reason);
    }
    return new Map([...works].map((work) => [work, new Error(reason)]));
  }
}
