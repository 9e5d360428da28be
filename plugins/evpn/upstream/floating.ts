/** Addresses on networks of the site that go with the role of primary. @module */
import { announceAddress, faultId, type Runtime } from '../../../core/plugin/api.ts';
import { placesOf } from './floating-place.ts';

const askMs = 3_000;

export class FloatingUpstream {
  readonly #leased: ReturnType<Runtime['leaseAddresses']>;
  #taken = false;

  /** @param addresses in their canonical writing; with none, nothing is ever done */
  constructor(runtime: Runtime, addresses: readonly string[]) {
    const { host, node, faults } = runtime;
    const fault = faultId('upstream-address', node);
    /** Of the last look. */
    let reasons: readonly string[] = [];
    this.#leased = runtime.leaseAddresses({
      name: 'upstream',
      async wanted() {
        if (addresses.length === 0) return [];
        const shown = await host.processes.exec(['ip', '-j', 'address', 'show'], { timeoutMs: askMs });
        if (shown.code !== 0) throw new Error(`ip address show: ${shown.stderr.trim()}`);
        const places = placesOf(shown.stdout, addresses);
        ({ reasons } = places);
        return places.placed;
      },
      async announce(news) {
        for (const one of news) await announceAddress(host, one);
      },
      trouble: (unset) => {
        const all = unset === undefined ? reasons : [unset, ...reasons];
        if (all.length === 0 || !this.#taken) faults.clear(fault);
        else
          faults.raise(fault, {
            severity: 'critical',
            message: `A floating address of the site is not on ${node}, which is primary: ${all.join('; ')}`,
            hint: '`plugins.evpn.upstream.floating` in pvc.yaml names them. Is the link up, and has the node an address of its own there? It is tried again every second.',
            object: `node ${node}`,
          });
      },
    });
  }

  /** This node is primary. Resolves once the addresses are here that can be. */
  take(): Promise<void> {
    this.#taken = true;
    return this.#leased.take();
  }

  /** This node is primary no more; safe from any state. @throws Error when an address is still there */
  leave(): Promise<void> {
    this.#taken = false;
    return this.#leased.drop();
  }
}
