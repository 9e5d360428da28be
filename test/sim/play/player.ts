/**
 * A described cluster that somebody plays with: a line in his words, and what came of it as text. Time stands still
 * between two lines, so that there is all the time in the world to look around.
 * @module
 */
import type { RenderContext } from '../../../core/render/format.ts';
import { writeScenario } from '../../scenarios/write-scenario.ts';
import { actionUsage, parseAction, ScriptError } from '../actions.ts';
import { missing } from '../converged.ts';
import { blameRejectionsOn, namesOf } from '../run.ts';
import { says } from '../script.ts';
import { formatLine, type TraceLine } from '../trace.ts';
import { World, type WorldDescription } from '../world.ts';
import { clusterPage, whyPage } from './show.ts';

/** What a line may say beside the actions of a script. */
interface Word {
  readonly usage: string;
  readonly summary: string;
  readonly pattern: RegExp;
  readonly act: (player: Player, words: Record<string, string>) => string | Promise<string>;
}

/** The first look at a cluster is one at which everybody has come up. */
const comeUpMs = 5_000;
const enterMs = 1_000;
/** As long as the rules of the simulator give a healed cluster to come to rest. */
const restMs = 180_000;
const untilMs = 600_000;
const lookEveryMs = 500;
/** Longer than a session lasts: what has just been broken shows by then. */
const steadyMs = 10_000;
/** A longer stretch at once is a slip of the finger. */
const mostMs = 24 * 3_600_000;
const linesOfWhy = 20;

const words: readonly Word[] = [
  {
    usage: 'advance TIME',
    summary: 'let time pass: 500ms, 10s, 5m; Enter alone lets a second pass',
    pattern: /^advance (?<number>\d+(?:\.\d+)?)(?<unit>ms|s|m)$/,
    act: (player, { number, unit }) =>
      player.advance(Number(number) * (unit === 'm' ? 60_000 : unit === 's' ? 1_000 : 1)),
  },
  {
    usage: 'until TEXT',
    summary: 'let time pass until the log says that, at most ten minutes; … stands for anything',
    pattern: /^until "?(?<text>[^"]+)"?$/,
    act: (player, { text }) => player.until(text ?? ''),
  },
  {
    usage: 'rest',
    summary: 'let time pass until nothing has been missing for ten seconds, at most three minutes',
    pattern: /^rest$/,
    act: (player) => player.rest(),
  },
  {
    usage: 'status',
    summary: 'nodes, guests, tasks and faults as they are now',
    pattern: /^status$/,
    act: (player) => clusterPage(player.world, player.context),
  },
  {
    usage: 'missing',
    summary: 'what is not as it should be, one line each',
    pattern: /^missing$/,
    act: (player) => missing(player.world).join('\n') || 'Nothing: all is as it should be.',
  },
  {
    usage: 'why NAME',
    summary: 'what is known of a node or guest, with the last that its daemons said of it',
    pattern: /^why (?<name>[\w.-]+)$/,
    act: (player, { name }) => whyPage(player.world, name ?? '', linesOfWhy, player.context),
  },
  {
    usage: 'daemons on|off',
    summary: 'show what the daemons log as well',
    pattern: /^daemons (?<what>on|off)$/,
    act: (player, { what }) => {
      player.showsDaemons = what === 'on';
      return `What the daemons log is ${what === 'on' ? 'shown' : 'left out'}.`;
    },
  },
  {
    usage: 'save FOLDER',
    summary: 'write down what was played, as a scenario that can be run again',
    pattern: /^save (?<folder>\S+)$/,
    act: (player, { folder }) => player.save(folder ?? ''),
  },
];

const helpText = (): string => {
  const width = Math.max(...words.map(({ usage }) => usage.length));
  return [
    'Time and looking around:',
    ...words.map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}`),
    `  ${'quit'.padEnd(width)}  end (Ctrl-D too)`,
    'What can be done to the cluster; it happens now, and shows once time passes:',
    ...actionUsage.map((usage) => `  ${usage}`),
  ].join('\n');
};

/** Everything that a line may begin with, for completion. */
export const firstWords: readonly string[] = [
  ...new Set(
    [...words.map(({ usage }) => usage), ...actionUsage, 'help', 'quit'].map((usage) => usage.split(' ')[0] ?? ''),
  ),
];

export class Player {
  readonly world: World;
  readonly context: RenderContext;
  showsDaemons = false;
  readonly #description: WorldDescription;
  readonly #done: string[] = [];
  #shown = 0;

  private constructor(description: WorldDescription, context: RenderContext) {
    this.#description = description;
    this.context = context;
    this.world = new World(description, { daemonLines: true });
  }

  /** Switches the cluster on and lets it come up. */
  static async begin(description: WorldDescription, context: RenderContext): Promise<Player> {
    const player = new Player(description, context);
    blameRejectionsOn(player.world);
    await player.world.start();
    await player.world.run(comeUpMs);
    return player;
  }

  /** Whether a rule of the simulator is broken: that is a bug of PVC, and nothing goes on from there. */
  get broken(): boolean {
    return this.world.violations.length > 0;
  }

  /** What happened since it was asked last. */
  news(): string {
    const lines = this.world.trace.lines.slice(this.#shown);
    this.#shown = this.world.trace.lines.length;
    return lines
      .filter(({ kind }) => kind === 'world' || (kind === 'daemon' && this.showsDaemons))
      .map(formatLine)
      .join('\n');
  }

  /** Carries out one line and tells what came of it. @throws ScriptError when it is not understood */
  async say(text: string): Promise<string> {
    const line = text.trim().replaceAll(/\s+/g, ' ');
    if (line === '') return this.advance(enterMs);
    if (line.startsWith('#')) return '';
    if (line === 'help') return helpText();
    for (const { pattern, act } of words) {
      const found = pattern.exec(line);
      if (found !== null) return act(this, { ...found.groups });
    }
    const misused = words.find(({ usage }) => usage.split(' ')[0] === line.split(' ')[0]);
    if (misused !== undefined) throw new ScriptError(`"${line}" is not understood; it is: ${misused.usage}`);
    return this.#act(line);
  }

  async #act(line: string): Promise<string> {
    const action = parseAction(line, namesOf(this.#description));
    await action(this.world);
    // What could not be done is no part of the play.
    this.#done.push(`at ${this.world.nowMs / 1000}s: ${line}`);
    return this.news();
  }

  async advance(ms: number): Promise<string> {
    if (ms > mostMs) throw new ScriptError('that is more than a day: advance by less');
    await this.world.run(this.world.nowMs + ms);
    return this.news();
  }

  async until(text: string): Promise<string> {
    let said: TraceLine | undefined;
    const stop = this.world.trace.listen((told) => {
      if (says(told, text)) said ??= told;
    });
    await this.world.run(this.world.nowMs + untilMs, () => said !== undefined);
    stop();
    const news = this.news();
    return said !== undefined || this.broken
      ? news
      : `${news}\nNothing like "${text}" happened within ten minutes of the cluster's time.`;
  }

  async rest(): Promise<string> {
    const endMs = this.world.nowMs + restMs;
    let fineSinceMs = this.world.nowMs;
    while (this.world.nowMs < endMs && this.world.nowMs - fineSinceMs < steadyMs && !this.broken) {
      await this.world.run(this.world.nowMs + lookEveryMs);
      if (missing(this.world).length > 0) fineSinceMs = this.world.nowMs;
    }
    const left = this.broken ? [] : missing(this.world);
    const verdict =
      left.length > 0 ? `Still missing:\n  ${left.join('\n  ')}` : this.broken ? '' : 'All is as it should be.';
    return [this.news(), verdict].filter((part) => part !== '').join('\n');
  }

  /** @throws ScriptError when the folder cannot be written */
  save(folder: string): string {
    // The last line lets time pass up to now, so that what happened since the last action belongs to it.
    const script = [...this.#done, `at ${this.world.nowMs / 1000}s: note played up to here`, ''].join('\n');
    try {
      writeScenario(folder, { world: this.#description, script }, 'Played by hand with `pvc sim`.');
    } catch (error) {
      throw new ScriptError(`${folder} cannot be written: ${(error as Error).message}`, { cause: error });
    }
    return `Written to ${folder}: README, cluster.yaml, script, expect.`;
  }
}
