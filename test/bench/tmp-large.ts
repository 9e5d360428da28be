import { missing } from '../sim/converged.ts';
import type { GuestDescription } from '../sim/guest-document.ts';
import type { NodeDescription } from '../sim/node.ts';
import { World, type WorldDescription } from '../sim/world.ts';

function largeWorld(): WorldDescription {
  const nodes = Array.from(
    { length: 100 },
    (_, at): NodeDescription => ({
      name: `hv${at + 1}`,
      role: at < 3 ? 'coordinator' : 'hypervisor',
      address: `10.0.1.${at + 1}`,
      memoryMiB: 65_536,
      cpus: 16,
      wallOffMs: 0,
      bmc: true,
    }),
  );
  const guests = Array.from(
    { length: 3_000 },
    (_, at): GuestDescription => ({
      name: `vm${at + 1}`,
      node: `hv${(at % nodes.length) + 1}`,
      run: 'running',
      memoryMiB: 1_024,
      shutdownMs: 2_000,
      bootMs: 400,
      volume: true,
      spec: {},
    }),
  );
  const store = { latencyMs: { minMs: 0.5, maxMs: 3 } };
  return { seed: 'large', nodes, guests, rules: [], floating: '10.0.1.250', store };
}

const w = new World(largeWorld());
let from = performance.now();
await w.start();
while (missing(w).length > 0 && w.nowMs < 600_000) await w.run(w.nowMs + 1000);
console.log('start', ((performance.now() - from) / 1000).toFixed(1), 'sim', w.nowMs, missing(w).length);
await w.run(w.nowMs + 120_000);
let steps = 0;
const counts = new Map<string, number>();
if (process.argv[3] === 'count') {
  const original = w.clock.after.bind(w.clock);
  (w.clock as any).after = (ms: number, fn: () => void) => {
    const line = (new Error().stack ?? '')
      .split('\n')
      .slice(2, 22)
      .map((l) => l.replace(/.*[/(]([a-z-]+\.ts:\d+).*/, '$1').trim())
      .join(' < ');
    const stop = original(ms, () => {
      counts.set(line, (counts.get(line) ?? 0) + 1);
      fn();
    });
    return stop;
  };
}
from = performance.now();
const until = w.nowMs + Number(process.argv[2] ?? 60) * 1000;
await w.run(until, () => {
  steps += 1;
  return false;
});
console.log('run', ((performance.now() - from) / 1000).toFixed(1), 'steps', steps, 'violations', w.violations.length);
for (const [l, n] of [...counts].sort((a, b) => b[1] - a[1]).slice(0, 40)) console.log(String(n).padStart(6), l);
process.exit(0);
