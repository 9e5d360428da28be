/** Guests on networks of the cluster in a lab, as they see each other. */
import assert from 'node:assert/strict';
import { TestGuest } from './test-guest.ts';
import type { TestLab } from './test-lab.ts';

const addressOf = (host: number): string => `192.168.50.${host}`;

/** Ten a second: what is lost tells for how long nothing came through. */
const pingEveryS = 0.1;

/** What was not answered of pings, ten a second. */
export interface Silence {
  /** The longest time without an answer, in seconds. */
  readonly worstS: number;
  /** How many pings were not answered in all. */
  readonly lost: number;
}

/** Prints the numbers of the pings that were answered, as a command of a guest. */
const answered = (file: string): string => `sed -n 's/.*seq=\\([0-9]*\\) .*/\\1/p' ${file}`;

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

  /** Pings without a pause while something is done. @returns the longest time without an answer, in seconds */
  async worstWhile(address: string, act: () => Promise<void>): Promise<number> {
    const [silence] = await this.silences([address], act);
    assert.ok(silence);
    return silence.worstS;
  }

  /** Pings all addresses side by side while something is done. It is over by then: all answer again. */
  async silences(addresses: readonly string[], act: () => Promise<void>): Promise<Silence[]> {
    const files = addresses.map((address) => ({ address, file: `/run/ping-${address.replace('%', '-')}` }));
    const all = files.map(({ file }) => file).join(' ');
    for (const { address, file } of files)
      await this.guest.shell(`ping -i ${pingEveryS} -W 1 ${address} >${file} 2>&1 & echo $! >${file}.pid`);
    await this.guest.shell('sleep 1');
    await act();
    await this.#lab.waitFor(
      'answers to come again',
      async () => {
        const printed = await this.guest.shell(`wc -l ${all} | grep ping; sleep 2; wc -l ${all} | grep ping`);
        const counts = [...printed.matchAll(/^ *(\d+) /gm)].map(([, count]) => Number(count));
        assert.equal(counts.length, 2 * files.length, printed);
        return files.every((_, index) => (counts[files.length + index] ?? 0) - (counts[index] ?? 0) > 10);
      },
      { timeoutMs: 90_000 },
    );
    const silences: Silence[] = [];
    for (const { file } of files) {
      const printed = await this.guest.shell(
        `kill -INT $(cat ${file}.pid); sleep 1; ${answered(file)} | awk 'BEGIN { last = -1 } $1 - last > worst { worst = $1 - last } { last = $1; count++ } END { print "worst", worst, last + 1 - count }'`,
      );
      const [, worst, lost] = /worst (\d+) (\d+)/.exec(printed) ?? [];
      assert.ok(worst, printed);
      silences.push({ worstS: (Number(worst) - 1) * pingEveryS, lost: Number(lost) });
    }
    return silences;
  }

  /**
   * Has the guest wait for a card, give it these addresses the moment it is there, and ping others from it at once.
   * @returns what tells, once the card has come, after how many seconds each of the others answered first
   */
  async pingsFromStart(
    nic: string,
    own: readonly string[],
    others: readonly string[],
  ): Promise<() => Promise<number[]>> {
    // Nobody else has these addresses: IPv6 would first ask for a second.
    const up = `echo 0 >/proc/sys/net/ipv6/conf/${nic}/accept_dad; ip link set ${nic} up`;
    // Who asks for an address by DHCP would take away what the card has.
    const asks = `kill $(cat /run/nic/${nic}); sleep 0.2`;
    const addresses = own.map((address) => `ip addr add ${address} dev ${nic}`).join('; ');
    const pings = others.map((other, index) => `ping -i ${pingEveryS} -c 100 ${other} >/run/start${index} 2>&1 &`);
    await this.guest.shell(
      `{ (until [ -s /run/nic/${nic} ]; do sleep 0.05; done; ${asks}; ${up}; ${addresses}; ${pings.join(' ')} wait) >/dev/null 2>&1 & }`,
    );
    return async () => {
      const firsts: number[] = [];
      // One after the other: there is one console.
      for (const [index, other] of others.entries()) {
        const { firstS } = await this.#lab.waitFor(`${other} to answer ${this.guest.name}`, async () => {
          const [, first] =
            /^(\d+)$/m.exec(await this.guest.shell(`${answered(`/run/start${index}`)} | head -1`)) ?? [];
          return first === undefined ? undefined : { firstS: Number(first) * pingEveryS };
        });
        firsts.push(firstS);
      }
      return firsts;
    };
  }
}
