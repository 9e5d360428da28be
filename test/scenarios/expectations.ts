/** What a scenario expects at its end: one property a line, then `---`, then the reviewed log. @module */
import { ScriptError } from '../sim/actions.ts';
import type { RunResult } from '../sim/run.ts';
import type { TraceLine } from '../sim/trace.ts';

export interface Expectations {
  readonly properties: readonly { readonly line: number; readonly text: string; readonly holds: Property }[];
  readonly log: string;
}

/** Undefined when it holds, else what is instead. */
type Property = (result: RunResult) => string | undefined;

interface Form {
  readonly usage: string;
  readonly pattern: RegExp;
  readonly read: (words: Record<string, string | undefined>) => Property;
}

const lineText = ({ who, text }: TraceLine): string => (who === '' ? text : `${who} ${text}`);
const worldLines = ({ lines }: RunResult): string[] => lines.filter(({ kind }) => kind === 'world').map(lineText);

const forms: readonly Form[] = [
  {
    usage: 'primary [not] NODE',
    pattern: /^primary (?<not>not )?(?<node>\S+)$/,
    read:
      ({ not, node }) =>
      ({ world: { state } }) =>
        (state.primary === node) === (not === undefined) ? undefined : `primary is ${state.primary ?? 'nobody'}`,
  },
  {
    usage: 'guest GUEST runs on NODE',
    pattern: /^guest (?<guest>\S+) runs on (?<node>\S+)$/,
    read:
      ({ guest, node }) =>
      ({ world: { guests } }) => {
        const running = [...(guests.named(guest ?? '')?.running.keys() ?? [])];
        return running.length === 1 && running[0] === node
          ? undefined
          : `it runs on ${running.join(', ') || 'no node'}`;
      },
  },
  {
    usage: 'guest GUEST is off',
    pattern: /^guest (?<guest>\S+) is off$/,
    read:
      ({ guest }) =>
      ({ world: { guests } }) => {
        const running = [...(guests.named(guest ?? '')?.running.keys() ?? [])];
        return running.length === 0 ? undefined : `it runs on ${running.join(', ')}`;
      },
  },
  {
    usage: 'guest GUEST was started N times',
    pattern: /^guest (?<guest>\S+) was started (?<count>\d+) times?$/,
    read:
      ({ guest, count }) =>
      ({ world: { guests } }) => {
        const starts = guests.named(guest ?? '')?.starts ?? 0;
        return starts === Number(count) ? undefined : `it was started ${starts} times`;
      },
  },
  {
    usage: 'task ACTION of TARGET STATE [CODE]',
    pattern: /^task (?<action>\S+) of (?<target>\S+) (?<state>succeeded|failed|cancelled)(?: (?<code>[A-Z_]+))?$/,
    read:
      ({ action, target, state, code }) =>
      ({ world }) => {
        const ends = [...world.state.tasks.values()]
          .filter(({ spec }) => spec.action === action && spec.target.label === target)
          .map(
            ({ status }) => `${status?.state ?? 'pending'}${code === undefined ? '' : ` ${status?.error?.code ?? ''}`}`,
          );
        const wanted = code === undefined ? state : `${state} ${code}`;
        return ends.includes(wanted ?? '') ? undefined : `its ends are: ${ends.join(', ') || 'none'}`;
      },
  },
  {
    usage: 'at rest within TIMEs',
    pattern: /^at rest within (?<s>\d+)s$/,
    read:
      ({ s }) =>
      ({ restedMs }) =>
        restedMs <= Number(s) * 1000 ? undefined : `it took ${(restedMs / 1000).toFixed(1)} s`,
  },
  {
    usage: 'log says|never says "TEXT"',
    pattern: /^log (?<verb>says|never says) "(?<text>[^"]+)"$/,
    read:
      ({ verb, text }) =>
      (result) => {
        const said = worldLines(result).some((line) => line.includes(text ?? ''));
        return said === (verb === 'says') ? undefined : said ? 'it says so' : 'it does not say so';
      },
  },
];

/** @throws ScriptError that names the line */
export function readExpectations(text: string): Expectations {
  const [head = '', ...log] = text.split('\n---\n');
  const properties = head.split('\n').flatMap((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    for (const { pattern, read } of forms) {
      const found = pattern.exec(line);
      if (found !== null) return [{ line: index + 1, text: line, holds: read({ ...found.groups }) }];
    }
    throw new ScriptError(
      `line ${index + 1}: "${line}" is not understood; there are: ${forms.map(({ usage }) => usage).join('; ')}`,
    );
  });
  return { properties, log: log.join('\n---\n').trimEnd() };
}

/** The log as it is reviewed: what is done and what happens, to a tenth of a second. */
export const logText = ({ lines }: Pick<RunResult, 'lines'>): string =>
  lines
    .filter(({ kind }) => kind !== 'daemon')
    .map(
      (line) => `${(line.atMs / 1000).toFixed(1).padStart(7)} ${line.kind === 'script' ? '>' : ' '} ${lineText(line)}`,
    )
    .join('\n');
