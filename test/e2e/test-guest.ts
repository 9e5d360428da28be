/**
 * The small guest in a lab as a test sees it: made by the product's own command, known by the boot ids
 * and the counter on its console.
 * @module
 */
import assert from 'node:assert/strict';
import type { AnswerFor } from '../../core/client/index.ts';
import { guestDirectory } from '../lab/boot-script.ts';
import { NodeSession } from './node-session.ts';
import type { Answer, TestLab } from './test-lab.ts';
import { waitFor } from './wait-for.ts';

/** What `pvc vm info --format json` tells. */
export type GuestInfo = AnswerFor<'vm.info'>;

/** One boot of a guest, as far as its console tells. */
export interface Life {
  /** How many boots the console has seen. */
  readonly boots: number;
  readonly bootId: string;
  /** 0 before the first count of this boot. */
  readonly counter: number;
}

/** An emulated guest on a busy machine takes its time to boot. */
const bootTimeoutMs = 90_000;

const node = 'hv1';

/** Tells the answers on a console apart. */
let shellCommands = 0;

/** The boots and counts on a console; undefined before the first boot. Pure. */
export function readLife(consoleText: string): Life | undefined {
  const parts = consoleText.split(/pvc-guest boot ([0-9a-f-]{36}) /);
  const bootId = parts.at(-2);
  if (parts.length < 3 || bootId === undefined) return undefined;
  const counts = [...(parts.at(-1) ?? '').matchAll(/pvc-guest counter (\d+)\r?\n/g)].map(([, count]) => Number(count));
  return { boots: (parts.length - 1) / 2, bootId, counter: counts.at(-1) ?? 0 };
}

export interface GuestOptions {
  /** More words for its kernel's command line. */
  readonly cmdline?: string;
  /** More words for `pvc vm create`. */
  readonly args?: readonly string[];
}

export class TestGuest {
  readonly lab: TestLab;
  readonly name: string;
  readonly uuid: string;

  private constructor(lab: TestLab, name: string, uuid: string) {
    this.lab = lab;
    this.name = name;
    this.uuid = uuid;
  }

  /** `pvc vm create NAME`, booted directly from kernel and initramfs; it is not started. */
  static async create(lab: TestLab, name: string, options: GuestOptions = {}): Promise<TestGuest> {
    const cmdline = ['console=ttyS0', 'quiet', ...(options.cmdline === undefined ? [] : [options.cmdline])].join(' ');
    const boot = [
      '--kernel',
      `${guestDirectory}/vmlinuz`,
      '--initrd',
      `${guestDirectory}/initrd`,
      '--cmdline',
      cmdline,
    ];
    const size = ['--memory', '160', '--graphics', 'none'];
    (await lab.pvc(node, ['vm', 'create', name, ...size, ...boot, ...(options.args ?? [])])).ok();
    return TestGuest.find(lab, name);
  }

  /** A guest that is there already. */
  static async find(lab: TestLab, name: string): Promise<TestGuest> {
    const { uuid } = await lab.ask(node, 'vm.info', { vm: name });
    return new TestGuest(lab, name, uuid);
  }

  /** `pvc vm VERB NAME ARGS`, without questions. The verb may be of several words. */
  run(verb: string, ...args: string[]): Promise<Answer> {
    return this.lab.pvc(node, ['vm', ...verb.split(' '), this.name, ...args, '--yes']);
  }

  info(): Promise<GuestInfo> {
    return this.lab.ask(node, 'vm.info', { vm: this.uuid });
  }

  /** What it has written on its console, read without the product's help, so also while that is down. */
  async console(): Promise<string> {
    try {
      return await this.lab.readFile(node, `/var/log/pvc/console/${this.uuid}.log`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    }
  }

  /** Types a command at its console and waits for what it prints. @returns what it printed, without carriage returns */
  async shell(command: string): Promise<string> {
    shellCommands += 1;
    const mark = `done-${shellCommands}`;
    await using session = await NodeSession.onTerminal(this.lab, node, ['pvc', 'vm', 'console', this.name, '--force']);
    // The counter would print in between. The echo of what is typed must not look like the answer.
    session.send(`counter off; echo begin-${shellCommands}''; ${command}; echo done''-${shellCommands}; counter on\n`);
    // The terminal ends lines with one or two carriage returns.
    const answer = new RegExp(`begin-${shellCommands}\\r*\\n([\\s\\S]*?)${mark}\\r*\\n`);
    const [, printed = ''] = await session.sees(answer);
    return printed.replaceAll('\r', '');
  }

  /** Its current boot; undefined before the first. */
  async life(): Promise<Life | undefined> {
    return readLife(await this.console());
  }

  /** Waits until it counts, in a boot other than `before`'s when that is given. */
  counts(before?: Life): Promise<Life> {
    return this.waitFor(before === undefined ? 'count' : 'count in a new boot', async () => {
      const life = await this.life();
      return life !== undefined && life.counter > 0 && life.bootId !== before?.bootId && life;
    });
  }

  /** Waits until it has begun another boot than `before`'s; it may not count yet. */
  bootsAgain(before: Life): Promise<Life> {
    return this.waitFor('boot again', async () => {
      const life = await this.life();
      return life !== undefined && life.bootId !== before.bootId && life;
    });
  }

  /** Waits until it counts on after `before`, and asserts that it is the same boot. */
  async countsOn(before: Life): Promise<Life> {
    const after = await this.waitFor('count on', async () => {
      const life = await this.life();
      return life !== undefined && (life.bootId !== before.bootId || life.counter > before.counter) && life;
    });
    assert.equal(after.bootId, before.bootId, `${this.name} was to run on, and has booted again`);
    return after;
  }

  /** Waits until the product shows the state. */
  becomes(state: string, timeoutMs = 60_000): Promise<GuestInfo> {
    return this.waitFor(
      `be ${state}`,
      async () => {
        const info = await this.info();
        return info.state === state && info;
      },
      timeoutMs,
    );
  }

  /** Waits for something about this guest; a failure shows the end of its console. */
  waitFor<T>(
    what: string,
    probe: () => Promise<T>,
    timeoutMs = bootTimeoutMs,
  ): Promise<Exclude<T, undefined | null | false>> {
    return waitFor(`${this.name} to ${what}`, probe, {
      timeoutMs,
      evidence: async () =>
        `--- console of ${this.name}\n${(await this.console()).slice(-1_500)}\n${await this.lab.evidence()}`,
    });
  }
}
