/** A process that runs the seeds it is told, one after the other, for `workers.ts`. @module */
import { type Job, runJob } from './job.ts';

process.on('message', (job: Job) => {
  // A run that throws ends this process: the parent tells it as the failure of that seed.
  void runJob(job).then((result) => process.send?.(result));
});
// Whatever became of the parent: nobody waits for results any more.
process.on('disconnect', () => process.exit(1));
