/** `pvc vm modify` by hand: the definition in an editor, the difference, the question, the change. @module */
import { type CliRun, PvcError } from '../../../core/plugin/api.ts';

interface Dump {
  readonly xml: string;
  readonly version: number;
}

interface Planned {
  readonly plan: {
    readonly result: { readonly diff: string };
    readonly warnings: readonly string[];
    readonly actions: readonly string[];
  };
}

/**
 * Gives the input to send: from `--file`, or from the editor with the version that was edited, so that
 * a change by somebody else is refused. Undefined: nothing to do.
 */
export async function runModify(context: CliRun): Promise<number> {
  const { client, terminal, input } = context;
  let given = input;
  if (input['xml'] === undefined) {
    if (!terminal.interactive)
      throw new PvcError('NO_TERMINAL', 'There is no terminal for an editor here.', {
        hint: 'Give the definition with --file FILE (or --file - for standard input).',
        http: 400,
        exit: 'usage',
      });
    const dump = (await client.call('vm.dump', { vm: input['vm'] })) as Dump;
    let text = dump.xml;
    for (;;) {
      text = await terminal.edit(text, '.xml');
      if (text === dump.xml) {
        terminal.write('Nothing was changed.\n');
        return 0;
      }
      given = { ...input, xml: text, expect: input['expect'] ?? dump.version };
      try {
        const { plan } = (await client.call('vm.modify', given, { plan: true })) as Planned;
        terminal.write(`${plan.result.diff}\n`);
        for (const warning of plan.warnings) terminal.warn(warning);
        break;
      } catch (error) {
        if (
          !(error instanceof PvcError) ||
          !['VM_XML_MALFORMED', 'VM_XML_INVALID', 'VM_EDIT_REFUSED', 'DOCUMENT_INVALID'].includes(error.code)
        )
          throw error;
        terminal.warn([error.message, ...error.details].join('\n  '));
        if (!(await terminal.confirm('Edit it again?'))) throw error;
      }
    }
    if (!(await terminal.confirm('Write this?'))) {
      terminal.write('Nothing was changed.\n');
      return 0;
    }
  }
  return context.perform(given);
}
