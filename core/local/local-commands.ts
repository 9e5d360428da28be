/** The commands of this machine that stand beside the command line's own. @module */
import type { LocalCommand } from '../cli/local-command.ts';
import type { Plugins } from '../plugin/plugin.ts';
import type { Program } from '../program.ts';
import { configCommands } from './config-command.ts';
import { daemonCommand } from './daemon-command.ts';
import { initCommand } from './init-command.ts';
import { joinCommand } from './join-command.ts';
import { licencesCommand } from './licences-command.ts';
import { simCommand } from './sim-command.ts';
import { stateCommands } from './state-commands.ts';
import { storeCommand } from './store-command.ts';

/**
 * @param program the program as this machine is configured; asked for when a command runs
 * @param plugins those whose options `cluster init` has
 */
export const localCommands = (program: () => Promise<Program>, plugins: Plugins): LocalCommand[] => [
  daemonCommand(program),
  initCommand(
    program,
    plugins.hooks.clusterInit.items().map(({ item }) => item),
  ),
  joinCommand(program),
  storeCommand(program),
  ...stateCommands(program),
  ...configCommands(program),
  simCommand,
  licencesCommand,
];
