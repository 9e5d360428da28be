/** A router of the site in the network outside of a lab: FRR, which speaks BGP with whichever node asks. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, startDetached } from '../lab/run.ts';
import { namespaceName, outsideAddress } from '../lab/topology.ts';
import type { TestLab } from './test-lab.ts';

export const routerAsn = 64_512;

/** Takes sessions from every node of the upstream network, with the cluster's usual number. */
const configuration = `frr defaults datacenter
hostname outside
router bgp ${routerAsn}
 bgp router-id ${outsideAddress}
 no bgp ebgp-requires-policy
 neighbor nodes peer-group
 neighbor nodes remote-as 65500
 neighbor nodes bfd
 bgp listen range 10.10.2.0/24 peer-group nodes
 address-family ipv4 unicast
  neighbor nodes default-originate
 exit-address-family
exit
end
`;

/** How a prefix is reached: the nodes, by their addresses on the upstream network. */
export type NextHops = readonly string[];

export class TestRouter {
  readonly #inside: readonly [string, ...string[]];
  readonly #directory: string;

  private constructor(lab: string, directory: string) {
    this.#inside = ['ip', 'netns', 'exec', namespaceName(lab, 'outside')];
    this.#directory = directory;
  }

  /** What all nodes must have from now on. */
  async setPassword(password: string): Promise<void> {
    // vtysh opens its input anew, which only a pipe allows.
    const asked = ['sh', '-c', 'cat | vtysh --vty_socket "$0" -d bgpd -f /dev/stdin', this.#directory];
    const input = `router bgp ${routerAsn}\n neighbor nodes password ${password}\n`;
    await run([...this.#inside, ...asked], { input });
  }

  /** Starts it; its processes end with the lab, as all in its network. */
  static async start(lab: TestLab): Promise<TestRouter> {
    // FRR works as a user of its own, who does not see what is the lab's.
    const directory = await mkdtemp(join(tmpdir(), 'pvc-router-'));
    await run(['chown', 'frr:frr', directory]);
    const router = new TestRouter(lab.name, directory);
    const conf = join(directory, 'frr.conf');
    await writeFile(conf, configuration);
    for (const daemon of ['zebra', 'bfdd', 'bgpd'])
      await startDetached(
        [
          ...router.#inside,
          `/usr/lib/frr/${daemon}`,
          ...['-A', '127.0.0.1', '-P', '0'],
          ...['-f', conf, '-i', join(directory, `${daemon}.pid`), '-z', join(directory, 'zserv.api')],
          ...['--vty_socket', directory],
        ],
        join(directory, `${daemon}.log`),
      );
    await lab.waitFor(
      'the router outside to speak BGP',
      async () => (await router.#show('show bgp summary json')) !== '',
    );
    return router;
  }

  /** Removes its files. */
  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true });
  }

  /** What `vtysh` prints; empty while the daemon does not answer. */
  async #show(command: string): Promise<string> {
    const asked = ['vtysh', '--vty_socket', this.#directory, '-d', 'bgpd', '-c', command];
    const shown = await run([...this.#inside, ...asked], { accept: 'any' });
    return shown.code === 0 ? shown.stdout : '';
  }

  /** The ways to a prefix, the best one first; none: it is not known. */
  async nextHops(prefix: string): Promise<NextHops> {
    const { paths = [] } = JSON.parse((await this.#show(`show bgp ipv4 unicast ${prefix} json`)) || '{}') as {
      paths?: { bestpath?: unknown; nexthops: { ip: string }[] }[];
    };
    return paths
      .toSorted((one, other) => Number(other.bestpath !== undefined) - Number(one.bestpath !== undefined))
      .flatMap(({ nexthops }) => nexthops.map(({ ip }) => ip));
  }

  async #sessions(): Promise<Readonly<Record<string, { state: string; peerUptimeEstablishedEpoch?: number }>>> {
    const { ipv4Unicast } = JSON.parse((await this.#show('show bgp summary json')) || '{}') as {
      ipv4Unicast?: { peers?: Record<string, { state: string; peerUptimeEstablishedEpoch?: number }> };
    };
    return ipv4Unicast?.peers ?? {};
  }

  /** How many nodes speak with it. */
  async established(): Promise<number> {
    return Object.values(await this.#sessions()).filter(({ state }) => state === 'Established').length;
  }

  /** Since when a node speaks with it, in seconds since 1970. @throws AssertionError when it does not */
  async upSinceS(node: string): Promise<number> {
    const { peerUptimeEstablishedEpoch: since } = (await this.#sessions())[node] ?? {};
    assert.ok(since, `no session with ${node}`);
    return since;
  }

  /** Prefixes that it has heard from nodes. */
  async known(): Promise<string[]> {
    const { routes = {} } = JSON.parse((await this.#show('show bgp ipv4 unicast json')) || '{}') as {
      routes?: Record<string, unknown>;
    };
    return Object.keys(routes).toSorted();
  }
}
