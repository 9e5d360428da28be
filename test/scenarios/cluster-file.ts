/** `cluster.yaml` of a scenario: the world at its start. Mistakes are told with their line. @module */
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { issueLines } from '../../core/model/document-text.ts';
import { fencingPolicy } from '../../core/model/fencing-policy.ts';
import { ruleSpec } from '../../plugins/libvirt/rule/rule-kind.ts';
import { ScriptError } from '../sim/actions.ts';
import type { WorldDescription } from '../sim/world.ts';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,20}$/, 'a name is a-z, 0-9 and "-"');

const clusterFile = z.strictObject({
  seed: z.union([z.int(), z.string()]).default(1),
  nodes: z.record(
    name,
    z
      .strictObject({
        role: z.enum(['coordinator', 'hypervisor']).default('coordinator'),
        memoryMiB: z.int().min(512).default(4096),
        wallOffMs: z.int().default(0),
        bmc: z.boolean().default(false),
        watchdog: z
          .strictObject({ timeoutS: z.int().min(10).default(10), proves: z.boolean().default(false) })
          .optional(),
      })
      .nullable(),
  ),
  guests: z
    .record(
      name,
      z.strictObject({
        node: name,
        run: z.enum(['running', 'stopped', 'disabled']).default('running'),
        memoryMiB: z.int().min(16).default(512),
        /** `never`: it ignores the power button. */
        shutdownMs: z.union([z.int(), z.literal('never')]).default(2_000),
        bootMs: z.int().default(400),
        /** Its disk is a volume of the shared storage; else a file that every node has. */
        volume: z.boolean().default(false),
        spec: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .default({}),
  /** For where guests run. */
  rules: z
    .record(
      name,
      z.strictObject({ kind: ruleSpec.shape.kind, strict: z.boolean().default(true), guests: z.array(name).min(2) }),
    )
    .default({}),
  /** How dead nodes are treated. */
  fencing: fencingPolicy.optional(),
  /** What a node that is cut off does with guests that may go on elsewhere. */
  isolation: z.enum(['stop', 'keep']).optional(),
  floating: z.ipv4().nullable().default('10.0.1.100'),
  latencyMs: z.tuple([z.number(), z.number()]).default([1, 4]),
});

/** @throws ScriptError that names line and field */
export function readCluster(text: string): WorldDescription {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined)
    throw new ScriptError(`line ${lines.linePos(problem.pos[0]).line}: ${problem.message.split('\n')[0] ?? ''}`);
  const parsed = clusterFile.safeParse(document.toJS());
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const node = document.getIn([...(issue?.path ?? [])], true) as { range?: [number, number, number] } | undefined;
    const line = lines.linePos(node?.range?.[0] ?? 0).line;
    throw new ScriptError(`line ${line}: ${issueLines(parsed.error).join('; ')}`);
  }
  const { seed, nodes, guests, rules, fencing, isolation, floating, latencyMs } = parsed.data;
  for (const [guest, { node }] of Object.entries(guests))
    if (!Object.hasOwn(nodes, node)) throw new ScriptError(`guests.${guest}.node: there is no node ${node}`);
  for (const [rule, { guests: members }] of Object.entries(rules)) {
    const stranger = members.find((guest) => !Object.hasOwn(guests, guest));
    if (stranger !== undefined) throw new ScriptError(`rules.${rule}.guests: there is no guest ${stranger}`);
  }
  return {
    seed,
    nodes: Object.entries(nodes).map(([each, more], index) => ({
      name: each,
      role: more?.role ?? 'coordinator',
      address: `10.0.1.${index + 1}`,
      memoryMiB: more?.memoryMiB ?? 4096,
      cpus: 4,
      wallOffMs: more?.wallOffMs ?? 0,
      bmc: more?.bmc ?? false,
      watchdog: more?.watchdog,
    })),
    guests: Object.entries(guests).map(([each, more]) => ({
      ...more,
      name: each,
      shutdownMs: more.shutdownMs === 'never' ? undefined : more.shutdownMs,
    })),
    rules: Object.entries(rules).map(([each, rule]) => ({ name: each, ...rule })),
    fencing,
    isolation,
    floating: floating ?? undefined,
    store: { latencyMs: { minMs: latencyMs[0], maxMs: latencyMs[1] } },
  };
}
