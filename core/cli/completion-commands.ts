/** `pvc completion …`: prints the script that makes a shell complete pvc's commands. @module */
import { z } from 'zod';
import { bashScript, fishScript, zshScript } from './completion-scripts.ts';
import { defineLocalCommand, type LocalCommand } from './local-command.ts';

const completion = (shell: string, script: string, place: string, now: string): LocalCommand =>
  defineLocalCommand({
    command: `completion ${shell}`,
    summary: `Print the completion script for ${shell}`,
    description: `Install it with \`pvc completion ${shell} >${place}\`, or try it now: \`${now}\`.`,
    input: z.object({}),
    examples: [now],
    run: async ({ terminal }) => {
      terminal.write(script);
      return 0;
    },
  });

export const completionCommands: readonly LocalCommand[] = [
  completion('bash', bashScript, '/etc/bash_completion.d/pvc', 'source <(pvc completion bash)'),
  completion('zsh', zshScript, '/usr/share/zsh/vendor-completions/_pvc', 'source <(pvc completion zsh)'),
  completion('fish', fishScript, '/etc/fish/completions/pvc.fish', 'pvc completion fish | source'),
];
