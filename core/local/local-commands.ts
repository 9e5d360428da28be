/** The commands of this machine that stand beside the command line's own. @module */
import type { LocalCommand } from '../cli/local-command.ts';
import type { Program } from '../program.ts';
import { configCommands } from './config-command.ts';
import { daemonCommand } from './daemon-command.ts';
import { initCommand } from './init-command.ts';
import { joinCommand } from './join-command.ts';
import { licencesCommand } from './licences-command.ts';
import { stateCommands } from './state-commands.ts';
import { storeCommand } from './store-command.ts';

export const localCommands = (program: () => Promise<Program>): LocalCommand[] => [
  daemonCommand(program),
  initCommand(program),
  joinCommand(program),
  storeCommand(program),
  ...stateCommands(program),
  ...configCommands(program),
  licencesCommand,
];
