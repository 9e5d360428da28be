import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../../core/host/virtual-clock.ts';
import { LibvirtError } from '../rpc/errors.ts';
import { errorNames } from '../rpc/names.ts';
import { Quiet, type QuietData } from './quiet.ts';

const uuid = '7f1f1a1e-0000-4000-8000-000000000001';

const refusal = (name: string): LibvirtError =>
  new LibvirtError('domainFsFreeze', {
    code: errorNames.indexOf(name),
    domain: 10,
    message: name,
    level: 2,
    object: undefined,
    str1: undefined,
    str2: undefined,
    str3: undefined,
    int1: -1,
    int2: -1,
  } as never);

/** A guest that notes what is done to it. */
function rig(state: 'running' | 'paused' | undefined, agent: 'answers' | 'none') {
  const done: string[] = [];
  let now = state;
  const driver = {
    async fsFreeze() {
      done.push('freeze');
      if (agent === 'none') throw refusal('AGENT_UNRESPONSIVE');
      return 1;
    },
    async fsThaw() {
      done.push('thaw');
      if (agent === 'none') throw refusal('AGENT_UNRESPONSIVE');
      return 1;
    },
    async suspend() {
      done.push('suspend');
      now = 'paused';
    },
    async resume() {
      done.push('resume');
      now = 'running';
    },
  };
  const look = async () => (now === undefined ? undefined : { state: now });
  const control = { look, waitFor: look, link: { driver } };
  const clock = new VirtualClock();
  const written: QuietData[] = [];
  const run = {
    phase: '',
    data: undefined as QuietData | undefined,
    signal: new AbortController().signal,
    log: { debug: () => undefined },
    async advance(phase: string, update: { data: QuietData }) {
      run.phase = phase;
      run.data = update.data;
      written.push(update.data);
      done.push(`write ${update.data.by}`);
    },
  };
  const quiet = new Quiet({ clock }, control as never);
  return { quiet, run: run as never, done, state: () => now, clock };
}

describe('a guest at rest', () => {
  for (const [state, agent, quiet, steps] of [
    ['running', 'answers', 'frozen', ['write agent', 'freeze', 'act', 'thaw']],
    ['running', 'none', 'paused', ['write agent', 'freeze', 'thaw', 'write pause', 'suspend', 'act', 'resume']],
    ['paused', 'answers', 'paused', ['act']],
    [undefined, 'answers', 'off', ['act']],
  ] as const)
    it(`that is ${state ?? 'off'} and whose agent ${agent === 'none' ? 'is none' : 'answers'} is ${quiet}`, async () => {
      const one = rig(state, agent);
      const how = await one.quiet.during(one.run, uuid, async () => {
        one.done.push('act');
      });
      assert.deepEqual([how.quiet, one.done, one.state()], [quiet, steps, state]);
    });

  it('goes on when what was to be done fails', async () => {
    for (const agent of ['answers', 'none'] as const) {
      const one = rig('running', agent);
      await assert.rejects(
        one.quiet.during(one.run, uuid, async () => {
          throw new Error('no room');
        }),
        /no room/,
      );
      assert.deepEqual([one.done.at(-1), one.state()], [agent === 'none' ? 'resume' : 'thaw', 'running']);
    }
  });

  it('goes on after a minute, however long the storage takes', async () => {
    const one = rig('running', 'none');
    const taking = one.quiet.during(
      one.run,
      uuid,
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    );
    const told = assert.rejects(taking, /more than 60 s/);
    await one.clock.advance(60_001);
    await told;
    assert.equal(one.state(), 'running');
  });

  it('is let go by the next life of the daemon', async () => {
    for (const by of ['agent', 'pause'] as const) {
      const one = rig(by === 'pause' ? 'paused' : 'running', 'answers');
      await one.quiet.recover({ phase: 'quiet', data: { by } }, uuid);
      assert.deepEqual(one.done, [by === 'pause' ? 'resume' : 'thaw']);
    }
    const fresh = rig('paused', 'answers');
    await fresh.quiet.recover({ phase: '', data: undefined }, uuid);
    assert.deepEqual(fresh.done, []);
  });
});
