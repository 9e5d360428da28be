/**
 * `npm test [-- STAGE…]`: runs the stages of `stages.ts` one after the other and stops at the first that
 * fails. The last line is `N passed, N failed`, added up over all test runs; a check that is no test run
 * and fails counts as one failure.
 * @module
 */
import { spawn } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { inRepository } from './paths.ts';
import { type CommandStage, type Stage, selectStages, type TestStage } from './stages.ts';
import { failureText, type TestFailure, type TestTotals } from './test-reporter.ts';

/** What the tests of each stage measured in the last run; see figures-reporter.ts. */
const figures = inRepository('.cache/figures');

interface Outcome extends TestTotals {
  readonly ok: boolean;
}

/** Runs a command with our output and Node 24 first in PATH. Resolves with its exit code, 128 for a signal. */
function runCommand(argv: readonly [string, ...string[]]): Promise<number> {
  const [file, ...args] = argv;
  const path = `${inRepository('node_modules/.bin')}:${process.env['PATH'] ?? ''}`;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: inRepository('.'),
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...env, PATH: path },
    });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 128));
  });
}

async function runCheck(stage: CommandStage): Promise<Outcome> {
  const ok = (await runCommand(stage.argv)) === 0;
  return { ok, passed: 0, failed: ok ? 0 : 1, skipped: 0, failures: [], slowest: [] };
}

async function runTests(stage: TestStage): Promise<Outcome> {
  const files = globSync(stage.files, { cwd: inRepository('.') }).sort();
  if (files.length === 0) {
    console.log(`no test files: ${stage.files.join(' ')}`);
    return { ok: true, passed: 0, failed: 0, skipped: 0, failures: [], slowest: [] };
  }
  mkdirSync(figures, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'pvc-test-'));
  try {
    const totalsFile = join(scratch, 'totals');
    const code = await runCommand([
      process.execPath,
      '--test',
      `--test-concurrency=${stage.concurrency}`,
      `--test-timeout=${stage.timeoutMs}`,
      '--test-reporter=dot',
      '--test-reporter-destination=stdout',
      `--test-reporter=${inRepository('build/failure-reporter.ts')}`,
      '--test-reporter-destination=stderr',
      `--test-reporter=${inRepository('build/figures-reporter.ts')}`,
      `--test-reporter-destination=${join(figures, `${stage.name}.txt`)}`,
      `--test-reporter=${inRepository('build/test-reporter.ts')}`,
      `--test-reporter-destination=${totalsFile}`,
      ...files,
    ]);
    const text = readFileSync(totalsFile, 'utf8').trim();
    if (text === '') {
      console.log(`${stage.name}: the test runner ended with ${code} and left no totals`);
      return { ok: false, passed: 0, failed: 1, skipped: 0, failures: [], slowest: [] };
    }
    const totals = JSON.parse(text) as TestTotals;
    const ok = code === 0 && totals.failed === 0;
    return { ...totals, ok, failed: ok ? 0 : Math.max(1, totals.failed) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const runStage = (stage: Stage): Promise<Outcome> => ('argv' in stage ? runCheck(stage) : runTests(stage));

async function main(names: readonly string[]): Promise<number> {
  const selected = selectStages(names);
  const lines: string[] = [];
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures: TestFailure[] = [];
  let ok = true;
  let ran = 0;
  for (const [index, stage] of selected.entries()) {
    console.log(`\n== ${stage.name} (${index + 1} of ${selected.length})`);
    const from = performance.now();
    const outcome = await runStage(stage);
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    const counts =
      'argv' in stage ? '' : `, ${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped} skipped`;
    lines.push(`${outcome.ok ? 'ok    ' : 'FAILED'} ${stage.name.padEnd(14)} ${seconds.padStart(6)} s${counts}`);
    for (const { file, seconds: took } of outcome.slowest)
      lines.push(`         ${`${took}`.padStart(4)} s  ${relative(inRepository('.'), file)}`);
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
    failures.push(...outcome.failures);
    ran += 1;
    ok = outcome.ok && !interrupted;
    if (!ok) break;
  }
  for (const stage of selected.slice(ran)) lines.push(`not run ${stage.name}`);
  console.log(`\n${lines.join('\n')}`);
  // The first failure explains most of those after it: it stands last, where it is seen.
  for (const failure of failures.toReversed()) console.log(failureText(failure));
  console.log('');
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  if (interrupted) return 130;
  return ok ? 0 : 1;
}

// Ctrl-C reaches the stage as well: it cleans up and ends, then so do we, with the summary.
let interrupted = false;
process.on('SIGINT', () => {
  interrupted = true;
});
process.exitCode = await main(process.argv.slice(2));
