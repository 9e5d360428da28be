/** What a plugin adds to `pvc cluster init`. @module */
import type { z } from 'zod';
import type { CliOption } from '../operation/cli-spec.ts';
import type { PlanContext } from '../operation/operation.ts';
import type { PlanBuilder } from '../operation/plan.ts';

/** The machine that a cluster is made on, before there is one. */
export interface InitMachine extends Pick<PlanContext, 'nowMs' | 'uuid' | 'bytes'> {
  /** The name that it will have as a node. */
  readonly node: string;
  /** Its own addresses in a network; the floating one is none of them. */
  addressesIn(cidr: string): readonly string[];
}

/** An option, and the documents that a new cluster has from the beginning when it is given. */
export interface InitPart<S extends z.ZodType = z.ZodType> {
  /** Field of the input: `storageNetwork` is given as `--storage-network`. */
  readonly field: string;
  /** Of the option's value; it must be optional. Its description is the help. The value is recorded. */
  readonly schema: S;
  readonly option?: CliOption;
  /** Plans what is asked; throws to refuse, when nothing has been made yet. */
  plan(plan: PlanBuilder, machine: InitMachine, value: Exclude<z.output<S>, undefined>): void;
}

/** Fields that `cluster init` has itself. */
export const ownInitFields = ['name', 'store', 'clusterNetwork', 'address', 'floating', 'coordinators', 'plan'];

export const defineInitPart = <S extends z.ZodType>(part: InitPart<S>): InitPart => part;
