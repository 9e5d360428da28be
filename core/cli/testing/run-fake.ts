/** Runs one command line against a fake terminal, client and host. @module */
import { VirtualClock } from '../../host/virtual-clock.ts';
import { VirtualFiles } from '../../host/virtual-files.ts';
import type { ConnectionOptions } from '../connection-choice.ts';
import { type CliParts, runCli } from '../run.ts';
import { type FakeClient, type FakeClientScript, fakeClient } from './fake-client.ts';
import { type FakeTerminal, type FakeTerminalOptions, fakeTerminal } from './fake-terminal.ts';
import { sampleRegistry } from './sample-registry.ts';

export interface FakeRunOptions extends FakeTerminalOptions, FakeClientScript {
  readonly files?: VirtualFiles;
  readonly clock?: VirtualClock;
  readonly parts?: Partial<CliParts>;
  /** Called with the terminal before the run starts. */
  readonly begin?: (terminal: FakeTerminal) => void;
}

export interface FakeRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly client: FakeClient;
  readonly terminal: FakeTerminal;
  readonly connections: ConnectionOptions[];
  readonly files: VirtualFiles;
}

/** Words of a line; a string is cut at spaces. There is a daemon's socket unless the files say otherwise. */
export async function runFake(line: string | readonly string[], options: FakeRunOptions = {}): Promise<FakeRun> {
  const clock = options.clock ?? new VirtualClock();
  const files = options.files ?? new VirtualFiles(clock);
  if (options.files === undefined) {
    await files.makeDirectory('/run/pvc');
    await files.writeAtomic('/run/pvc/pvc.sock', '');
  }
  const terminal = fakeTerminal(options);
  const client = fakeClient(options);
  const connections: ConnectionOptions[] = [];
  options.begin?.(terminal);
  const code = await runCli({
    argv: typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line,
    version: '1.2.3',
    registry: () => sampleRegistry(),
    connect: async (connection) => {
      connections.push(connection);
      return client;
    },
    terminal,
    host: { clock, files },
    ...options.parts,
  });
  return { code, out: terminal.out(), err: terminal.err(), client, terminal, connections, files };
}
