/**
 * Runs the build script of a new guest once, with its disks: they are formatted and mounted on a stage, the script is started
 * there, confined, and when it has succeeded all that it wrote is in the storage. However that ends, nothing of it stays on the
 * node: no process, mount, loop device or file.
 * @module
 */
import { errorText, formatDuration, type Host, PvcError } from '../../../../core/plugin/api.ts';
import { provisionError } from '../provision-errors.ts';
import type { MadeDisk } from './build-disk.ts';
import { confinedArgv } from './confinement.ts';
import { type BuildFacts, buildEnvironment, buildInput } from './contract.ts';
import { type Heard, heardIn, Lines, lastWords } from './script-output.ts';
import { Stage } from './stage.ts';
import { type BlockOptions, StagedDisks } from './staged-disks.ts';

export interface Build {
  readonly script: {
    readonly name: string;
    readonly text: string;
    readonly network: boolean;
    readonly timeoutS: number;
  };
  readonly guest: BuildFacts['guest'];
  readonly arguments: BuildFacts['arguments'];
  readonly disks: readonly (MadeDisk & { readonly options: BlockOptions })[];
}

export interface BuildRun {
  /** Of this build alone. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly heard: (heard: Heard) => void;
}

export type RunBuild = (
  host: Pick<Host, 'clock' | 'files' | 'processes'>,
  build: Build,
  run: BuildRun,
) => Promise<void>;

/** Where they work, below the daemon's own directory; one that a killed daemon has left goes when the next one starts. */
export const buildDirectory = (run: string): string => `${run}/builds`;

/** On one node: each may use a core and some hundred megabytes. */
export const buildsAtOnce = 2;
/** What formatting, mounting and writing out may take besides the script. */
export const besidesMs = 1_800_000;
/** To leave storage in order after a failure; then it is left as it is. */
const abandonMs = 20_000;

/** @throws PvcError SCRIPT_FAILED, BUILD_FAILED */
export const runBuild: RunBuild = async (host, build, run) => {
  const { directory, signal } = run;
  const timeoutMs = build.script.timeoutS * 1000 + besidesMs;
  const failed = (error: unknown): unknown => {
    signal.throwIfAborted();
    if (error instanceof PvcError && error.code === 'SCRIPT_FAILED') return error;
    return provisionError('BUILD_FAILED', { vm: build.guest.name, reason: errorText(error) }, { cause: error });
  };
  // An earlier try may have been cut off.
  await host.files.remove(directory);
  await host.files.makeDirectory(directory, 0o700);
  try {
    await host.files.writeAtomic(`${directory}/script`, build.script.text, 0o755);
    const stage = await Stage.open(host, timeoutMs);
    try {
      await onStage(host, stage, build, run, timeoutMs);
    } finally {
      await stage.close();
    }
  } catch (error) {
    throw failed(error);
  } finally {
    await host.files.remove(directory);
  }
};

async function onStage(
  host: Pick<Host, 'clock' | 'files'>,
  stage: Stage,
  build: Build,
  { directory, signal, heard }: BuildRun,
  timeoutMs: number,
): Promise<void> {
  const disks = new StagedDisks(host, stage, directory);
  try {
    const staged = await disks.open(build.disks, { signal, timeoutMs });
    const { script, guest } = build;
    const facts = { guest, disks: staged, arguments: build.arguments };
    const argv = confinedArgv({
      ...{ script: `${directory}/script`, tree: disks.tree, disks: staged },
      hasRoot: staged.some(({ mountpoint }) => mountpoint === '/'),
      ...{ network: script.network, hostname: guest.hostname },
    });
    await runScript(stage, script, argv, facts, { signal, heard });
    signal.throwIfAborted();
    await disks.close({ timeoutMs });
  } catch (error) {
    await disks.abandon(abandonMs).catch(() => undefined); // the stage ends whatever is left of it
    throw error;
  }
}

/** @throws PvcError SCRIPT_FAILED */
async function runScript(
  stage: Stage,
  { name, timeoutS }: Build['script'],
  argv: readonly [string, ...string[]],
  facts: BuildFacts,
  { signal, heard }: Pick<BuildRun, 'signal' | 'heard'>,
): Promise<void> {
  const failed = (reason: string) => provisionError('SCRIPT_FAILED', { script: name, vm: facts.guest.name, reason });
  const lines = new Lines((line) => {
    const one = heardIn(line);
    if (one !== undefined) heard(one);
  });
  const ended = await stage
    .exec(argv, {
      ...{ timeoutMs: timeoutS * 1000, signal },
      ...{ input: buildInput(facts), env: buildEnvironment(facts) },
      takeOutput: async (piece) => lines.add(piece),
    })
    .catch((error: unknown) => {
      if (error instanceof PvcError && error.code === 'EXEC_TIMEOUT')
        throw failed(`it did not end within ${formatDuration(timeoutS * 1000)}`);
      throw error;
    });
  if (ended.code === 0) return;
  const how = ended.signal === null ? `exit code ${ended.code}` : `signal ${ended.signal}`;
  const words = lastWords(ended.stderr);
  throw failed(words === '' ? how : `${how}: ${words}`);
}
