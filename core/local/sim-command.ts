/** `pvc sim`: a described cluster on a virtual clock, to see what PVC does when things break. @module */
import { z } from 'zod';
import { cliError } from '../cli/cli-errors.ts';
import { defineLocalCommand } from '../cli/local-command.ts';
import { defineErrors, errorText } from '../error/error.ts';
import type { Files } from '../host/host.ts';

const simError = defineErrors({
  SIM_CLUSTER_INVALID: {
    message: '{file} describes no cluster: {reason}.',
    hint: '`pvc sim --example` prints one to begin with.',
    http: 400,
    exit: 'usage',
  },
  SIM_LINE_INVALID: {
    message: 'Line {number}: {reason}',
    hint: '`help` shows all that there is.',
    http: 400,
    exit: 'usage',
  },
  SIM_RULE_BROKEN: {
    message: 'A rule that PVC holds was broken: {rule}.',
    hint: 'That is a bug of PVC: `save FOLDER` in the same play writes it down; report it with that folder.',
    http: 500,
    exit: 'failed',
  },
});

const example = `# A cluster to play with: pvc sim FILE
nodes:
  hv1:
  hv2:
  hv3:
  hv4: { role: hypervisor, memoryMiB: 8192 }
guests:
  web: { node: hv4, memoryMiB: 1024 }
  mail: { node: hv1 }
  old: { node: hv2, run: stopped }
`;

async function readDescription(files: Pick<Files, 'readText'>, path: string): Promise<string> {
  let reason = 'there is no such file';
  const text = await files.readText(path).catch((error: unknown) => void (reason = errorText(error)));
  if (text === undefined) throw cliError('INPUT_FILE', { option: 'file', path, reason });
  return text;
}

export const simCommand = defineLocalCommand({
  command: 'sim',
  summary: 'Play with a described cluster: break things, let time pass, see what PVC does and why',
  description:
    'Nothing real is touched. The daemons are PVC itself, on a virtual clock; machines, links, libvirt and the store are pretended. Lines come from the terminal or from standard input; the first that is not understood ends a play that nobody types.',
  input: z.strictObject({
    file: z.string().min(1).optional().describe('YAML file that describes nodes and guests'),
    example: z.boolean().default(false).describe('print such a file and end'),
  }),
  arguments: [{ field: 'file' }],
  examples: ['pvc sim --example > lab.yaml', 'pvc sim lab.yaml', "printf 'power off hv4\\nrest\\n' | pvc sim lab.yaml"],
  async run({ input: { file, example: wantsExample }, terminal, host }) {
    if (wantsExample) {
      terminal.write(example);
      return 0;
    }
    const { Player, ScriptError, firstWords, readCluster } = await import('../../test/sim/play/play.ts');
    const text = file === undefined ? example : await readDescription(host.files, file);
    const described = (): Parameters<typeof Player.begin>[0] => {
      try {
        return readCluster(text);
      } catch (error) {
        if (!(error instanceof ScriptError)) throw error;
        throw simError('SIM_CLUSTER_INVALID', { file: file ?? 'the example', reason: error.message });
      }
    };
    const player = await Player.begin(described(), terminal);
    const tell = (told: string): void => {
      if (told !== '') terminal.write(`${told}\n`);
    };
    terminal.note(file === undefined ? 'The example cluster (pvc sim --example). ' : '');
    terminal.note('`help` shows what can be said; time stands still until you let it pass.\n');
    tell(player.news());
    let number = 0;
    const { inputIsTerminal } = terminal.host;
    const prompt = 'sim> ';
    for await (const line of terminal.host.lines({ prompt, words: firstWords, signal: terminal.signal })) {
      number += 1;
      if (/^\s*(?:quit|exit)\s*$/.test(line)) break;
      try {
        tell(await player.say(line));
      } catch (error) {
        if (!(error instanceof ScriptError)) throw error;
        if (!inputIsTerminal) throw simError('SIM_LINE_INVALID', { number, reason: error.message });
        terminal.warn(`${error.message}\n`);
      }
      if (player.broken && !inputIsTerminal) break;
    }
    const [broken] = player.world.violations;
    if (broken !== undefined) throw simError('SIM_RULE_BROKEN', { rule: `${broken.rule}: ${broken.text}` });
    return 0;
  },
});
