/**
 * Makes several guests of a profile, tells how each gets on, and ends when all of them run.
 *
 * On a node, as root: `node docs/examples/provision-guests.ts web debian12 3`.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, PvcError } from '../../core/client/index.ts';

const [name, profile, count] = process.argv.slice(2);
if (name === undefined || profile === undefined) throw new Error('usage: provision-guests.ts NAME PROFILE [COUNT]');

const client = createClient({ socket: '/run/pvc/pvc.sock' });

try {
  const input = { name, profile, count: Number(count ?? 1) };
  const plan = await client.call('provisioner.create', input, { plan: true });
  for (const action of plan.actions) console.log(`will: ${action}`);

  const { result, tasks } = await client.call('provisioner.create', input);
  // One task for each guest: one that fails takes nothing from the others.
  const ends = await Promise.allSettled(
    tasks.map((id) =>
      client.wait(id, { onProgress: ({ target, message }) => console.log(`${target.label}: ${message}`) }),
    ),
  );
  for (const end of ends) if (end.status === 'rejected') console.error(`failed: ${String(end.reason)}`);

  for (const guest of result.guests.filter((_guest, at) => ends[at]?.status === 'fulfilled')) {
    while ((await client.call('vm.info', { vm: guest.name })).state !== 'running') await delay(500);
    console.log(`${guest.name} runs on ${guest.node}`);
  }
  if (ends.some(({ status }) => status === 'rejected')) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof PvcError)) throw error;
  console.error(`${error.message}\n${error.hint}`);
  process.exitCode = 1;
} finally {
  client.close();
}
