/**
 * Lists the guests of a cluster, creates one and starts it.
 *
 * On a node, as root: `node docs/examples/client.ts`.
 * From elsewhere: `PVC_URL=https://hv1.example.net:7370 PVC_TOKEN=… PVC_FINGERPRINT=AB:CD:… node docs/examples/client.ts`.
 * @module
 */
import { connect, createClient, PvcError } from '../../core/client/index.ts';

const { PVC_URL: url, PVC_TOKEN: token, PVC_FINGERPRINT: fingerprint } = process.env;
const client =
  url === undefined
    ? createClient({ socket: '/run/pvc/pvc.sock' })
    : connect({
        url,
        ...(token === undefined ? {} : { token }),
        ...(fingerprint === undefined ? {} : { fingerprint }),
      });

try {
  for (const guest of await client.call('vm.list', { state: 'running' }))
    console.log(`${guest.name} runs on ${guest.node}`);

  // What would be done? Nothing is changed.
  const plan = await client.call('vm.create', { name: 'example', memory: 512, vcpus: 1 }, { plan: true });
  for (const action of plan.actions) console.log(`would: ${action}`);

  const { result, warnings } = await client.call('vm.create', { name: 'example', memory: 512, vcpus: 1 });
  for (const warning of warnings) console.log(`warning: ${warning}`);
  console.log(`${result.name} has the UUID ${result.uuid}`);

  const { tasks } = await client.call('vm.start', { vm: 'example' });
  for (const id of tasks) {
    const task = await client.wait(id, {
      onProgress: (now) => console.log(`${now.phase} ${Math.round(now.progress * 100)} %`),
    });
    console.log(`${task.action}: ${task.state}`);
  }
} catch (error) {
  if (!(error instanceof PvcError)) throw error;
  console.error(`${error.message}\n${error.hint}`);
  process.exitCode = 1;
} finally {
  client.close();
}
