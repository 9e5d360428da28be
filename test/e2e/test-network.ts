/** Guests on networks of the cluster in a lab, as they see each other. */
import assert from 'node:assert/strict';
import { TestGuest } from './test-guest.ts';
import type { TestLab } from './test-lab.ts';

const addressOf = (host: number): string => `192.168.50.${host}`;

/** Ten a second: what is lost tells for how long nothing came through. */
const pingEveryS = 0.1;

export class NetworkGuest {
  readonly guest: TestGuest;
  readonly address: string;
  readonly #lab: TestLab;

  private constructor(lab: TestLab, guest: TestGuest, address: string) {
    this.#lab = lab;
    this.guest = guest;
    this.address = address;
  }

  /** A guest with one card on the network, running, with the address `192.168.50.HOST`. */
  static async start(lab: TestLab, name: string, node: string, network: string, host: number): Promise<NetworkGuest> {
    const guest = await TestGuest.create(lab, name, {
      args: ['--node', node, '--nic', `network=${network}`, '--start'],
    });
    const made = new NetworkGuest(lab, guest, addressOf(host));
    await made.boots(node, 1);
    return made;
  }

  /** Waits until it has booted so many times on the node, and gives it its address. */
  async boots(node: string, times: number): Promise<void> {
    const log = `/var/log/pvc/console/${this.guest.uuid}.log`;
    await this.#lab.waitFor(
      `${this.guest.name} to boot on ${node}`,
      async () => {
        const { stdout } = await this.#lab.exec(node, ['cat', log], { accept: 'any' });
        const boots = stdout.split('pvc-guest boot ');
        return boots.length > times && boots.at(-1)?.includes('pvc-guest counter');
      },
      { timeoutMs: 90_000 },
    );
    // Nobody gives out addresses here: who asks for one would only take away what it has.
    await this.guest.shell(`kill $(cat /run/nic/eth0); ip addr add ${this.address}/24 dev eth0`);
  }

  /** How many of so many pings to an address are answered. */
  async pings(address: string, count = 3, more = ''): Promise<number> {
    const printed = await this.guest.shell(`ping -c ${count} -W 1 ${more} ${address}`);
    const [, received] = /(\d+) packets received/.exec(printed) ?? [];
    assert.ok(received, printed);
    return Number(received);
  }

  /**
   * Pings without a pause while something is done. @returns the longest time without an answer, in seconds; it is over
   * by then
   */
  async worstWhile(address: string, act: () => Promise<void>): Promise<number> {
    await this.guest.shell(`ping -i ${pingEveryS} -W 1 ${address} >/run/ping 2>&1 & echo $! >/run/ping.pid; sleep 1`);
    await act();
    await this.#lab.waitFor('answers to come again', async () => {
      const [, before, after] =
        /^(\d+)\n[\s\S]*?(\d+)\n$/.exec(await this.guest.shell('wc -l </run/ping; sleep 2; wc -l </run/ping')) ?? [];
      return Number(after) - Number(before) > 10;
    });
    const printed = await this.guest.shell(
      `kill -INT $(cat /run/ping.pid); sleep 1; sed -n 's/.*seq=\\([0-9]*\\) .*/\\1/p' /run/ping | awk 'BEGIN { last = -1 } $1 - last > worst { worst = $1 - last } { last = $1 } END { print "worst", worst }'`,
    );
    const [, worst] = /worst (\d+)/.exec(printed) ?? [];
    assert.ok(worst, printed);
    return (Number(worst) - 1) * pingEveryS;
  }
}
