/**
 * The way to the primary in networks whose gateway is on every node: frames to one MAC address (`primaryMac`), which the primary
 * takes for itself, and the others send to it. Every node writes it down when the role has moved: the kernel goes on
 * with it while the daemon is away.
 * @module
 */
import { errorText, isStoreAway, node as nodeKind, type Runtime, View } from '../../../core/plugin/api.ts';
import type { Links } from '../links/links.ts';
import { bridgeName, vxlanName } from '../links/names.ts';
import { primaryMac } from '../links/router.ts';

/** Nodes that are no coordinators are told of no primary. */
const lookMs = 500;
/** Devices come and go without a word. */
const againMs = 5_000;
const execMs = 5_000;

/** Lines for `bridge -batch`; `address` of the primary on the cluster network, undefined: it is this node. Pure. */
export const wayLines = (vnis: readonly string[], address: string | undefined): string =>
  vnis
    .map((vni) =>
      address === undefined
        ? `fdb replace ${primaryMac} dev ${bridgeName(vni)} self permanent\n`
        : `fdb replace ${primaryMac} dev ${vxlanName(vni)} dst ${address} self master static\n`,
    )
    .join('');

export class PrimaryWay {
  readonly #runtime: Runtime;
  readonly #links: Pick<Links, 'anycast'>;
  /** What was last written down, and until when it is taken for right. */
  #written = { lines: '', untilMs: 0 };
  #said: string | undefined;

  constructor(runtime: Runtime, links: Pick<Links, 'anycast'>) {
    this.#runtime = runtime;
    this.#links = links;
  }

  /** Until the daemon stops. */
  async follow(): Promise<void> {
    const { host, signal } = this.#runtime;
    while (!signal.aborted) {
      await this.look();
      await host.clock.sleep(lookMs, signal).catch(() => undefined);
    }
  }

  /** Writes the way down, if it is another one or has not been looked at for a while. */
  async look(): Promise<void> {
    const { host } = this.#runtime;
    try {
      const lines = await this.#lines();
      const nowMs = host.clock.monotonicMs();
      if (lines === undefined || (lines === this.#written.lines && nowMs < this.#written.untilMs)) return;
      // A device may be away: the next look is in time for it.
      const done = await host.processes.exec(['bridge', '-force', '-batch', '-'], { timeoutMs: execMs, input: lines });
      this.#written = { lines, untilMs: done.code === 0 ? nowMs + againMs : 0 };
      this.#tell(done.code === 0 ? undefined : done.stderr.trim());
    } catch (error) {
      // While the store is away nobody becomes primary.
      if (!isStoreAway(error)) this.#tell(errorText(error));
    }
  }

  /** Undefined: nothing is to be done. */
  async #lines(): Promise<string | undefined> {
    const vnis = [...this.#links.anycast.keys()];
    if (vnis.length === 0) return undefined;
    const { documents, node } = this.#runtime;
    const primary = await new View(documents).primary();
    if (primary === undefined) return undefined;
    if (primary === node) return wayLines(vnis, undefined);
    const address = (await documents.get(nodeKind, primary))?.spec.address;
    return address === undefined ? undefined : wayLines(vnis, address);
  }

  /** Once for each trouble. */
  #tell(reason: string | undefined): void {
    if (reason !== undefined && reason !== this.#said)
      this.#runtime.host.log.warn('the way to the primary could not be written down', { reason });
    this.#said = reason;
  }
}
