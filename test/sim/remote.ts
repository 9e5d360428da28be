/** How nodes ask each other: over their links, which may be cut, to daemons that may not answer. @module */
import type { Door } from '../../core/cluster/fence/silence.ts';
import type { Peers } from '../../core/cluster/isolation/ask-coordinators.ts';
import { operationError } from '../../core/operation/errors.ts';
import type { RemoteNodes } from '../../core/operation/execute.ts';
import type { Life } from './life.ts';
import type { World } from './world.ts';

/** As core/daemon/peer-reach.ts: the coordinators, and the way to them that does not need the store. */
export const peersOf = (world: World, from: string, life: Life): Peers & Door => ({
  list: async () =>
    world.description.nodes
      .filter(({ role }) => role === 'coordinator')
      .map(({ name, address }) => ({ node: name, address })),
  answers: ({ node: to }, withinMs) =>
    life.call('peers.answers', () => {
      const { clock, fabric } = world;
      // An answer takes no time: each node with a BMC is asked twice a second.
      if (world.node(to).powered && fabric.reaches(from, to) && fabric.reaches(to, from)) return true;
      return clock.sleep(withinMs).then(() => false);
    }),
  ask: ({ node: to }, signal) =>
    life.call('peers.ask', async () => {
      const { clock, fabric, peerRandom: random } = world;
      const asked = (async () => {
        await clock.sleep(random.ms(0.5, 3));
        const there = world.node(to);
        if (!there.powered || !fabric.reaches(from, to)) return new Promise<never>(() => {});
        const { api, life: answering } = there;
        if (api === undefined || answering === undefined) throw new Error('connection refused');
        // One that stands still answers when it goes on.
        const answer = await answering.call('reach', async () => api.reach());
        await clock.sleep(random.ms(0.5, 3));
        return fabric.reaches(to, from) ? answer : new Promise<never>(() => {});
      })();
      asked.catch(() => undefined);
      return Promise.race([
        asked,
        new Promise<never>((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
        ),
      ]);
    }),
});

/** As core/daemon/remote-nodes.ts waits for an answer. */
const timeoutMs = 10_000;

export function remoteNodes(world: World, from: string, life: Life): RemoteNodes {
  const { clock, fabric, random } = world;
  return {
    query: (to, operation, input, actor, signal) =>
      life.call('remote.query', async () => {
        const unreachable = (reason: string): Error =>
          operationError('NODE_UNREACHABLE', { operation: operation.name, node: to, reason });
        const late = clock.sleep(timeoutMs).then(() => {
          throw unreachable('it did not answer');
        });
        const asked = (async () => {
          await clock.sleep(random.ms(0.5, 3));
          const there = world.nodes.get(to);
          if (there === undefined || !there.powered || !fabric.reaches(from, to)) return new Promise(() => {});
          const { api } = there;
          if (api === undefined) throw unreachable('connection refused');
          const found = api.program.registry.get(operation.name);
          if (found?.type !== 'query') throw unreachable('it does not know that');
          const answer = await api.executor.query(found, input, actor, signal);
          await clock.sleep(random.ms(0.5, 3));
          if (!fabric.reaches(to, from)) return new Promise(() => {});
          return answer;
        })();
        asked.catch(() => undefined);
        late.catch(() => undefined);
        return Promise.race([asked, late]);
      }),
    feed: () => {
      throw new Error('feeds between simulated nodes are not needed by anything');
    },
    channel: () => Promise.reject(new Error('channels between simulated nodes are not needed by anything')),
    upload: () => Promise.reject(new Error('uploads between simulated nodes are not needed by anything')),
    download: () => Promise.reject(new Error('downloads between simulated nodes are not needed by anything')),
  };
}
