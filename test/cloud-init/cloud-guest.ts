/** A guest with cloud-init as an administrator sees it from outside: its console, its name, its way in. @module */
import assert from 'node:assert/strict';
import type { TestLab } from '../e2e/test-lab.ts';
import type { RunResult } from '../lab/run.ts';

/** On each node that knows the guests' network. */
const directory = '/root/show';
const inNode = (file: string): string => `${directory}/${file}`;
const knownHosts = inNode('known_hosts');

/** In seconds since the command that made the guests; what has not come yet is not there. */
export interface Times {
  running?: number;
  began?: number;
  named?: number;
  finished?: number;
}

export type Login = { readonly user: string } & ({ readonly key: string } | { readonly password: string });

export class CloudGuest {
  readonly lab: TestLab;
  readonly name: string;
  readonly times: Times = {};
  /** By DHCP, as the cluster's DNS tells it. */
  address = '';

  constructor(lab: TestLab, name: string) {
    this.lab = lab;
    this.name = name;
  }

  info() {
    return this.lab.ask('hv1', 'vm.info', { vm: this.name });
  }

  /** What it has written on its serial port so far, on the node where it is. */
  async console(): Promise<string> {
    const { node, uuid } = await this.info();
    const log = `/var/log/pvc/console/${uuid}.log`;
    return (await this.lab.exec(node, ['cat', log], { accept: 'any' })).stdout;
  }

  /** Looks once what has come since. @returns whether all has */
  async watch(domain: string, server: string, nowS: () => number): Promise<boolean> {
    const { times } = this;
    const rows = await this.lab.ask('hv1', 'vm.list', {});
    if (!rows.some(({ name, state }) => name === this.name && state === 'running')) return false;
    times.running ??= nowS();
    const text = await this.console();
    if (/Cloud-init v\. \S+ running 'init-local'/.test(text)) times.began ??= nowS();
    if (/Cloud-init v\. \S+ finished at/.test(text)) times.finished ??= nowS();
    if (times.named === undefined) {
      const question = ['dig', '+short', '+tries=1', '+time=2', `@${server}`, `${this.name}.${domain}`, 'A'];
      const told = (await this.lab.exec('hv1', question, { accept: 'any' })).stdout.trim();
      const address = await this.#lease();
      // The address of an earlier guest of that name does not count.
      if (address !== undefined && told === address) {
        this.address = address;
        times.named = nowS();
      }
    }
    return times.finished !== undefined && times.named !== undefined;
  }

  /** The address that its card was given. */
  async #lease(): Promise<string | undefined> {
    const { networks } = await this.info();
    const rows = await this.lab.ask('hv1', 'network.dhcp-list', {});
    return rows.find(({ type, mac }) => type === 'lease' && mac === networks[0]?.mac)?.address;
  }

  /**
   * Has a node trust the guest by the key that cloud-init has told on its console, as whoever cares does, and by no other.
   * @throws AssertionError when it has told none
   */
  async trust(node: string): Promise<void> {
    const text = (await this.console()).replaceAll('\r', '');
    const told = /BEGIN SSH HOST KEY KEYS-----\n([\s\S]*?)-----END SSH HOST KEY KEYS/.exec(text)?.[1] ?? '';
    const [line] =
      /^ssh-ed25519 \S+/m.exec(told) ?? assert.fail(`${this.name} told no host key:\n${text.slice(-3000)}`);
    await this.lab.exec(node, ['sh', '-c', `cat >>${knownHosts}`], { input: `${this.address} ${line}\n` });
  }

  /** A command in the guest, by ssh from a node; any exit code is an answer. */
  async ssh(node: string, login: Login, command: string): Promise<RunResult> {
    const options = ['StrictHostKeyChecking=yes', `UserKnownHostsFile=${knownHosts}`, 'ConnectTimeout=60'];
    const how =
      'key' in login
        ? ['PreferredAuthentications=publickey', 'IdentitiesOnly=yes', `IdentityFile=${inNode(login.key)}`]
        : ['PreferredAuthentications=password', 'PubkeyAuthentication=no', 'NumberOfPasswordPrompts=1'];
    const words = [...options, ...how].flatMap((one) => ['-o', one]);
    const ssh = ['ssh', '-n', ...words, `${login.user}@${this.address}`, command];
    // The password comes from a program that ssh asks: there is no terminal.
    const asks = [`SSH_ASKPASS=${inNode('askpass')}`, 'SSH_ASKPASS_REQUIRE=force'];
    const argv = 'key' in login ? ssh : ['env', ...asks, ...ssh];
    if ('password' in login) await this.lab.writeFile(node, inNode('password'), `${login.password}\n`);
    return this.lab.exec(node, argv, { accept: 'any', timeoutMs: 180_000 });
  }
}

/** Puts the keys, and what tells ssh a password, where a node finds them; forgets hosts that were trusted before. */
export async function prepareSsh(lab: TestLab, node: string): Promise<{ readonly publicKey: string }> {
  const script = [
    `rm -rf ${directory}`,
    `mkdir -m 700 ${directory}`,
    ...['right', 'wrong'].map((name) => `ssh-keygen -q -t ed25519 -N '' -C ${name}@show -f ${inNode(name)}`),
    `printf '#!/bin/sh\\ncat ${inNode('password')}\\n' >${inNode('askpass')}`,
    `chmod 700 ${inNode('askpass')}`,
    `cat ${inNode('right.pub')}`,
  ];
  const { stdout } = await lab.exec(node, ['sh', '-ec', script.join('\n')]);
  return { publicKey: stdout.trim() };
}
