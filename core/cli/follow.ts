/** Prints a feed item by item until it ends or somebody presses Ctrl-C. @module */
import { stripVTControlCharacters } from 'node:util';
import type { CliSpec } from '../operation/cli-spec.ts';
import type { Feed } from '../operation/operation.ts';
import { valueText } from '../render/render-value.ts';
import type { CommandContext } from './command-context.ts';

/**
 * A text item is printed as it is, an object by the operation's renderer or in one line. With `json` each
 * item is a line of JSON, with `yaml` a document.
 * @returns exit code 0; Ctrl-C is the ordinary end
 */
export async function followFeed(
  context: CommandContext,
  operation: Feed,
  cli: CliSpec | undefined,
  input: unknown,
): Promise<number> {
  const { terminal, format } = context;
  const client = await context.connect();
  const { stringify } = format === 'yaml' ? await import('yaml') : { stringify: undefined };
  const text = (data: unknown): string => {
    if (format === 'json') return JSON.stringify(data);
    if (stringify !== undefined) return `---\n${stringify(data, { lineWidth: 0 })}`;
    if (format === 'name') return String((data as Record<string, unknown> | null)?.[cli?.nameField ?? 'name'] ?? '');
    if (cli?.render !== undefined) return cli.render(data as never, terminal);
    // A guest may have sent colours and cursor movements of its own; they end at its own screen.
    if (typeof data === 'string') return stripVTControlCharacters(data);
    return String(valueText('', data, terminal, true) ?? '');
  };
  try {
    for await (const item of client.follow(operation.name, input, { signal: terminal.signal })) {
      const line = text(item.data);
      if (line !== '') terminal.write(line.endsWith('\n') ? line : `${line}\n`);
    }
  } catch (error) {
    if (!terminal.signal.aborted) throw error;
  }
  return 0;
}
