/** A lab of several nodes for measuring: clients, commands and what the daemons use. @module */

import { createClient, type PvcClient } from '../../core/client/index.ts';
import { createLinuxHost } from '../../core/host/linux.ts';
import { LibvirtDriver } from '../../plugins/libvirt/rpc/domain.ts';
import { becomesTrue } from '../lab/becomes-true.ts';
import { daemonProcess } from '../lab/daemon.ts';
import { takeDown } from '../lab/down.ts';
import { execOn, pathOn } from '../lab/exec.ts';
import type { LabRecord } from '../lab/state.ts';
import { bringUp } from '../lab/up.ts';
import { type ProcessUse, processUse, together } from './process-use.ts';

export class ClusterLab {
  readonly record: LabRecord;
  readonly #clients = new Map<string, PvcClient>();
  readonly #signal: AbortSignal;

  private constructor(record: LabRecord, signal: AbortSignal) {
    this.record = record;
    this.#signal = signal;
  }

  /** Runs `measure` in a lab that is taken away afterwards, and when `signal` aborts. */
  static async use<T>(
    name: string,
    nodes: number,
    signal: AbortSignal,
    measure: (lab: ClusterLab) => Promise<T>,
  ): Promise<T> {
    const lab = new ClusterLab(await bringUp({ name, nodes, owned: true, signal }), signal);
    // Taking the lab away ends what is being measured, and with it the measuring.
    signal.addEventListener('abort', () => void takeDown(name), { once: true });
    try {
      return await measure(lab);
    } finally {
      for (const client of lab.#clients.values()) client.close();
      await takeDown(name);
    }
  }

  /** A client of a node's daemon over its socket; after a power cut of the node, `forget` it. */
  async client(node: string): Promise<PvcClient> {
    const known = this.#clients.get(node);
    if (known !== undefined) return known;
    const client = createClient({ socket: await pathOn(this.record, node, '/run/pvc/pvc.sock') });
    this.#clients.set(node, client);
    return client;
  }

  /** The node has lost its power: it has another socket now. */
  forget(node: string): void {
    this.#clients.get(node)?.close();
    this.#clients.delete(node);
  }

  async exec(node: string, argv: readonly string[]): Promise<string> {
    return (await execOn(this.record, node, argv)).stdout;
  }

  pvc(node: string, ...args: readonly string[]): Promise<string> {
    return this.exec(node, ['pvc', ...args]);
  }

  /** A connection of our own to a node's libvirtd, beside the daemon's. Close it. */
  async driver(node: string): Promise<LibvirtDriver> {
    const host = createLinuxHost({ level: 'error', destination: 'stderr', pretty: true });
    const path = await pathOn(this.record, node, '/run/libvirt/libvirt-sock');
    return LibvirtDriver.open(host, { target: { path }, uri: 'qemu:///system' });
  }

  /** With its launcher. @throws Error when the daemon does not run */
  async daemonUse(node: string): Promise<ProcessUse> {
    const pid = await daemonProcess(this.record, node);
    if (pid === undefined) throw new Error(`the daemon of ${node} does not run`);
    const launcher = await this.exec(node, ['pgrep', '-f', '-P', String(pid), '__launcher']);
    const [daemon, beside] = await Promise.all([this.#useOf(node, pid), this.#useOf(node, Number(launcher))]);
    return together(daemon, beside);
  }

  async #useOf(node: string, pid: number): Promise<ProcessUse> {
    const read = (file: string): Promise<string> => this.exec(node, ['cat', `/proc/${pid}/${file}`]);
    return processUse(await read('status'), await read('stat'));
  }

  /** Waits, without measuring. @throws Error when it does not come true in time, or the measuring is interrupted */
  async until(what: string, probe: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
    if (!(await becomesTrue(() => probe().catch(() => false), timeoutMs, this.#signal)))
      throw new Error(`${what} did not come true within ${timeoutMs / 1000} s`);
  }
}
