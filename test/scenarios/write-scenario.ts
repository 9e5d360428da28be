/** Writes a case of the simulator down as a scenario, to be read, changed and run again. @module */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Case } from '../sim/run.ts';
import type { WorldDescription } from '../sim/world.ts';

/** `cluster.yaml` of a world; `readCluster` makes the same world of it. */
export function clusterText({
  seed,
  nodes,
  guests,
  rules,
  fencing,
  isolation,
  floating,
  store,
}: WorldDescription): string {
  const { minMs, maxMs } = store.latencyMs;
  return stringify({
    seed,
    nodes: Object.fromEntries(
      nodes.map(({ name, role, memoryMiB, wallOffMs, bmc, watchdog }) => [
        name,
        { role, memoryMiB, wallOffMs, bmc, ...(watchdog === undefined ? {} : { watchdog }) },
      ]),
    ),
    guests: Object.fromEntries(
      guests.map(({ name, shutdownMs, ...rest }) => [name, { ...rest, shutdownMs: shutdownMs ?? 'never' }]),
    ),
    rules: Object.fromEntries(rules.map(({ name, ...rule }) => [name, rule])),
    ...(fencing === undefined ? {} : { fencing }),
    ...(isolation === undefined ? {} : { isolation }),
    floating: floating ?? null,
    latencyMs: [minMs, maxMs],
  });
}

/** @param readme what it shows; the log is not reviewed yet: `--accept` takes it once the rule holds */
export function writeScenario(folder: string, { world, script }: Case, readme: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'README'), `${readme}\n`);
  writeFileSync(join(folder, 'cluster.yaml'), clusterText(world));
  writeFileSync(join(folder, 'script'), script);
  writeFileSync(join(folder, 'expect'), '# Nothing is reviewed yet: --accept takes the log.\n---\n');
}
