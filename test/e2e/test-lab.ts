/**
 * A lab as an end-to-end test sees it: commands on nodes, their answers, waiting with evidence, and
 * nothing left on the machine afterwards.
 * @module
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { after, before } from 'node:test';
import {
  type AnswerFor,
  createClient,
  type InputFor,
  type OperationName,
  type PvcClient,
} from '../../core/client/index.ts';
import { removeAbandonedLabs } from '../lab/abandoned.ts';
import { daemonLog, holdDaemon, killDaemon, startDaemon, stopDaemon } from '../lab/daemon.ts';
import { takeDown } from '../lab/down.ts';
import { execOn, pathOn } from '../lab/exec.ts';
import { watchInterrupt } from '../lab/interrupt.ts';
import { leftovers } from '../lab/leftovers.ts';
import { setCable } from '../lab/links.ts';
import { switchPower } from '../lab/power.ts';
import { type PublishedPort, publishPort } from '../lab/publish.ts';
import type { RunOptions, RunResult } from '../lab/run.ts';
import { cutSilently, type Direction, endSilentCut } from '../lab/silent-cut.ts';
import { type LabRecord, readCluster } from '../lab/state.ts';
import { bmcOf, type CableName, nodeOf } from '../lab/topology.ts';
import { bringUp, type UpOptions } from '../lab/up.ts';
import { storageEvidence } from './storage-evidence.ts';
import { type WaitOptions, waitFor } from './wait-for.ts';

/** What a `pvc` command answered. */
export class Answer {
  readonly command: string;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;

  constructor(command: string, result: RunResult) {
    this.command = command;
    this.code = result.code;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
  }

  /** The answer itself when the command succeeded. @throws AssertionError with what it printed */
  ok(): this {
    assert.equal(this.code, 0, `${this.command} ended with ${this.code}\n${this.stderr}${this.stdout}`);
    return this;
  }

  /** Standard output of a command that succeeded, parsed. @throws AssertionError */
  json(): unknown {
    this.ok();
    try {
      return JSON.parse(this.stdout) as unknown;
    } catch (error) {
      throw new assert.AssertionError({
        message: `${this.command} printed no JSON (${String(error)}):\n${this.stdout}`,
      });
    }
  }
}

export class TestLab {
  readonly record: LabRecord;
  #asking: { readonly socket: string; readonly client: PvcClient } | undefined;

  constructor(record: LabRecord) {
    this.record = record;
  }

  get name(): string {
    return this.record.topology.name;
  }

  /** Runs `pvc ARGS` on a node, as its root; any exit code is an answer. */
  async pvc(node: string, args: readonly string[], options: RunOptions = {}): Promise<Answer> {
    const result = await execOn(this.record, node, ['pvc', ...args], { accept: 'any', ...options });
    return new Answer(`pvc ${args.join(' ')}`, result);
  }

  /** Runs any command on a node, or in the network `outside`. @throws CommandFailed for a code that is not accepted */
  exec(member: string, argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return execOn(this.record, member, argv, options);
  }

  /**
   * Asks the daemon of a node over its own socket, in this process: for what is asked again and again,
   * since each `pvc` costs a process. Queries only; commands under test go through `pvc`.
   * @throws PvcError as the operation tells it, and while the daemon does not answer
   */
  async ask<N extends OperationName>(node: string, query: N, input: InputFor<N>): Promise<AnswerFor<N>> {
    const socket = await pathOn(this.record, node, '/run/pvc/pvc.sock');
    // Each boot of a node has a path of its own.
    if (this.#asking?.socket !== socket) {
      this.#asking?.client.close();
      this.#asking = { socket, client: createClient({ socket }) };
    }
    return this.#asking.client.call(query, input);
  }

  get nodes(): string[] {
    return this.record.topology.nodes.map((node) => node.name);
  }

  /** Who is primary, as the daemon of a node says; undefined while nobody is, or while it does not answer. */
  async primary(asked: string): Promise<string | undefined> {
    try {
      return (await this.ask(asked, 'cluster.status', {})).primary ?? undefined;
    } catch {
      // It is probed again and again while things are broken on purpose.
      return undefined;
    }
  }

  /** The administrator's token that `pvc cluster init` made. */
  async token(): Promise<string> {
    const cluster = await readCluster(this.name);
    assert.ok(cluster, `lab ${this.name} has no cluster`);
    return cluster.token;
  }

  power(node: string, state: 'off' | 'on'): Promise<void> {
    return switchPower(this.record, node, state);
  }

  /** Pulls a node's cable to one network, or plugs it in again. */
  cable(node: string, cable: CableName, state: 'up' | 'down'): Promise<void> {
    return setCable(this.name, nodeOf(this.record.topology, node), cable, state);
  }

  /** Makes a cable carry nothing, or nothing in one direction seen from the node, while its link stays up. */
  silence(node: string, cable: CableName, directions: readonly Direction[] = ['in', 'out']): Promise<void> {
    return cutSilently(this.name, nodeOf(this.record.topology, node), cable, directions);
  }

  endSilence(node: string, cable: CableName): Promise<void> {
    return endSilentCut(this.name, nodeOf(this.record.topology, node), cable);
  }

  /** Asks the BMC of a node with ipmitool from another node. Any exit code is an answer. */
  async ipmi(from: string, node: string, words: readonly string[], password?: string): Promise<RunResult> {
    const bmc = bmcOf(nodeOf(this.record.topology, node));
    // The suite is named: ipmi_sim does not answer the question which there are, and each call would wait for that.
    const argv = ['ipmitool', '-I', 'lanplus', '-C', '3', '-H', bmc.address, '-U', bmc.user, '-E', ...words];
    const withPassword = ['sh', '-c', 'IPMI_PASSWORD=$(cat) exec "$@"', 'sh', ...argv];
    return this.exec(from, withPassword, { input: password ?? bmc.password, accept: 'any' });
  }

  async daemon(node: string, action: 'stop' | 'start' | 'restart' | 'kill' | 'pause' | 'resume'): Promise<void> {
    if (action === 'kill') return killDaemon(this.record, node);
    if (action === 'pause' || action === 'resume') return holdDaemon(this.record, node, action === 'pause');
    if (action !== 'start') await stopDaemon(this.record, node);
    if (action !== 'stop') await startDaemon(this.record, node);
  }

  async writeFile(node: string, path: string, text: string): Promise<void> {
    const target = await pathOn(this.record, node, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
  }

  async readFile(node: string, path: string): Promise<string> {
    return readFile(await pathOn(this.record, node, path), 'utf8');
  }

  /** A port of a node on the machine's loopback; dispose of it (`await using`). */
  publish(node: string, port: number): Promise<PublishedPort> {
    return publishPort(this.record, node, port);
  }

  /** `waitFor` with the last lines of each daemon as evidence. @throws NeverHappened */
  waitFor<T>(
    description: string,
    probe: () => T | Promise<T>,
    options: WaitOptions = {},
  ): Promise<Exclude<T, undefined | null | false>> {
    return waitFor(description, probe, { evidence: () => this.evidence(), ...options });
  }

  /** The last lines that each node's daemon printed, the faults that are told, and what Ceph says of itself. */
  async evidence(): Promise<string> {
    const tails = this.record.topology.nodes.map(async ({ name }) => {
      try {
        const { stdout } = await this.exec(name, ['tail', '-n', '30', daemonLog]);
        return `--- last lines of the daemon on ${name}\n${stdout}`;
      } catch (error) {
        return `--- no log of ${name}: ${error instanceof Error ? error.message : String(error)}`;
      }
    });
    const [storage, ...lines] = await Promise.all([storageEvidence(this.record), this.#faults(), ...tails]);
    return [...lines, storage].join('\n');
  }

  /** By the first node that answers. */
  async #faults(): Promise<string> {
    for (const node of this.nodes) {
      try {
        const { code, stdout } = await this.pvc(node, ['fault', 'list'], { timeoutMs: 20_000 });
        if (code === 0) return `--- faults, as ${node} tells\n${stdout}`;
      } catch {
        // Off, or hanging: the next one may know.
      }
    }
    return '--- no node tells the faults';
  }
}

export type LabOptions = Omit<UpOptions, 'name' | 'owned' | 'signal' | 'onStep'>;

let labsMade = 0;

/** A lab that is up, and the way to take it away. */
interface OpenedLab {
  readonly lab: TestLab;
  /** Takes the lab away. @throws AssertionError naming what was left behind */
  readonly close: () => Promise<void>;
}

/** What is to be over before a signal ends this process. */
const removals: Promise<unknown>[] = [];

/** A file may have several labs, each of which hears the signal for itself, all at once: none ends the process before the others are gone. */
function endAfter(removal: Promise<unknown>): void {
  removals.push(removal.catch((error: unknown) => console.error(String(error))));
  setImmediate(() => void Promise.all(removals).then(() => process.exit(130)));
}

/** Makes a lab with a name of its own, so that test files may run side by side. */
async function openLab(options: LabOptions): Promise<OpenedLab> {
  await removeAbandonedLabs();
  labsMade += 1;
  const name = `test-${process.pid}-${labsMade}`;
  const interrupt = watchInterrupt();
  const coming = bringUp({ ...options, name, owned: true, signal: interrupt.signal });
  let isUp = false;
  // While the lab comes up, `bringUp` minds the signal itself. A test body does not: end it from here.
  interrupt.signal.addEventListener('abort', () => endAfter(isUp ? takeDown(name) : coming));
  try {
    const record = await coming;
    isUp = true;
    return {
      lab: new TestLab(record),
      async close() {
        try {
          await takeDown(name);
          assert.deepEqual(await leftovers(name), []);
        } finally {
          interrupt[Symbol.dispose]();
        }
      },
    };
  } catch (error) {
    interrupt[Symbol.dispose]();
    throw error;
  }
}

/**
 * Makes a lab, runs `body` with it, takes it away and asserts that nothing is left, whether `body`
 * succeeded or not.
 * @throws what `body` throws; AssertionError naming what was left behind
 */
export async function withLab(options: LabOptions, body: (lab: TestLab) => Promise<void>): Promise<void> {
  const { lab, close } = await openLab(options);
  try {
    await body(lab);
  } finally {
    await close();
  }
}

/**
 * One lab for all tests of a suite: made before the first, taken away after the last. For use inside
 * `describe`; the function that it returns gives the lab, inside a test or hook.
 */
export function suiteLab(options: LabOptions = {}): () => TestLab {
  let opened: OpenedLab | undefined;
  before(async () => {
    opened = await openLab(options);
  });
  after(async () => {
    await opened?.close();
  });
  return () => {
    assert.ok(opened, 'the lab is not up');
    return opened.lab;
  };
}
