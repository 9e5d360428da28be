/**
 * Something that is plugged into a network like a guest's card: a network namespace on a node, with one end of a pair of
 * devices in it and the other in the bridge. Of the firewall it sees what a guest would, and it takes no time to boot.
 */
import assert from 'node:assert/strict';
import type { TestLab } from './test-lab.ts';

/** Of one packet or connection. What is dropped gives no answer at all. */
const patienceS = 3;

export class PluggedEnd {
  readonly #lab: TestLab;
  readonly #node: string;
  readonly #name: string;

  private constructor(lab: TestLab, node: string, name: string) {
    this.#lab = lab;
    this.#node = node;
    this.#name = name;
  }

  /** @param addresses its own, each with the length of its network, and the gateway there */
  static async plug(
    lab: TestLab,
    node: string,
    name: string,
    bridge: string,
    addresses: readonly { readonly own: string; readonly gateway: string }[],
  ): Promise<PluggedEnd> {
    const end = new PluggedEnd(lab, node, name);
    const run = (...argv: string[]) => lab.exec(node, argv);
    await run('ip', 'netns', 'add', name);
    await run('ip', 'link', 'add', `end-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    await run('ip', 'link', 'set', `end-${name}`, 'master', bridge, 'up');
    for (const device of ['lo', 'eth0']) await run('ip', '-n', name, 'link', 'set', device, 'up');
    for (const { own, gateway } of addresses) {
      // Nobody else has it: IPv6 would first ask for a second.
      await run('ip', '-n', name, 'address', 'add', own, 'dev', 'eth0', ...(own.includes(':') ? ['nodad'] : []));
      await run('ip', '-n', name, 'route', 'add', 'default', 'via', gateway);
    }
    return end;
  }

  /** Runs a command in it. Any exit code is an answer. */
  exec(...argv: string[]) {
    return this.#lab.exec(this.#node, ['ip', 'netns', 'exec', this.#name, ...argv], { accept: 'any' });
  }

  /** How many of so many pings are answered. */
  async pings(address: string, count = 2): Promise<number> {
    const { stdout } = await this.exec('ping', '-n', '-c', String(count), '-W', String(patienceS), address);
    const [, received] = /(\d+) received/.exec(stdout) ?? [];
    assert.ok(received, stdout);
    return Number(received);
  }

  /** Whether somebody takes its connection. */
  connects(address: string, port: number): Promise<boolean> {
    return connects(this.#lab, this.#node, address, port, ['ip', 'netns', 'exec', this.#name]);
  }

  /** Takes connections, and says back what it hears. */
  serves(port: number): Promise<void> {
    return serve(this.#lab, this.#node, port, ['ip', 'netns', 'exec', this.#name]);
  }

  /** Goes, with all that it runs. */
  async unplug(): Promise<void> {
    const { stdout } = await this.#lab.exec(this.#node, ['ip', 'netns', 'pids', this.#name]);
    // One or the other may have ended by itself meanwhile.
    for (const pid of stdout.split('\n').filter((line) => line !== ''))
      await this.#lab.exec(this.#node, ['kill', pid], { accept: 'any' });
    await this.#lab.exec(this.#node, ['ip', 'link', 'delete', 'dev', `end-${this.#name}`], { accept: 'any' });
    await this.#lab.exec(this.#node, ['ip', 'netns', 'delete', this.#name]);
  }
}

/** Whether somebody takes a connection of a node, or of `outside`. */
export async function connects(
  lab: TestLab,
  member: string,
  address: string,
  port: number,
  prefix: readonly string[] = [],
): Promise<boolean> {
  const command = ['timeout', String(patienceS), 'bash', '-c', `exec 3<>/dev/tcp/${address}/${port}`];
  return (await lab.exec(member, [...prefix, ...command], { accept: 'any' })).code === 0;
}

/** Has a port of a node taken, whose connections hear back what they say. It ends with the node. */
export async function serve(lab: TestLab, member: string, port: number, prefix: readonly string[] = []): Promise<void> {
  const command = [...prefix, 'busybox', 'nc', '-ll', '-p', String(port), '-e', 'cat'].join(' ');
  await lab.exec(member, ['sh', '-c', `${command} </dev/null >/dev/null 2>&1 &`]);
}
