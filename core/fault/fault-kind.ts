/**
 * A fault: something that is wrong now. It keeps its id from the first report to the last, clears by
 * itself when the cause is gone, and stays for a while as history.
 * @module
 */
import { z } from 'zod';
import { defineKind } from '../model/kind.ts';

export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

export const faultSpec = z.strictObject({
  /** When an administrator said "I know". An acknowledged fault does not lower the health. */
  acknowledgedMs: z.int().optional(),
  acknowledgedBy: z.string().optional(),
});
export type FaultSpec = z.infer<typeof faultSpec>;

export const faultStatus = z.strictObject({
  severity: z.enum(severities),
  message: z.string(),
  /** What to do about it. */
  hint: z.string(),
  /** `vm web1`, `node hv1`, `plugin hello`. */
  object: z.string(),
  /** By how many per cent it lowers the health. */
  delta: z.int().min(0).max(100),
  firstMs: z.int(),
  lastMs: z.int(),
  /** When the cause was gone. */
  clearedMs: z.int().optional(),
  /** Who raised it; '' for what is wrong with the cluster as a whole, which the primary tells. */
  node: z.string(),
});
export type FaultStatus = z.infer<typeof faultStatus>;

export const fault = defineKind<FaultSpec, FaultStatus>({
  name: 'fault',
  plural: 'faults',
  version: 1,
  id: z
    .string()
    .max(200)
    .regex(/^[a-z0-9][A-Za-z0-9._:@+-]*$/, 'a fault id is letters, digits, ".", "_", ":", "@", "+" and "-"'),
  spec: faultSpec,
  status: faultStatus,
});
