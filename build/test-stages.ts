/**
 * `npm test [-- STAGE…]`: runs the stages of `stages.ts` one after the other and stops at the first that
 * fails. The last line is `N passed, N failed`, added up over all test runs; a check that is no test run
 * and fails counts as one failure.
 * @module
 */
import { spawn } from 'node:child_process';
import { appendFileSync, globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { inRepository } from './paths.ts';
import { type CommandStage, type Stage, selectStages, type TestStage } from './stages.ts';
import {
  Figures,
  failureText,
  Progress,
  type TestEvent,
  type TestFailure,
  type TestTotals,
  Totals,
} from './test-report.ts';

/** What the tests of each stage measured in the last run. */
const figuresDirectory = inRepository('.cache/figures');

interface Outcome extends TestTotals {
  readonly ok: boolean;
}

const nothing: TestTotals = { passed: 0, failed: 0, skipped: 0, failures: [], slowest: [] };

/** Aborted when we are to end. */
const interrupt = new AbortController();

/** Runs a command with our output. Resolves with its exit code, 128 for a signal. */
function runCommand([file, ...args]: readonly [string, ...string[]]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: inRepository('.'), stdio: ['ignore', 'inherit', 'inherit'] });
    const end = () => child.kill();
    interrupt.signal.addEventListener('abort', end);
    child.once('error', reject);
    child.once('close', (code) => {
      interrupt.signal.removeEventListener('abort', end);
      resolve(code ?? 128);
    });
  });
}

async function runCheck(stage: CommandStage): Promise<Outcome> {
  const ok = (await runCommand(stage.argv)) === 0;
  return { ...nothing, ok, failed: ok ? 0 : 1 };
}

async function runTests(stage: TestStage): Promise<Outcome> {
  const files = globSync(stage.files, { cwd: inRepository('.') }).sort();
  if (files.length === 0) throw new Error(`${stage.name}: no test files: ${stage.files.join(' ')}`);
  mkdirSync(figuresDirectory, { recursive: true });
  const figuresFile = join(figuresDirectory, `${stage.name}.txt`);
  writeFileSync(figuresFile, '');
  const [progress, figures, totals] = [new Progress(), new Figures(), new Totals()];
  const events = run({
    files: files.map(inRepository),
    cwd: inRepository('.'),
    concurrency: stage.concurrency,
    timeout: stage.timeoutMs,
    signal: interrupt.signal,
  });
  for await (const event of events as AsyncIterable<TestEvent>) {
    // What it tells now is that each file was aborted.
    if (interrupt.signal.aborted) break;
    process.stdout.write(progress.take(event));
    appendFileSync(figuresFile, figures.take(event));
    totals.take(event);
  }
  process.stdout.write(progress.end());
  if (interrupt.signal.aborted) return { ...nothing, ok: false };
  if (totals.told === undefined) throw new Error(`${stage.name}: the test runner told no totals`);
  return { ...totals.told, ok: totals.told.failed === 0 };
}

const runStage = (stage: Stage): Promise<Outcome> => ('argv' in stage ? runCheck(stage) : runTests(stage));

const wordFor = ({ ok }: Outcome): string => (ok ? 'ok    ' : interrupt.signal.aborted ? 'ended ' : 'FAILED');

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
    lines.push(`${wordFor(outcome)} ${stage.name.padEnd(14)} ${seconds.padStart(6)} s${counts}`);
    for (const { file, seconds: took } of outcome.slowest)
      lines.push(`         ${`${took}`.padStart(4)} s  ${relative(inRepository('.'), file)}`);
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
    failures.push(...outcome.failures);
    ran += 1;
    ok = outcome.ok && !interrupt.signal.aborted;
    if (!ok) break;
  }
  for (const stage of selected.slice(ran)) lines.push(`not run ${stage.name}`);
  console.log(`\n${lines.join('\n')}`);
  // The first failure explains most of those after it: it stands last, where it is seen.
  for (const failure of failures.toReversed()) console.log(failureText(failure));
  console.log('');
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  if (interrupt.signal.aborted) return 130;
  return ok ? 0 : 1;
}

// The stage cleans up and ends, then so do we, with the summary: without this, labs would be left with nobody to take them away.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
// Node 24 comes first for what the stages start; and we are no test of another run, should one have started us.
process.env['PATH'] = `${inRepository('node_modules/.bin')}:${process.env['PATH'] ?? ''}`;
delete process.env['NODE_TEST_CONTEXT'];
process.exitCode = await main(process.argv.slice(2));
