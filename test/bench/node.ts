/**
 * A lab of one node for measuring: the daemon is started by us, so that the moment is known, and looked at
 * from outside, so that entering the node costs nothing.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { becomesTrue } from '../lab/becomes-true.ts';
import { commandOn, execOn, pathOn } from '../lab/exec.ts';
import { childrenOf } from '../lab/process-identity.ts';
import type { LabRecord } from '../lab/state.ts';
import { type ProcessUse, processUse } from './process-use.ts';

const nodeName = 'hv1';
const daemonEnvironment = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8'];
const answerTimeoutMs = 60_000;

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
  readonly tookMs: number;
}

export class BenchNode {
  readonly #lab: LabRecord;
  readonly #agent = new Agent({ keepAlive: true });
  #daemon: { readonly holder: ChildProcess; readonly pid: number } | undefined;

  constructor(lab: LabRecord) {
    this.#lab = lab;
  }

  /** A file of the node, seen from the machine. */
  path(inside: string): Promise<string> {
    return pathOn(this.#lab, nodeName, inside);
  }

  socket(): Promise<string> {
    return this.path('/run/pvc/pvc.sock');
  }

  /** Runs a command in the node; for preparation, not for measuring. @throws CommandFailed */
  async exec(argv: readonly string[]): Promise<string> {
    return (await execOn(this.#lab, nodeName, argv)).stdout;
  }

  pvc(...args: readonly string[]): Promise<string> {
    return this.exec(['pvc', ...args]);
  }

  async changeConfig(change: (text: string) => string): Promise<void> {
    const file = await this.path('/etc/pvc/pvc.yaml');
    await writeFile(file, change(await readFile(file, 'utf8')));
  }

  /** Starts the daemon. @returns milliseconds until it answers its first request on the socket */
  async startDaemon(): Promise<number> {
    const log = openSync(await this.path('/var/log/bench-daemon.log'), 'a');
    const [file = '', ...rest] = await commandOn(this.#lab, nodeName, [...daemonEnvironment, 'pvc', 'daemon']);
    const startMs = performance.now();
    const holder = spawn(file, rest, { stdio: ['ignore', log, log] });
    closeSync(log);
    const answered = await becomesTrueQuickly(
      async () => (await this.get('/api/v1/cluster').catch(() => undefined))?.status === 200,
      holder,
    );
    const tookMs = performance.now() - startMs;
    if (!answered) throw new Error(`the daemon does not answer:\n${await this.log()}`);
    // nsenter forks to enter the namespace of processes; the shell that starts the program becomes it.
    const [pid] = await childrenOf(holder.pid ?? 0);
    if (pid === undefined) throw new Error('the daemon is not to be seen');
    this.#daemon = { holder, pid };
    return tookMs;
  }

  async stopDaemon(): Promise<void> {
    if (this.#daemon === undefined) return;
    const { holder, pid } = this.#daemon;
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    process.kill(pid, 'SIGTERM');
    await ended;
    this.#daemon = undefined;
    this.#agent.destroy();
  }

  async log(): Promise<string> {
    return (await readFile(await this.path('/var/log/bench-daemon.log'), 'utf8')).split('\n').slice(-30).join('\n');
  }

  /** What the daemon's process holds and has used (proc(5)). */
  use(): ProcessUse {
    const pid = this.#daemon?.pid;
    if (pid === undefined) throw new Error('the daemon does not run');
    return processUse(readFileSync(`/proc/${pid}/status`, 'utf8'), readFileSync(`/proc/${pid}/stat`, 'utf8'));
  }

  get(path: string): Promise<ApiAnswer> {
    return this.#request('GET', path);
  }

  post(path: string, body: unknown): Promise<ApiAnswer> {
    return this.#request('POST', path, JSON.stringify(body));
  }

  async #request(method: string, path: string, body?: string): Promise<ApiAnswer> {
    const socketPath = await this.socket();
    return new Promise((resolve, reject) => {
      const startMs = performance.now();
      const headers =
        body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const asking = request({ socketPath, method, path, agent: this.#agent, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            tookMs: performance.now() - startMs,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      asking.on('error', reject);
      asking.end(body);
    });
  }
}

/** Asks every 2 ms; false when the process ends or the time is over. */
async function becomesTrueQuickly(probe: () => Promise<boolean>, holder: ChildProcess): Promise<boolean> {
  const endMs = performance.now() + answerTimeoutMs;
  while (performance.now() < endMs && holder.exitCode === null) {
    if (await probe()) return true;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return false;
}

/** Waits, without measuring. @throws Error with the daemon's log */
export async function needTrue(
  what: string,
  node: BenchNode,
  probe: () => Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  if (!(await becomesTrue(probe, timeoutMs)))
    throw new Error(`${what} did not come true within ${timeoutMs / 1000} s\n${await node.log()}`);
}
