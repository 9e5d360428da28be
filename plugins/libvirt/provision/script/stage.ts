/**
 * Where the disks of a new guest are mounted: mounts and processes of their own (mount_namespaces(7), pid_namespaces(7)),
 * which nobody else on the node sees. The first process in it reads from this daemon until its end. So whatever becomes of the
 * daemon, the kernel ends that process, with it all others of the stage, and with the last of them all mounts.
 * @module
 */
import type { ExecResult, Host } from '../../../../core/plugin/api.ts';

type Argv = readonly [string, ...string[]];

/**
 * Says which process it is, as the node counts, gives the stage a /proc of its own (bwrap looks up there, by their numbers here,
 * processes that it starts), and reads. It waits for no children: what is left to it goes at once (signal(7), SIGCHLD).
 */
const firstProcess = [
  ...['set -e', `trap '' CHLD`, 'read -r stat </proc/self/stat', 'mount -t proc -o nosuid,nodev,noexec proc /proc'],
  ...[`echo "\${stat%% *}"`, 'exec cat >/dev/null'],
].join('\n');

export class Stage {
  readonly #host: Pick<Host, 'processes'>;
  readonly #pid: number;
  readonly #end: () => void;
  readonly #ended: Promise<unknown>;
  /** Its number may be another process's by now. */
  #isOver = false;

  private constructor(host: Pick<Host, 'processes'>, pid: number, end: () => void, ended: Promise<unknown>) {
    this.#host = host;
    this.#pid = pid;
    this.#end = end;
    this.#ended = ended;
    const over = (): void => {
      this.#isOver = true;
    };
    ended.then(over, over);
  }

  /** @param timeoutMs when it ends in any case @throws Error in the words of unshare(1) when there can be none */
  static async open(host: Pick<Host, 'processes'>, timeoutMs: number): Promise<Stage> {
    const over = Promise.withResolvers<void>();
    const pid = Promise.withResolvers<number>();
    let said = '';
    const program = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', 'sh', '-c', firstProcess] as const;
    const ended = host.processes.exec(program, {
      timeoutMs,
      input: untilThen(over.promise),
      onOutput(text) {
        said += text;
        const [, number] = /^(\d+)\n/.exec(said) ?? [];
        if (number !== undefined) pid.resolve(Number(number));
      },
    });
    ended.then(
      ({ stderr, code }) => pid.reject(new Error(stderr.trim() || `unshare ended with ${code}`)),
      (error: unknown) => pid.reject(error),
    );
    return new Stage(host, await pid.promise, over.resolve, ended);
  }

  /** Runs a command in it to its end. */
  async exec(argv: Argv, options: Parameters<Host['processes']['exec']>[1]): Promise<ExecResult> {
    if (this.#isOver) throw new Error('the stage has been ended');
    // The first victims when the node runs out of memory: before guests.
    const victim = ['choom', '--adjust', '1000', '--'] as const;
    const into = [...victim, 'nsenter', `--target=${this.#pid}`, '--mount', '--pid', '--'] as const;
    return this.#host.processes.exec([...into, ...argv], options);
  }

  /** As `exec`, of a command that must succeed. @returns its output @throws Error in its last words */
  async run(argv: Argv, options: Parameters<Host['processes']['exec']>[1]): Promise<string> {
    const { code, signal, stdout, stderr } = await this.exec(argv, options);
    if (code === 0) return stdout;
    const words = stderr.trim().split('\n').at(-1);
    throw new Error(`${argv[0]}: ${words || (signal === null ? `exit code ${code}` : `signal ${signal}`)}`);
  }

  /** Ends everything in it. Resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#end();
    // Reached its end by its time-out, or by somebody who killed it: either way nothing of it is left.
    await this.#ended.catch(() => undefined);
  }
}

/** An input that gives nothing, and ends then. */
async function* untilThen(end: Promise<void>): AsyncGenerator<Uint8Array> {
  await end;
}
