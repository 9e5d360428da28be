import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ApiCall, zonePath } from './zone-calls.ts';
import type { ZoneSpec } from './zone-kind.ts';
import { isSettled, planZones, type ZoneView } from './zone-plan.ts';
import { nextSerial, type RecordSet, type Zone, zonesOf } from './zones.ts';

const nowMs = 1_800_000_000_000;

interface BodySet {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly records: readonly { readonly content: string }[];
  readonly changetype?: string;
}

/** PowerDNS as far as its API is used: refuses what the real one refuses. */
class Pretended {
  readonly zones = new Map<string, RecordSet[]>();
  notified: string[] = [];

  call({ method, path, body }: ApiCall): void {
    const name = [...this.zones.keys()].find((zone) => path.startsWith(zonePath(zone)));
    const of = body as { name?: string; rrsets?: readonly BodySet[] } | undefined;
    if (method === 'POST') {
      assert.ok(of?.name !== undefined && !this.zones.has(of.name.slice(0, -1)));
      this.zones.set(of.name.slice(0, -1), (of.rrsets ?? []).map(setOf));
      return;
    }
    assert.ok(name !== undefined, `${path} is there`);
    if (method === 'DELETE') this.zones.delete(name);
    else if (method === 'PUT') this.notified.push(name);
    else
      for (const set of of?.rrsets ?? []) {
        const rest = (this.zones.get(name) ?? []).filter((one) => one.name !== set.name || one.type !== set.type);
        this.zones.set(name, set.changetype === 'DELETE' ? rest : [...rest, setOf(set)]);
      }
  }

  serial(name: string): number {
    return Number(
      this.zones
        .get(name)
        ?.find(({ type }) => type === 'SOA')
        ?.contents[0]?.split(' ')[2],
    );
  }
}
const setOf = ({ name, type, ttl, records }: BodySet): RecordSet => ({
  ...{ name, type, ttl },
  contents: records.map(({ content }) => content),
});

class Cluster {
  readonly serials = new Map<string, ZoneSpec>();
  nowMs = nowMs;

  /** One look of a coordinator, and what it does then. @returns how many steps */
  round(
    pdns: Pretended,
    wanted: readonly Zone[],
    primary: boolean,
    steps = Number.POSITIVE_INFINITY,
    shared = false,
  ): number {
    const held = new Map([...pdns.zones.keys()].map((name) => [name, pdns.serial(name)]));
    const about = { serials: new Map(this.serials), held };
    const looked = new Map(
      wanted
        .filter((zone) => held.has(zone.name) && !isSettled(zone, about))
        .map(({ name }) => [name, pdns.zones.get(name) ?? []]),
    );
    const view: ZoneView = { wanted, ...about, looked, refused: new Set(), primary, shared, secondaries: true };
    const plan = planZones(view, this.nowMs);
    for (const step of plan.steps.slice(0, steps))
      if (step.do === 'call') pdns.call(step.call);
      else {
        this.serials.clear();
        for (const [name, spec] of step.serials) this.serials.set(name, spec);
      }
    return plan.steps.length;
  }
}

const zone = (name: string, hosts: readonly number[]): Zone[] =>
  zonesOf([
    { zone: name, name, type: 'NS', content: `ns.${name}.`, ttl: 300, source: 'pvc', network: null },
    ...hosts.map((host) => ({
      ...({ zone: name, name: `h${host % 5}.${name}`, type: 'A', content: `10.0.0.${host}`, ttl: 60 } as const),
      ...({ source: 'lease', network: 'n' } as const),
    })),
  ]);

const contents = (pdns: Pretended) =>
  [...pdns.zones]
    .map(([name, sets]) => [
      name,
      sets
        .filter(({ type }) => type !== 'SOA')
        .map((set) => JSON.stringify(set))
        .toSorted(),
    ])
    .toSorted();

describe('zones in PowerDNS', () => {
  const state = fc.record({
    a: fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 20 })), { nil: undefined }),
    b: fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 20 })), { nil: undefined }),
  });
  const wantedOf = ({ a, b }: { a: number[] | undefined; b: number[] | undefined }): Zone[] => [
    ...(a === undefined ? [] : zone('a.example', a)),
    ...(b === undefined ? [] : zone('b.example', b)),
  ];

  it('become what they are to be, whoever is primary, whatever was cut off; then nothing is left to do', () => {
    const turn = fc.record({ state, primary: fc.integer({ min: 0, max: 1 }), cut: fc.integer({ min: 0, max: 4 }) });
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 8 }), (turns) => {
        const cluster = new Cluster();
        const both = [new Pretended(), new Pretended()];
        const told = new Map<string, number>();
        for (const { state: now, primary, cut } of turns) {
          const wanted = wantedOf(now);
          // A zone that went and comes again has the time as its serial.
          cluster.nowMs += 60_000;
          for (const steps of [cut, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
            for (const [index, pdns] of both.entries()) cluster.round(pdns, wanted, index === primary, steps);
          for (const [index, pdns] of both.entries())
            assert.equal(cluster.round(pdns, wanted, index === primary), 0, 'nothing is left to do');
          const [one, other] = both as [Pretended, Pretended];
          assert.deepEqual(contents(one), contents(other));
          assert.deepEqual(
            contents(one),
            wanted.map(({ name, sets }) => [name, sets.map((set) => JSON.stringify(set)).toSorted()]),
          );
          for (const { name, digest } of wanted) {
            assert.equal(one.serial(name), other.serial(name));
            assert.ok(one.serial(name) >= (told.get(name) ?? 0), 'serials do not go back');
            assert.equal(cluster.serials.get(name)?.digest, digest);
            told.set(name, one.serial(name));
          }
          assert.deepEqual([...cluster.serials.keys()].toSorted(), wanted.map(({ name }) => name).toSorted());
        }
      }),
    );
  });

  it('change only where they differ, in one call, and the secondaries are told by the primary alone', () => {
    const cluster = new Cluster();
    const [primary, other] = [new Pretended(), new Pretended()];
    for (const [pdns, is] of [
      [primary, true],
      [other, false],
    ] as const)
      cluster.round(pdns, zone('a.example', [1, 2]), is);
    const before = primary.serial('a.example');
    const held = new Map([['a.example', before]]);
    const looked = new Map([['a.example', primary.zones.get('a.example') ?? []]]);
    const wanted = zone('a.example', [1, 3]);
    const view = {
      wanted,
      serials: cluster.serials,
      held,
      looked,
      refused: new Set<string>(),
      shared: false,
      secondaries: true,
    };
    const { steps } = planZones({ ...view, primary: true }, nowMs);
    assert.deepEqual(
      steps.map((step) => (step.do === 'call' ? step.call.method : step.do)),
      ['serials', 'PATCH', 'PUT'],
    );
    const patch = steps.flatMap((step) => (step.do === 'call' && step.call.method === 'PATCH' ? [step.call] : []))[0];
    assert.ok(patch !== undefined);
    assert.deepEqual(
      (patch.body as { rrsets: BodySet[] }).rrsets.map(({ name, type, changetype }) => [name, type, changetype]),
      [
        ['h2.a.example.', 'A', 'DELETE'],
        ['a.example.', 'SOA', 'REPLACE'],
        ['h3.a.example.', 'A', 'REPLACE'],
      ],
    );
    assert.ok(
      planZones({ ...view, primary: false }, nowMs).steps.every(
        (step) => step.do === 'call' && step.call.method !== 'PUT',
      ),
    );
    assert.deepEqual(other.notified, []);
  });

  it('are told by the primary alone where all coordinators share them', () => {
    const cluster = new Cluster();
    const pdns = new Pretended();
    const wanted = zone('a.example', [1]);
    const [all, shared] = [Number.POSITIVE_INFINITY, true];
    assert.equal(cluster.round(pdns, wanted, false, all, shared), 0);
    assert.deepEqual([...pdns.zones.keys()], []);
    cluster.round(pdns, wanted, true, all, shared);
    assert.deepEqual(contents(pdns).length, 1);
    assert.equal(cluster.round(pdns, wanted, true, all, shared), 0);
    assert.equal(cluster.round(pdns, zone('a.example', [2]), false, all, shared), 0);
  });

  it('are told of last where PowerDNS refused one before, so that the others are not kept waiting', () => {
    const wanted = [...zone('a.example', [1]), ...zone('b.example', [1]), ...zone('c.example', [1])];
    const held = new Map([['z.example', 1]]);
    const view = {
      wanted,
      serials: new Map(),
      held,
      looked: new Map(),
      primary: true,
      shared: false,
      secondaries: false,
    };
    const { steps } = planZones({ ...view, refused: new Set(['b.example']) }, nowMs);
    assert.deepEqual(
      steps.map((step) => (step.do === 'call' ? step.zone : step.do)),
      ['serials', 'z.example', 'a.example', 'c.example', 'b.example'],
    );
  });

  it('have serials that grow, of the time where PVC knows none', () => {
    assert.equal(nextSerial(undefined, nowMs), nowMs / 1000);
    assert.equal(nextSerial(nowMs / 1000, nowMs), nowMs / 1000 + 1);
    assert.equal(nextSerial(nowMs / 1000 + 77, nowMs), nowMs / 1000 + 78);
    assert.equal(nextSerial(5, nowMs), nowMs / 1000);
  });
});
