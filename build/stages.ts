/**
 * The stages of `npm test`, in their order: quick ones first, so that a slip is told in seconds.
 * @module
 */

export interface CommandStage {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
}

export interface TestStage {
  readonly name: string;
  /** Patterns of test files, from the root of the repository. */
  readonly files: readonly string[];
  /** Files at the same time. The machines that run this have two cores; labs wait more than they compute, so two may run. */
  readonly concurrency: number;
  /** For one test, in milliseconds. */
  readonly timeoutMs: number;
}

export type Stage = CommandStage | TestStage;

const npmRun = (name: string, script: string): CommandStage => ({ name, argv: ['npm', 'run', '--silent', script] });

export const stages: readonly Stage[] = [
  npmRun('types', 'types'),
  npmRun('lint', 'lint'),
  npmRun('format', 'format:check'),
  npmRun('dead code', 'deadcode'),
  // The conformance suites of test/conformance run here as well: each back end's own test file calls them.
  {
    name: 'unit',
    files: ['{core,plugins,build}/**/*.test.ts', 'test/{architecture,cloud-init,lab}/**/*.test.ts'],
    concurrency: 2,
    timeoutMs: 120_000,
  },
  { name: 'simulation', files: ['test/{sim,scenarios}/**/*.test.ts'], concurrency: 1, timeoutMs: 600_000 },
  npmRun('build', 'build'),
  { name: 'binary', files: ['test/binary/**/*.test.ts'], concurrency: 1, timeoutMs: 120_000 },
  npmRun('package', 'build:deb'),
  npmRun('plugin types', 'build:types'),
  { name: 'packages', files: ['test/package/**/*.test.ts'], concurrency: 1, timeoutMs: 120_000 },
  { name: 'e2e', files: ['test/e2e/**/*.test.ts'], concurrency: 2, timeoutMs: 900_000 },
];

/**
 * The stages that were asked for by name, all when none was, in their own order.
 * @throws Error naming the first name that no stage has
 */
export function selectStages(names: readonly string[]): readonly Stage[] {
  const unknown = names.find((name) => !stages.some((stage) => stage.name === name));
  if (unknown !== undefined)
    throw new Error(`no stage "${unknown}"; there are: ${stages.map((stage) => stage.name).join(', ')}`);
  return names.length === 0 ? stages : stages.filter((stage) => names.includes(stage.name));
}
