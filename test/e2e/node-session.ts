/**
 * A command that runs on a node while a test talks to it and reads what it says, on a terminal of its
 * own where that matters.
 * @module
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { commandOn } from '../lab/exec.ts';
import { killGroup } from '../lab/run.ts';
import { shellWord } from '../lab/shell-word.ts';
import type { TestLab } from './test-lab.ts';
import { waitFor } from './wait-for.ts';

export class NodeSession implements AsyncDisposable {
  /** All that it has said so far. */
  text = '';
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<[number | null, NodeJS.Signals | null]>;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.text += chunk.toString();
      });
    }
    // What ends without reading its input breaks the pipe; how it ended tells enough.
    child.stdin.on('error', () => {});
  }

  /** Starts a command with pipes. @throws LabError */
  static async start(lab: TestLab, node: string, argv: readonly string[]): Promise<NodeSession> {
    const [file = '', ...args] = await commandOn(lab.record, node, argv);
    return new NodeSession(spawn(file, args, { detached: true }));
  }

  /** Starts a command on a terminal: script(1) makes one and passes on its own input and output. @throws LabError */
  static onTerminal(lab: TestLab, node: string, argv: readonly string[]): Promise<NodeSession> {
    // The shell that script(1) uses must not be there to die of Ctrl-C itself.
    const command = `exec ${argv.map(shellWord).join(' ')}`;
    return NodeSession.start(lab, node, ['script', '--quiet', '--return', '--command', command, '/dev/null']);
  }

  /** Types. */
  send(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Waits until it has said something that fits, after the first `from` characters. @throws NeverHappened with what it said */
  sees(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    return waitFor(`the session to say ${pattern}`, () => pattern.exec(this.text.slice(from)), {
      everyMs: 50,
      evidence: () => this.text,
    });
  }

  /** Its exit code, or the signal that ended it. @throws NeverHappened */
  async ended(timeoutMs = 15_000): Promise<number | NodeJS.Signals | null> {
    let end: [number | null, NodeJS.Signals | null] | undefined;
    void this.#ended.then((how) => {
      end = how;
    });
    const [code, signal] = await waitFor('the session to end', () => end, {
      timeoutMs,
      everyMs: 50,
      evidence: () => this.text,
    });
    return code ?? signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killGroup(this.#child);
    await this.#ended;
  }
}
