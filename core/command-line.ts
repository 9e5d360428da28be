/** The command line with everything that it can reach; what a command does not need is loaded by none. @module */
import { z } from 'zod';
import { runCli } from './cli/run.ts';
import { defaultConfigPath } from './config/schema.ts';
import { PvcError } from './error/error.ts';
import { programVersion as version } from './host/build-info.ts';
import { linuxClock } from './host/linux-clock.ts';
import { linuxFiles } from './host/linux-files.ts';
import type { programArguments } from './host/process.ts';
import { processTerminal } from './host/terminal.ts';
import { localCommands } from './local/local-commands.ts';
import { assemble, type Program } from './program.ts';

/** The configuration has to be known before the line is parsed: its plugins bring commands. */
function configPathOf(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): { path: string; given: boolean } {
  const at = argv.findIndex((word) => word === '--config' || word.startsWith('--config='));
  const word = at === -1 ? undefined : (/^--config=(.*)$/s.exec(argv[at] ?? '')?.[1] ?? argv[at + 1]);
  const path = word ?? environment['PVC_CONFIG'];
  return path === undefined || path === '' ? { path: defaultConfigPath, given: false } : { path, given: true };
}

/** Runs one command line to its end. @returns the exit code of the process */
export async function runCommandLine({ name, argv }: ReturnType<typeof programArguments>): Promise<number> {
  const terminal = processTerminal();
  // As `pvcd` the program is the daemon whatever else is on the line.
  const line = name === 'pvcd' && argv[0] !== 'daemon' ? ['daemon', ...argv] : argv;
  // A short run checks each shape once or twice: compiling the checks would cost more than it saves.
  if (line[0] !== 'daemon') z.config({ jitless: true });
  const host = { clock: linuxClock, files: linuxFiles };
  const { path, given } = configPathOf(line, terminal.environment);
  let program: Promise<Program> | undefined;
  const get = (): Promise<Program> =>
    (program ??= assemble({ host, version, configPath: path, configRequired: given }));
  let fallback: Promise<Program> | undefined;
  let warning: string | undefined;
  // A mistake in this machine's configuration must not keep anybody from using a cluster that runs.
  const withoutConfig = async (error: unknown): Promise<Program> => {
    if (!(error instanceof PvcError) || error.code !== 'CONFIG_INVALID') throw error;
    warning = `warning: ${error.message} Its defaults are used; see \`pvc config check\`.\n`;
    return assemble({ host, version, configPath: '/nonexistent', configRequired: false });
  };
  const lenient = (): Promise<Program> => (fallback ??= get().catch(withoutConfig));
  return runCli({
    argv: line,
    version,
    terminal,
    host,
    registry: async () => (await lenient()).registry,
    localSocket: async () => `${(await lenient()).loaded.config.directories.run}/pvc.sock`,
    connect: async (options) => {
      const { openClient } = await import('./local/open-client.ts');
      const usable = await lenient();
      // Told once, by commands that use the defaults; those about the configuration itself have an error of their own.
      if (warning !== undefined && line[0] !== '__complete') terminal.warn(warning);
      warning = undefined;
      return openClient(options, usable);
    },
    certificateOf: async (url, signal) => {
      const { certificateOf } = await import('./client/certificate.ts');
      return certificateOf(url, signal);
    },
    commands: async () => localCommands(get, (await lenient()).plugins),
  });
}
