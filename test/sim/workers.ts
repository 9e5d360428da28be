/** Runs seeds in several processes and hands their results over in the order of the seeds. @module */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Job, JobResult } from './job.ts';

/** A seed takes less than a second; one that takes so long will not end. */
const seedTimeoutMs = 120_000;

/** A process is used for so many seeds: what a run leaves in memory is not worth looking for. */
const seedsEach = 100;

export interface WorkerOptions {
  readonly workers: number;
  /** The program of a worker; another one only in tests. */
  readonly program?: string;
  readonly timeoutMs?: number;
}

/**
 * Yields a result for every job, in their order. A worker that dies or does not answer in time is a violation of the
 * seed it was at (`crashed`, `hung`); the others go on in a new process. Ends its processes in every case.
 */
export async function* runJobs(jobs: Iterable<Job>, options: WorkerOptions): AsyncGenerator<JobResult> {
  const { workers, program = join(import.meta.dirname, 'worker.ts'), timeoutMs = seedTimeoutMs } = options;
  const source = jobs[Symbol.iterator]();
  /** Results that are under way or wait for those before them. */
  const queue: Promise<JobResult>[] = [];
  const idle: { readonly child: ChildProcess; readonly seeds: number }[] = [];
  const all = new Set<ChildProcess>();

  const start = (): ChildProcess => {
    const child = fork(program, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    all.add(child);
    return child;
  };

  const give = (job: Job): Promise<JobResult> => {
    const { child, seeds } = idle.pop() ?? { child: start(), seeds: 0 };
    return new Promise((resolve) => {
      let said = '';
      const hear = (chunk: Buffer): void => void (said = `${said}${chunk.toString()}`.slice(-2_000));
      const done = (result: JobResult): void => {
        clearTimeout(timer);
        child.off('message', answered).off('close', crashed).stderr?.off('data', hear);
        resolve(result);
      };
      const failed = (rule: string, text: string): void => {
        all.delete(child);
        done({ seed: job.seed, violations: [{ rule, text }], log: [] });
      };
      const crashed = (code: number | null, signal: string | null): void =>
        failed('crashed', `its process ended with ${signal ?? code}: ${said.trim()}`);
      const timer = setTimeout(() => {
        child.off('close', crashed).kill('SIGKILL');
        failed('hung', `no result within ${timeoutMs / 1000} s`);
      }, timeoutMs);
      const answered = (result: JobResult): void => {
        done(result);
        if (seeds + 1 < seedsEach) idle.push({ child, seeds: seeds + 1 });
        else if (all.delete(child)) child.disconnect();
      };
      child.on('message', answered).once('close', crashed).stderr?.on('data', hear);
      child.send(job);
    });
  };

  try {
    let running = 0;
    const fill = (): void => {
      while (running < workers) {
        const next = source.next();
        if (next.done === true) return;
        running += 1;
        queue.push(
          give(next.value).then((result) => {
            running -= 1;
            fill();
            return result;
          }),
        );
      }
    };
    fill();
    for (let first = queue.shift(); first !== undefined; first = queue.shift()) yield await first;
  } finally {
    for (const child of all) child.kill('SIGKILL');
  }
}
