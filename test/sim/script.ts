/**
 * A script: one line after the other, each with its moment and what happens then.
 *
 *     at 5s: kill hv1                     at that time of the run
 *     after 2s: ask hv2 vm.start vm=web   so long after the line before
 *     when "web runs on hv1": stop hv1    as soon as the log says so, counted from the line before
 *     on "web runs on hv2": kill hv2      as before, but the next lines do not wait for it
 *     wait 10s                            nothing but time
 *
 * `when` and `on` may say ` + 0.5s` before the colon, and their text may leave something out with `…`. Where the log
 * line tells of a way from one node to another (`hv1 → hv2`), SOURCE and TARGET stand for the two. A line that begins
 * with # is a remark.
 * @module
 */
import { type Action, type Names, parseAction, ScriptError } from './actions.ts';
import type { TraceLine } from './trace.ts';
import type { World } from './world.ts';

interface Moment {
  readonly kind: 'at' | 'after' | 'when' | 'on';
  readonly ms: number;
  readonly text: string;
}

export interface ScriptLine {
  readonly number: number;
  readonly text: string;
  readonly moment: Moment;
  readonly action: string;
  /** Reads an action once it is known which nodes are meant. */
  readonly read: (action: string) => Action;
}

/** A line waits for what the log shall say no longer than this. */
const patienceMs = 120_000;

const timed = /^(?<kind>at|after) (?<s>\d+(?:\.\d+)?)s: (?<action>.+)$/;
const told = /^(?<kind>when|on) "(?<text>[^"]+)"(?: \+ (?<s>\d+(?:\.\d+)?)s)?: (?<action>.+)$/;
const pause = /^wait (?<s>\d+(?:\.\d+)?)s$/;

/** @throws ScriptError that names the line */
export function parseScript(text: string, names: Names): ScriptLine[] {
  const lines: ScriptLine[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    try {
      lines.push(parseLine(index + 1, line, names));
    } catch (error) {
      if (error instanceof ScriptError) throw new ScriptError(`line ${index + 1}: ${error.message}`, { cause: error });
      throw error;
    }
  }
  return lines;
}

function parseLine(number: number, text: string, names: Names): ScriptLine {
  const groups = (timed.exec(text) ?? told.exec(text))?.groups;
  if (groups !== undefined) {
    const moment = {
      kind: groups['kind'] as Moment['kind'],
      ms: Number(groups['s'] ?? '0') * 1000,
      text: groups['text'] ?? '',
    };
    return checked(
      { number, text, moment, action: groups['action'] ?? '', read: (action) => parseAction(action, names) },
      names,
    );
  }
  const waits = pause.exec(text)?.groups;
  if (waits !== undefined)
    return {
      number,
      text,
      moment: { kind: 'after', ms: Number(waits['s']) * 1000, text: '' },
      action: text,
      read: () => () => undefined,
    };
  throw new ScriptError(
    `"${text}" is not understood; a line is "at 5s: …", "after 2s: …", "when \\"text of the log\\": …", "on \\"text\\": …" or "wait 10s"`,
  );
}

/** Reads the action once, so that a mistake in it is told before anything runs. @throws ScriptError */
function checked(line: ScriptLine, names: Names): ScriptLine {
  const some = names.someNode;
  line.read(line.moment.text === '' ? line.action : line.action.replaceAll(/\b(?:SOURCE|TARGET)\b/g, some));
  return line;
}

/** Carries out a script. @throws ScriptError when a line waited in vain */
export async function runScript(world: World, lines: readonly ScriptLine[]): Promise<void> {
  for (const line of lines) {
    if (world.violations.length > 0) return;
    const { moment } = line;
    if (moment.kind === 'on') {
      arm(world, line);
      continue;
    }
    let said: TraceLine | undefined;
    if (moment.kind === 'at') await world.run(Math.max(world.nowMs, moment.ms));
    else if (moment.kind === 'after') await world.run(world.nowMs + moment.ms);
    else said = await waitFor(world, line);
    if (world.violations.length === 0) await act(world, line, said);
  }
}

async function act(world: World, line: ScriptLine, said: TraceLine | undefined): Promise<void> {
  const [, source = '', target = ''] = /(\S+) → (\S+)/.exec(said?.text ?? '') ?? [];
  const action = line.action.replaceAll('SOURCE', source).replaceAll('TARGET', target);
  world.trace.script(line.moment.kind === 'on' ? action : line.text);
  await line.read(action)(world);
}

async function waitFor(world: World, { number, moment }: ScriptLine): Promise<TraceLine | undefined> {
  let said: TraceLine | undefined;
  const stop = world.trace.listen((told) => {
    if (says(told, moment.text)) said ??= told;
  });
  await world.run(world.nowMs + patienceMs, () => said !== undefined);
  stop();
  if (said === undefined && world.violations.length === 0)
    throw new ScriptError(`line ${number}: nothing like "${moment.text}" happened within ${patienceMs / 1000} s`);
  await world.run(world.nowMs + moment.ms);
  return said;
}

function arm(world: World, line: ScriptLine): void {
  const stop = world.trace.listen((told) => {
    if (!says(told, line.moment.text)) return;
    stop();
    // Not in the midst of what has just been told.
    world.clock.after(line.moment.ms, () => void act(world, line, told));
  });
  world.onHeal(stop);
}

/** Whether a line of the log, as `web runs on hv1`, has that text in it; `…` stands for anything. What the script itself does is not meant. */
export function says({ kind, who, text }: TraceLine, wanted: string): boolean {
  if (kind !== 'world') return false;
  let rest = who === '' ? text : `${who} ${text}`;
  for (const part of wanted.split('…').map((each) => each.trim())) {
    const at = rest.indexOf(part);
    if (at === -1) return false;
    rest = rest.slice(at + part.length);
  }
  return true;
}
