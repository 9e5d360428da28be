import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { PvcError } from '../error/error.ts';
import type { Processes } from './host.ts';
import { linuxWatchdogs } from './linux-watchdog.ts';

/** Files in the place of sysfs and of the device; the device keeps what was written to it. */
function setUp(facts: { identity?: string; nowayout?: string; timeout?: string; state?: string } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'pvc-watchdog-'));
  made.push(root);
  const sysfs = join(root, 'sysfs');
  mkdirSync(join(sysfs, 'watchdog0'), { recursive: true });
  const all = { identity: 'iTCO_wdt', nowayout: '0', timeout: '30', state: 'inactive', ...facts };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(sysfs, 'watchdog0', name), `${text}\n`);
  const device = join(root, 'watchdog0');
  writeFileSync(device, '');
  const commands: string[][] = [];
  const processes: Pick<Processes, 'exec'> = {
    exec: async (argv) => {
      commands.push([...argv]);
      // A driver that knows no less than ten seconds.
      if (Number(argv[2]) >= 10) writeFileSync(join(sysfs, 'watchdog0', 'timeout'), `${argv[2]}\n`);
      return { code: 0, signal: null, stdout: '', stderr: '' };
    },
  };
  const watchdogs = linuxWatchdogs(processes, sysfs);
  return { device, commands, watchdogs, written: () => readFileSync(device, 'utf8') };
}
const unusable =
  (reason: RegExp) =>
  (error: unknown): boolean =>
    error instanceof PvcError && error.code === 'WATCHDOG_UNUSABLE' && reason.test(error.message);
const made: string[] = [];
afterEach(() => {
  for (const root of made.splice(0)) rmSync(root, { recursive: true });
});

describe('a hardware watchdog', () => {
  it('is given its timeout, read back, fed, and disarmed by the magic close', async () => {
    const { watchdogs, device, commands, written } = setUp();
    const armed = await watchdogs.arm(device, 10, () => true);
    assert.deepEqual(commands, [['wdctl', '--settimeout', '10', device]]);
    assert.deepEqual([armed?.identity, armed?.timeoutS], ['iTCO_wdt', 10]);
    armed?.feed();
    armed?.feed();
    armed?.disarm();
    assert.equal(written(), '..V');
  });

  it('that counts already is taken over as it is', async () => {
    const { watchdogs, device, commands } = setUp({ timeout: '10', state: 'active' });
    assert.notEqual(await watchdogs.arm(device, 10, () => true), undefined);
    assert.deepEqual(commands, []);
  });

  it('is not opened when it must not be fed any more', async () => {
    const { watchdogs, device } = setUp({ timeout: '10' });
    rmSync(device);
    assert.equal(await watchdogs.arm(device, 10, () => false), undefined);
  });

  for (const [what, facts, timeoutS, reason] of [
    ['that is none but a timer of the kernel', { identity: 'Software Watchdog' }, 10, /softdog/],
    ['that cannot be disarmed', { nowayout: '1' }, 10, /nowayout/],
    ['that counts with another timeout', { state: 'active' }, 10, /30 s and not 10 s/],
    ['that does not take the timeout', {}, 5, /does not take 5 s, and has 30 s/],
  ] as const)
    it(`${what} is refused`, async () => {
      const { watchdogs, device, written } = setUp(facts);
      await assert.rejects(
        watchdogs.arm(device, timeoutS, () => true),
        unusable(reason),
      );
      assert.equal(written(), '');
    });

  it('that is not there is told with its place', async () => {
    const { watchdogs } = setUp();
    await assert.rejects(
      watchdogs.arm('/dev/watchdog7', 10, () => true),
      unusable(/watchdog7/),
    );
  });
});
