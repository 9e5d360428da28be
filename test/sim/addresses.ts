/**
 * The addresses of one machine, as the kernel has them: set, renewed and taken off by `ip`, and taken off by itself when
 * their life time is over. The command's effect comes in the middle of its time, whatever has become of its caller.
 * @module
 */
import type { VirtualClock } from '../../core/host/virtual-clock.ts';
import type { ExecCall, ScriptedResult, VirtualProcesses } from '../../core/host/virtual-processes.ts';
import type { Chance } from './chance.ts';

interface Held {
  readonly prefix: number;
  readonly cancel: () => void;
}

export interface AddressesParts {
  readonly clock: VirtualClock;
  readonly random: Chance;
  /** Its own address, which is there from boot on. */
  readonly own: string;
  readonly changed: (address: string, held: boolean, why: string) => void;
}

const device = 'cluster';
/** The kernel looks for addresses whose time is over about once a second (addrconf.h, ADDR_CHECK_FREQ). */
const latestMs = 1_000;

export class Addresses {
  readonly #parts: AddressesParts;
  readonly #held = new Map<string, Held>();
  /** Announcements are not heard, `ip` fails: the link is away. */
  linkDown = false;

  constructor(parts: AddressesParts) {
    this.#parts = parts;
  }

  answer(processes: VirtualProcesses): void {
    processes.on(['ip'], (call) => this.#ip(call));
    processes.on(['arping'], { tookMs: 400 });
  }

  boot(): void {
    this.#held.set(this.#parts.own, { prefix: 24, cancel: () => {} });
  }

  powerOff(): void {
    for (const address of [...this.#held.keys()]) this.#drop(address, 'power cut');
  }

  has(address: string): boolean {
    return this.#held.has(address);
  }

  async #ip({ argv, options }: ExecCall): Promise<ScriptedResult> {
    const { clock, random } = this.#parts;
    const { input } = options;
    const told = typeof input === 'function' ? input() : typeof input === 'string' ? input : '';
    await clock.sleep(random.ms(1, 6));
    const result = argv.includes('-batch') ? this.#batch(told) : this.#act(argv.slice(1));
    return { ...result, tookMs: random.ms(0.5, 4) };
  }

  /** As with `-force`: one line after the other, whatever becomes of them. */
  #batch(told: string): ScriptedResult {
    const said = told
      .split('\n')
      .filter((line) => line !== '')
      .flatMap((line, index) => {
        const { code = 0, stderr = '' } = this.#act(line.split(' '));
        return code === 0 ? [] : [`${stderr}\nCommand failed -:${index + 1}\n`];
      });
    return said.length === 0 ? {} : { code: 1, stderr: said.join('') };
  }

  #act(args: readonly string[]): ScriptedResult {
    const words = args.filter((word) => !word.startsWith('-'));
    if (!/^addr(ess)?$/.test(words[0] ?? ''))
      return { code: 1, stderr: `the pretended ip knows no "${args.join(' ')}"` };
    const verb = words[1] ?? 'show';
    if (verb === 'show') return { stdout: JSON.stringify(this.#shown()) };
    const [address = '', prefix = ''] = (words[2] ?? '').split('/');
    const after = (name: string): string | undefined => words[words.indexOf(name, 3) + 1];
    if (after('dev') !== device) return { code: 1, stderr: `Cannot find device "${after('dev') ?? ''}"` };
    switch (verb) {
      case 'add':
        if (this.#held.has(address)) return { code: 2, stderr: 'RTNETLINK answers: File exists' };
        this.#set(address, Number(prefix), words.includes('valid_lft') ? Number(after('valid_lft')) : undefined);
        return {};
      case 'replace':
      case 'change':
        this.#set(address, Number(prefix), words.includes('valid_lft') ? Number(after('valid_lft')) : undefined);
        return {};
      case 'del':
        if (!this.#held.has(address)) return { code: 2, stderr: 'RTNETLINK answers: Cannot assign requested address' };
        this.#drop(address, 'taken off');
        return {};
      default:
        return { code: 1, stderr: `Command "${verb}" is unknown` };
    }
  }

  #shown(): unknown[] {
    return [
      { ifindex: 1, ifname: 'lo', addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8 }] },
      {
        ifindex: 2,
        ifname: device,
        addr_info: [...this.#held].map(([local, { prefix }]) => ({
          family: local.includes(':') ? 'inet6' : 'inet',
          local,
          prefixlen: prefix,
        })),
      },
    ];
  }

  #set(address: string, prefix: number, lifetimeS: number | undefined): void {
    const { clock, random, changed } = this.#parts;
    const known = this.#held.get(address);
    known?.cancel();
    const cancel =
      lifetimeS === undefined
        ? () => {}
        : clock.after(lifetimeS * 1000 + random.ms(0, latestMs), () => this.#drop(address, 'its life time is over'));
    this.#held.set(address, { prefix, cancel });
    if (known === undefined) changed(address, true, 'set');
  }

  #drop(address: string, why: string): void {
    const held = this.#held.get(address);
    if (held === undefined) return;
    held.cancel();
    this.#held.delete(address);
    this.#parts.changed(address, false, why);
  }
}
