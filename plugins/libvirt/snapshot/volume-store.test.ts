import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../../core/host/virtual-clock.ts';
import { FoldHook } from '../../../core/plugin/hook-point.ts';
import { plainStore as store } from './testing/plain-store.ts';
import { type VolumeStoreAbout, volumeStores, wordsProblem } from './volume-store.ts';

function rig() {
  const troubles: string[] = [];
  const context = {
    clock: new VirtualClock(),
    trouble: ({ message }: { message: string }) => troubles.push(message),
    cured: () => undefined,
  };
  const hook = new FoldHook<readonly string[], VolumeStoreAbout>('libvirt.volumes', context, 5_000, wordsProblem);
  return { hook, troubles };
}

describe('storages of other plugins', () => {
  it('are collected with their verbs', async () => {
    const { hook } = rig();
    hook.tap({ name: 'ceph', builtin: true }, (names, about) => {
      about.add(store);
      return [...names, 'ceph'];
    });
    assert.deepEqual(await volumeStores(hook), [store]);
  });

  it('that lack a verb are a trouble of their plugin, and the others stay', async () => {
    const { hook, troubles } = rig();
    hook.tap({ name: 'half', builtin: false }, (names, about) => {
      about.add({ ...store, rollBack: undefined } as never);
      return names;
    });
    hook.tap({ name: 'ceph', builtin: true }, (names, about) => {
      about.add(store);
      return [...names, 'ceph'];
    });
    assert.deepEqual(await volumeStores(hook), [store]);
    assert.match(troubles.join(), /without the verb rollBack/);
  });
});
