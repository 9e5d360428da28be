/** A look at a storage whose four answers were recorded, one a line, in the order in which they are asked. @module */
import { VirtualClock } from '../../../core/host/virtual-clock.ts';
import { VirtualProcesses } from '../../../core/host/virtual-processes.ts';
import { type Reading, read } from '../cluster/reading.ts';
import { CephCommand } from '../command/ceph-command.ts';

const questions = ['status', 'health detail', 'mon dump', 'df'];

export const answerLines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

/** @throws PvcError as `read` does */
export function lookedAt(text: string): Promise<Reading> {
  const clock = new VirtualClock();
  const processes = new VirtualProcesses(clock);
  const lines = answerLines(text);
  processes.on(['ceph'], ({ argv }) => ({
    stdout: lines[questions.findIndex((one) => argv.join(' ').includes(` ${one} --format`))] ?? '',
  }));
  return read(new CephCommand({ clock, processes }));
}
