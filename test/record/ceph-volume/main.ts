/**
 * `npm run record:ceph-volume`: runs the real `ceph-volume`, `lsblk` and LVM on disks of every kind and writes down what
 * they answer, for the tests: `test/fixtures/ceph-volume/bookworm/`.
 *
 * A machine with Debian is built and started under QEMU, and taken away in every case. It takes half an hour.
 * @module
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Interrupted, watchInterrupt } from '../../lab/interrupt.ts';
import { repository } from '../../lab/repository.ts';
import { run } from '../../lab/run.ts';
import { recordActivate } from './activate-recordings.ts';
import { fillDisks, recordDiscovery } from './disk-contents.ts';
import { recordDivision } from './division-recordings.ts';
import { guestRoot } from './guest-root.ts';
import { recordLosses } from './loss-recordings.ts';
import { Machine } from './machine.ts';
import { startMonitor } from './one-monitor.ts';
import { recordPrepare } from './prepare-recordings.ts';
import { Recorder } from './recorder.ts';
import { recordRefusals } from './refusal-recordings.ts';
import { recordZap } from './zap-recordings.ts';

/** The release of Debian that the recordings are of. */
const suite = 'bookworm';

const begin = performance.now();
const say = (text: string): void =>
  void process.stderr.write(`${((performance.now() - begin) / 1000).toFixed(1).padStart(7)} s  ${text}\n`);

/** What was recorded with: the first thing to look at when two recordings differ. */
async function recordVersions(machine: Recorder): Promise<void> {
  await machine.record('kernel', ['uname', '--kernel-release', '--machine']);
  const packages = ['ceph-osd', 'ceph-mon', 'lvm2', 'util-linux', 'udev', 'cryptsetup-bin'];
  await machine.record('packages', ['dpkg-query', '--show', ...packages]);
}

/** @param only one part by itself, on disks that nothing else has touched */
async function recordAll(directory: string, only: string | undefined, signal: AbortSignal): Promise<void> {
  const root = await guestRoot(suite, signal, () => say(`a root of Debian ${suite} is built`));
  say('the machine boots');
  await using machine = await Machine.boot(root, signal);
  const recorder = new Recorder(machine.agent, directory, say);
  say('a monitor is started');
  await startMonitor(recorder);
  if (only === 'division') return await recordDivision(recorder);
  if (only !== undefined) throw new Error(`no part is called ${only}; there is: division`);
  await recordVersions(recorder);
  await fillDisks(recorder);
  await recordDiscovery(recorder);
  await recordPrepare(recorder);
  await recordRefusals(recorder);
  await recordActivate(recorder);
  await recordZap(recorder);
  await recordDivision(recorder);
  await recordLosses(recorder);
}

using interrupt = watchInterrupt();
const recorded = await mkdtemp(join(tmpdir(), 'pvc-recordings-'));
try {
  const only = process.argv[2];
  await recordAll(recorded, only, interrupt.signal);
  // Only now: a recording that broke off leaves the old one whole.
  const fixtures = join(repository, 'test/fixtures/ceph-volume', suite);
  if (only === undefined) await rm(fixtures, { recursive: true, force: true });
  await cp(recorded, fixtures, { recursive: true });
  await run([join(repository, 'node_modules/.bin/biome'), 'format', '--write', fixtures], { cwd: repository });
  say(`written to ${fixtures}`);
} catch (error) {
  if (!(interrupt.signal.reason instanceof Interrupted)) throw error;
  say('interrupted: nothing was written');
  process.exitCode = 130;
} finally {
  await rm(recorded, { recursive: true, force: true });
}
