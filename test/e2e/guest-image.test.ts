/**
 * The small guest by itself under plain QEMU: every way to boot it, its console, its power button.
 * @module
 */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type GuestImage, guestImage } from '../lab/guest/image.ts';
import { waitFor } from './wait-for.ts';

let image: GuestImage;
let scratch: string;
before(async () => {
  image = await guestImage();
  scratch = await mkdtemp(join(tmpdir(), 'pvc-guest-test-'));
});
after(() => rm(scratch, { recursive: true }));

/** A QEMU whose serial port is its standard input and output. */
class Machine {
  readonly process: ChildProcessWithoutNullStreams;
  readonly monitor: string;
  text = '';

  constructor(name: string, argv: readonly string[]) {
    this.monitor = join(scratch, `${name}.monitor`);
    this.process = spawn('qemu-system-x86_64', [
      ...'-accel tcg -m 128 -display none -no-reboot -nodefaults -vga std -serial stdio'.split(' '),
      '-monitor',
      `unix:${this.monitor},server,nowait`,
      ...argv,
    ]);
    const collect = (chunk: Buffer) => {
      this.text += chunk.toString().replaceAll('\r', '');
    };
    this.process.stdout.on('data', collect);
    this.process.stderr.on('data', collect);
  }

  sees(pattern: RegExp): Promise<RegExpExecArray> {
    return waitFor(`the console to say ${pattern}`, () => pattern.exec(this.text), {
      timeoutMs: 60_000,
      evidence: () => this.text,
    });
  }

  async type(line: string): Promise<void> {
    // The emulated port has a buffer of 16 bytes and no flow control.
    for (const char of `${line}\n`) {
      this.process.stdin.write(char);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** The monitor prompts, takes the command, prompts again; it forgets a command whose sender has hung up. */
  pressPowerButton(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.monitor);
      let heard = '';
      socket.on('data', (chunk: Buffer) => {
        const prompts = (text: string) => text.split('(qemu) ').length - 1;
        const before = prompts(heard);
        heard += chunk.toString();
        if (before === 0 && prompts(heard) === 1) socket.write('system_powerdown\n');
        if (prompts(heard) === 2) socket.end();
      });
      socket.on('error', reject).on('close', () => resolve());
    });
  }

  get ended(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  [Symbol.dispose](): void {
    this.process.kill('SIGKILL');
  }
}

const direct = (extra = '') => [
  '-kernel',
  image.kernel,
  '-initrd',
  image.initrd,
  '-append',
  `console=ttyS0 quiet ${extra}`,
];

const diskCopy = async (name: string): Promise<string> => {
  const path = join(scratch, `${name}.img`);
  await copyFile(image.disk, path);
  return `file=${path},format=raw,if=none,id=boot`;
};

describe('the guest image', () => {
  it('boots its kernel, counts, takes commands beside the counter and obeys the power button', async () => {
    const nic = ['-netdev', 'user,id=n', '-device', 'virtio-net-pci,netdev=n'];
    using machine = new Machine('direct', [...direct('pvc.name=web1'), ...nic]);
    await machine.sees(/^pvc-guest boot [0-9a-f-]{36} kernel /m);
    await machine.sees(/pvc-guest address eth0 10\.0\.2\.15\/24/);
    const [, first] = await machine.sees(/pvc-guest counter (\d+)\n/);
    await machine.type('echo $(hostname) $((6 * 7))');
    await machine.sees(/^web1 42$/m);
    await machine.sees(new RegExp(`pvc-guest counter ${Number(first) + 3}\\n`));

    await machine.type('counter off; echo quiet now');
    await machine.sees(/^quiet now$/m);
    const seen = machine.text.length;
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    assert.doesNotMatch(machine.text.slice(seen), /counter \d/);
    await machine.type('counter on');
    await machine.sees(/quiet now[^]*pvc-guest counter \d+\n/);

    await machine.pressPowerButton();
    await machine.sees(/pvc-guest power button/);
    await waitFor('the guest to be off', () => machine.ended, { timeoutMs: 10_000, evidence: () => machine.text });
  });

  it('ignores the power button when told to', async () => {
    using machine = new Machine('stubborn', direct('pvc.ignore_acpi=1'));
    await machine.sees(/ignoring ACPI/);
    const [, at] = await machine.sees(/pvc-guest counter (\d+)\n/);
    await machine.pressPowerButton();
    await machine.sees(new RegExp(`pvc-guest counter ${Number(at) + 5}\\n`));
    assert.equal(machine.ended, false);
  });

  it('panics when told to', async () => {
    using machine = new Machine('crash', direct('pvc.crash=1 panic=-1'));
    await machine.sees(/crashing as asked/);
    await machine.sees(/Kernel panic/);
    await waitFor('the guest to have reset', () => machine.ended, { timeoutMs: 10_000, evidence: () => machine.text });
  });

  for (const [bus, device] of [
    ['virtio', ['-device', 'virtio-blk-pci,drive=boot']],
    ['scsi', ['-device', 'virtio-scsi-pci', '-device', 'scsi-hd,drive=boot']],
    ['ide', ['-device', 'ide-hd,drive=boot']],
  ] as const) {
    it(`boots from its disk on ${bus}`, async () => {
      using machine = new Machine(bus, ['-drive', await diskCopy(bus), ...device]);
      await machine.sees(/pvc-guest counter 1\n/);
      await machine.sees(/pvc-guest disk [sv]da 67108864 bytes/);
    });
  }

  it('boots from its CD', async () => {
    using machine = new Machine('cd', [
      '-drive',
      `file=${image.cd},format=raw,if=none,id=boot,media=cdrom`,
      '-device',
      'ide-cd,drive=boot',
    ]);
    await machine.sees(/pvc-guest counter 1\n/);
  });
});
