import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dnskeyText } from '../dnssec/zone-key.ts';
import type { HeldContents, HeldKey } from '../server/api.ts';
import { type ApiCall, zonePath } from './zone-calls.ts';
import type { ZoneSpec } from './zone-kind.ts';
import { isSettled, planZones, type ZoneView } from './zone-plan.ts';
import { nextSerial, type RecordSet, type Zone, zonesOf } from './zones.ts';

const nowMs = 1_800_000_000_000;

interface BodySet {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly records: readonly { readonly content: string; readonly disabled?: boolean }[];
  readonly changetype?: string;
}

/** PowerDNS as far as its API is used: refuses what the real one refuses. */
class Pretended {
  readonly zones = new Map<string, RecordSet[]>();
  readonly keys = new Map<string, HeldKey[]>();
  readonly hidden = new Set<string>();
  /** Zones whose names are in order for proofs of absence, and those where that is so after each change. */
  readonly ordered = new Set<string>();
  readonly orders = new Set<string>();
  notified: string[] = [];
  #lastKey = 0;

  call({ method, path, body }: ApiCall): void {
    const name = [...this.zones.keys()].find((zone) => path.startsWith(zonePath(zone)));
    const of = body as { name?: string; rrsets?: readonly BodySet[]; api_rectify?: boolean } | undefined;
    if (method === 'POST') {
      const zone = of?.name?.slice(0, -1);
      assert.ok(zone !== undefined && !this.zones.has(zone));
      this.zones.set(zone, (of?.rrsets ?? []).map(setOf));
      // The real one adds a SOA where there is none, and puts names in order where there is one that it tells.
      const soa = of?.rrsets?.find(({ type }) => type === 'SOA');
      assert.ok(soa !== undefined);
      if (soa.records.some(({ disabled }) => disabled === true)) this.hidden.add(zone);
      assert.equal(of?.api_rectify, this.hidden.has(zone) ? false : undefined);
      if (of?.api_rectify !== false) this.orders.add(zone);
      return;
    }
    assert.ok(name !== undefined, `${path} is there`);
    const rest = path.slice(zonePath(name).length);
    const key = /^\/cryptokeys\/(\d+)$/.exec(rest)?.[1];
    if (key !== undefined) {
      const held = this.keys.get(name) ?? [];
      assert.ok(held.some(({ id }) => id === Number(key)));
      this.keys.set(
        name,
        held.filter(({ id }) => id !== Number(key)),
      );
    } else if (method === 'DELETE')
      for (const map of [this.zones, this.keys, this.hidden, this.ordered, this.orders]) map.delete(name);
    else if (rest === '/notify') this.notified.push(name);
    else if (rest === '/rectify') this.#order(name);
    else if (method === 'PUT') this.orders.add(name);
    else {
      for (const set of of?.rrsets ?? []) {
        const others = (this.zones.get(name) ?? []).filter((one) => one.name !== set.name || one.type !== set.type);
        this.zones.set(name, set.changetype === 'DELETE' ? others : [...others, setOf(set)]);
        if (set.type === 'SOA') this.hidden.delete(name);
      }
      this.ordered.delete(name);
      if (this.orders.has(name) && this.signs(name)) this.#order(name);
    }
  }

  sign(zone: string, publicKey: string, used = true): void {
    assert.ok(this.zones.has(zone));
    this.#lastKey += 1;
    const key = { id: this.#lastKey, dnskey: dnskeyText(publicKey), used };
    this.keys.set(zone, [...(this.keys.get(zone) ?? []), key]);
  }

  signs = (zone: string): boolean => (this.keys.get(zone) ?? []).some(({ used }) => used);

  #order(zone: string): void {
    assert.ok(!this.hidden.has(zone), 'there is no SOA for that');
    this.ordered.add(zone);
  }

  looked(name: string): HeldContents {
    return { sets: this.zones.get(name) ?? [], keys: this.keys.get(name) ?? [], keptInOrder: this.orders.has(name) };
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
        .map(({ name }) => [name, pdns.looked(name)]),
    );
    const view: ZoneView = { wanted, ...about, looked, refused: new Set(), primary, shared, secondaries: true };
    const plan = planZones(view, this.nowMs);
    for (const step of plan.steps.slice(0, steps))
      if (step.do === 'call') pdns.call(step.call);
      else if (step.do === 'key') pdns.sign(step.zone, step.publicKey);
      else {
        this.serials.clear();
        for (const [name, spec] of step.serials) this.serials.set(name, spec);
      }
    return plan.steps.length;
  }
}

const zone = (name: string, hosts: readonly number[], keys: readonly string[] = []): Zone[] =>
  zonesOf(
    [
      { zone: name, name, type: 'NS', content: `ns.${name}.`, ttl: 300, source: 'pvc', network: null },
      ...hosts.map((host) => ({
        ...({ zone: name, name: `h${host % 5}.${name}`, type: 'A', content: `10.0.0.${host}`, ttl: 60 } as const),
        ...({ source: 'lease', network: 'n' } as const),
      })),
    ],
    { keys: new Map([[name, keys]]), week: 1 },
  );

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
    keys: fc.subarray(['k1', 'k2']),
  });
  type State = { a: number[] | undefined; b: number[] | undefined; keys: string[] };
  const wantedOf = ({ a, b, keys }: State): Zone[] => [
    ...(a === undefined ? [] : zone('a.example', a, keys)),
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
          for (const pdns of both) {
            const { keys } = pdns.looked('a.example');
            const wantedKeys = wanted.find(({ name }) => name === 'a.example')?.keys ?? [];
            assert.deepEqual(keys.map(({ dnskey }) => dnskey).toSorted(), wantedKeys.map(dnskeyText));
            assert.equal(pdns.hidden.size, 0);
            if (wantedKeys.length > 0) assert.ok(pdns.ordered.has('a.example'));
          }
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
    const looked = new Map([['a.example', primary.looked('a.example')]]);
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

  it('are signed before anybody sees them, and at every moment from then on, whichever the keys', () => {
    const keys = fc.constantFrom(['k1'], ['k1', 'k2'], ['k2']);
    const turn = fc.record({ keys, lost: fc.boolean(), cut: fc.integer({ min: 0, max: 4 }) });
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 8 }), (turns) => {
        const cluster = new Cluster();
        let pdns = new Pretended();
        for (const { keys: now, lost, cut } of turns) {
          if (lost) pdns = new Pretended();
          const wanted = zone('a.example', [1, 2], now);
          for (const steps of [cut, ...Array.from({ length: 12 }, () => 1)]) {
            for (let done = 0; done < Math.max(1, steps); done += 1) {
              cluster.round(pdns, wanted, true, 1);
              assert.ok(!pdns.zones.has('a.example') || pdns.hidden.has('a.example') || pdns.signs('a.example'));
            }
          }
          assert.equal(cluster.round(pdns, wanted, true), 0);
          assert.deepEqual(
            pdns
              .looked('a.example')
              .keys.map(({ dnskey }) => dnskey)
              .toSorted(),
            now.map(dnskeyText),
          );
        }
      }),
    );
  });

  it('lose keys that are not PVC’s, twice there, or not in use', () => {
    const cluster = new Cluster();
    const pdns = new Pretended();
    cluster.round(pdns, zone('a.example', [1], ['k1']), true);
    for (const [key, used] of [
      ['k1', true],
      ['k1', false],
      ['k9', true],
    ] as const)
      pdns.sign('a.example', key, used);
    // What nobody told is found by the look at everything.
    const looked = new Map([['a.example', pdns.looked('a.example')]]);
    const held = new Map([['a.example', pdns.serial('a.example')]]);
    const view = { serials: cluster.serials, held, looked, refused: new Set<string>(), primary: true, shared: false };
    const { steps } = planZones({ ...view, wanted: zone('a.example', [1], ['k1']), secondaries: false }, nowMs);
    assert.deepEqual(
      steps.map((step) => (step.do === 'call' ? `${step.call.method} ${step.call.path}` : step.do)),
      [...[2, 3, 4].map((id) => `DELETE /zones/a.example./cryptokeys/${id}`), 'PUT /zones/a.example./rectify'],
    );
    for (const step of steps) if (step.do === 'call') pdns.call(step.call);
    assert.deepEqual(pdns.looked('a.example').keys, [{ id: 1, dnskey: dnskeyText('k1'), used: true }]);
  });

  it('have no private key in what is planned', () => {
    const view = { serials: new Map(), held: new Map(), looked: new Map(), refused: new Set<string>(), primary: true };
    const wanted = zone('a.example', [1], ['k1']);
    const { steps } = planZones({ ...view, wanted, shared: false, secondaries: true }, nowMs);
    assert.deepEqual(
      steps.map((step) => (step.do === 'call' ? `${step.call.method} ${step.call.path}` : step.do)),
      [
        ...['serials', 'POST /zones', 'PUT /zones/a.example.', 'key', 'PATCH /zones/a.example.'],
        'PUT /zones/a.example./notify',
      ],
    );
    assert.doesNotMatch(JSON.stringify(steps), /private/i);
  });
});
