/** A Ceph that goes away, hangs and comes back, on a clock that only the test advances. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { VirtualClock } from '../../../core/host/virtual-clock.ts';
import { VirtualProcesses } from '../../../core/host/virtual-processes.ts';
import { errorText, PvcError } from '../../../core/plugin/api.ts';
import { CephCommand } from './ceph-command.ts';

/** away: commands give up after the time for connecting; hung: they never end; slow: the monitors answer, the disks do not. */
type State = 'well' | 'away' | 'hung' | 'slow';

/** As `ceph` and `rbd` of Ceph 16 say it when every monitor is stopped. */
const unreached = {
  ceph: { code: 1, stderr: 'timed out\n', tookMs: 5_000 },
  rbd: {
    code: 1,
    stderr: "rbd: couldn't connect to the cluster!\nrbd: listing images failed: (110) Connection timed out\n",
    tookMs: 5_000,
  },
};

/** Of tasks; and a command that found nobody has taken its five seconds besides. */
const patienceMs = 65_000;

class World {
  readonly clock = new VirtualClock();
  readonly processes = new VirtualProcesses(this.clock);
  readonly stop = new AbortController();
  readonly ceph = new CephCommand({ clock: this.clock, processes: this.processes }, { signal: this.stop.signal });
  state: State = 'well';
  /** How many processes are alive, and the most that ever were, by program; probes by themselves. */
  readonly alive = new Map<string, number>();
  readonly most = new Map<string, number>();

  constructor() {
    this.processes.on(['ceph'], () => this.#answer('ceph', this.state === 'slow' ? 'well' : this.state));
    this.processes.on(['rbd'], () => this.#answer('rbd', this.state === 'slow' ? 'hung' : this.state));
    const { exec } = this.processes;
    this.processes.exec = async (argv, options) => {
      const what = argv.includes('stat') ? 'probe' : argv[0];
      const count = (change: number): void => {
        const now = (this.alive.get(what) ?? 0) + change;
        this.alive.set(what, now);
        this.most.set(what, Math.max(this.most.get(what) ?? 0, now));
      };
      count(1);
      try {
        return await exec.call(this.processes, argv, options);
      } finally {
        count(-1);
      }
    };
  }

  #answer(program: 'ceph' | 'rbd', state: State) {
    if (state === 'well') return { stdout: '{}', tookMs: 300 };
    return state === 'away' ? unreached[program] : { tookMs: Number.POSITIVE_INFINITY };
  }

  /** Starts a call; what became of it, and after which time. */
  call(program: 'ceph' | 'rbd', timeoutMs?: number, ceph = this.ceph) {
    const result: { ended?: string; tookMs?: number } = {};
    const began = this.clock.monotonicMs();
    const end = (ended: string): void => {
      Object.assign(result, { ended, tookMs: this.clock.monotonicMs() - began });
    };
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    ceph[program]('a test', ['ls'], options).then(
      () => end('ok'),
      (error: unknown) => end(error instanceof PvcError ? `${error.code}: ${errorText(error)}` : String(error)),
    );
    return result;
  }

  count(program: string): number {
    return this.processes.calls.filter(({ argv }) => argv[0] === program && !argv.includes('stat')).length;
  }
}

describe('a Ceph that is away', () => {
  it('costs the first caller its time and nobody after it; when it is back, so are the calls', async () => {
    const world = new World();
    world.state = 'away';
    const first = world.call('ceph');
    await world.clock.advance(5_000);
    assert.match(first.ended ?? '', /^CEPH_AWAY: .*no monitor let anybody in/);
    const next = (['ceph', 'rbd'] as const).map((program) => world.call(program));
    await world.clock.advance(0);
    for (const { ended } of next) assert.match(ended ?? '', /^CEPH_AWAY: .*no monitor let anybody in.*found 0 ms ago/);
    assert.deepEqual([world.count('ceph'), world.count('rbd')], [1, 0], 'a process was started for nothing');
    await world.clock.advance(3_600_000);
    const later = world.call('rbd');
    await world.clock.advance(0);
    assert.match(later.ended ?? '', /found 1 h/);
    world.state = 'well';
    await world.clock.advance(20_000);
    const after = world.call('rbd');
    await world.clock.advance(1_000);
    assert.equal(after.ended, 'ok');
    assert.equal(world.most.get('probe'), 1);
  });

  it('sends away at once who waits for a turn', async () => {
    const world = new World();
    world.state = 'away';
    const calls = Array.from({ length: 40 }, () => world.call('ceph'));
    await world.clock.advance(5_000);
    assert.ok(calls.every(({ ended }) => ended?.startsWith('CEPH_AWAY')));
    assert.equal(world.most.get('ceph'), 6);
  });

  it('that hangs is found by the probe that follows the first call that took too long', async () => {
    const world = new World();
    world.state = 'hung';
    const first = world.call('rbd', 20_000);
    await world.clock.advance(20_000);
    assert.match(first.ended ?? '', /^CEPH_AWAY/);
    await world.clock.advance(10_000);
    const next = world.call('ceph');
    await world.clock.advance(0);
    assert.match(next.ended ?? '', /^CEPH_AWAY/);
  });

  it('in its disks only keeps nobody from asking the monitors', async () => {
    const world = new World();
    world.state = 'slow';
    const stuck = Array.from({ length: 20 }, () => world.call('rbd', 20_000));
    await world.clock.advance(20_000);
    assert.ok(stuck.every(({ ended }) => ended?.startsWith('CEPH_AWAY')));
    assert.equal(world.most.get('rbd'), 8);
    assert.match(stuck.at(-1)?.ended ?? '', /8 commands wait for its answer/);
    await world.clock.advance(5_000);
    const asked = world.call('ceph');
    await world.clock.advance(1_000);
    assert.equal(asked.ended, 'ok');
  });

  it('is not asked for by a daemon that has ended', async () => {
    const world = new World();
    world.state = 'away';
    world.call('ceph');
    await world.clock.advance(6_000);
    world.stop.abort(new Error('the daemon stops'));
    await world.clock.advance(20_000);
    assert.deepEqual([world.alive.get('probe') ?? 0, world.clock.pending], [0, 0]);
  });
});

describe('a patient caller', () => {
  it('waits for a Ceph that comes back, and is served with one command', async () => {
    const world = new World();
    world.state = 'away';
    const calls = Array.from({ length: 5 }, () => world.call('ceph', 20_000, world.ceph.patient()));
    const hurried = world.call('ceph');
    await world.clock.advance(30_000);
    assert.match(hurried.ended ?? '', /^CEPH_AWAY/);
    assert.ok(calls.every(({ ended }) => ended === undefined));
    const before = world.count('ceph');
    world.state = 'well';
    await world.clock.advance(15_000);
    assert.ok(calls.every(({ ended }) => ended === 'ok'));
    assert.equal(world.count('ceph') - before, 5);
  });

  it('is told after a minute', async () => {
    const world = new World();
    world.state = 'away';
    const call = world.call('rbd', 20_000, world.ceph.patient());
    await world.clock.advance(66_000);
    assert.match(call.ended ?? '', /^CEPH_AWAY: .*couldn't connect|^CEPH_AWAY: .*timed out/);
  });
});

describe('a call', () => {
  it('that takes long by its nature does not stand in the way of short ones', async () => {
    const world = new World();
    world.state = 'slow';
    for (let n = 0; n < 8; n += 1) world.call('rbd', 3_600_000);
    await world.clock.advance(1_000);
    world.state = 'well';
    const short = world.call('rbd');
    await world.clock.advance(1_000);
    assert.equal(short.ended, 'ok');
  });

  it('that is given up while it waits leaves its place to others', async () => {
    const world = new World();
    world.state = 'slow';
    for (let n = 0; n < 8; n += 1) world.call('rbd', 10_000);
    const gone = new AbortController();
    const waiting = world.ceph.rbd('a test', ['ls'], { signal: gone.signal });
    await world.clock.advance(1_000);
    gone.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    world.state = 'well';
    await world.clock.advance(10_000);
    const next = world.call('rbd');
    await world.clock.advance(1_000);
    assert.equal(next.ended, 'ok');
  });
});

const event = fc.oneof(
  fc.record({ do: fc.constant('turn' as const), state: fc.constantFrom<State>('well', 'away', 'hung', 'slow') }),
  fc.record({
    do: fc.constant('call' as const),
    program: fc.constantFrom('ceph' as const, 'rbd' as const),
    count: fc.integer({ min: 1, max: 30 }),
    patient: fc.boolean(),
    timeoutMs: fc.constantFrom(1_000, 20_000, 120_000),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60_000 }) }),
);

describe('whatever becomes of Ceph', () => {
  it('processes are few, calls end in their time, and all is well when Ceph is', () =>
    fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 25 }), async (events) => {
        const world = new World();
        const patient = world.ceph.patient();
        const calls: { readonly limitMs: number; readonly result: ReturnType<World['call']> }[] = [];
        for (const what of events) {
          if (what.do === 'turn') world.state = what.state;
          else if (what.do === 'wait') await world.clock.advance(what.ms);
          else
            for (let n = 0; n < what.count; n += 1)
              calls.push({
                limitMs: what.timeoutMs + (what.patient ? patienceMs : 0),
                result: world.call(what.program, what.timeoutMs, what.patient ? patient : world.ceph),
              });
        }
        await world.clock.advance(120_000 + patienceMs);
        for (const { limitMs, result } of calls) {
          assert.ok(result.ended !== undefined, 'a call never ended');
          assert.ok((result.tookMs ?? 0) <= limitMs, `a call for ${limitMs} ms took ${result.tookMs} ms`);
        }
        assert.ok((world.most.get('ceph') ?? 0) <= 6 && (world.most.get('rbd') ?? 0) <= 16);
        assert.ok((world.most.get('probe') ?? 0) <= 1);
        world.state = 'well';
        await world.clock.advance(20_000);
        const last = (['ceph', 'rbd'] as const).map((program) => world.call(program));
        await world.clock.advance(1_000);
        assert.deepEqual(
          last.map(({ ended }) => ended),
          ['ok', 'ok'],
        );
        // Nothing goes on by itself once all is well.
        assert.equal(world.clock.pending, 0);
      }),
      { numRuns: 200 },
    ));

  it('a Ceph that was always well refused nobody', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 8 }), async (bursts) => {
        const world = new World();
        const results = [];
        for (const count of bursts) {
          for (let n = 0; n < count; n += 1) results.push(world.call('rbd'));
          await world.clock.advance(500);
        }
        await world.clock.advance(20_000);
        assert.ok(results.every(({ ended }) => ended === 'ok'));
        assert.equal(world.most.get('probe'), undefined);
      }),
      { numRuns: 50 },
    ));
});
