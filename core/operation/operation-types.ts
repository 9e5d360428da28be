/**
 * Types of operations by name, for typed calls: `client.call('vm.start', { vm: 'web1' })`. Core and each
 * plugin add theirs to `OperationTypes` by declaration merging; a name that is not in it takes and gives
 * `unknown`. In a plugin:
 *
 * ```ts
 * export const operations = [defineQuery({ name: 'backup.list', … }), defineMutation({ … })];
 * type Backups = TypesOf<typeof operations>;
 * declare module '../../core/operation/operation-types.ts' {
 *   interface OperationTypes extends Backups {}
 * }
 * ```
 *
 * A plugin outside of this repository names the module `@pvc/plugin-api/operation-types`.
 * The array must not be annotated as `Operation[]`, which forgets the names.
 * @module
 */
import type { z } from 'zod';
import type { MutationAnswer } from './execute.ts';
import type { Operation } from './operation.ts';
import type { UploadAnswer } from './stream-types.ts';

/** The entries of `OperationTypes` for a list of operations. */
export type TypesOf<T extends readonly Operation[]> = {
  readonly [O in T[number] as O['name']]: {
    readonly type: O['type'];
    readonly input: z.input<O['input']>;
    readonly output: z.output<O['output']>;
  };
};

/** Every operation that is known to the compiler; see above for how to add some. */
export interface OperationTypes {}

/** Known names for completion in an editor, and any other. */
export type OperationName = (keyof OperationTypes & string) | (string & {});

type Known<N> = N extends keyof OperationTypes ? OperationTypes[N] : never;

export type InputFor<N> = N extends keyof OperationTypes
  ? Known<N> extends { readonly input: infer I }
    ? I
    : never
  : unknown;

/** What `call` and `upload` answer: a query's output, a mutation's result with its warnings and tasks, an upload's result. */
export type AnswerFor<N> = N extends keyof OperationTypes
  ? Known<N> extends { readonly type: 'mutation'; readonly output: infer O }
    ? Omit<MutationAnswer, 'result'> & { readonly result: O }
    : Known<N> extends { readonly type: 'upload'; readonly output: infer O }
      ? Omit<UploadAnswer, 'result'> & { readonly result: O }
      : Known<N> extends { readonly output: infer O }
        ? O
        : never
  : unknown;

/** What a feed's items hold. */
export type ItemFor<N> = N extends keyof OperationTypes
  ? Known<N> extends { readonly output: infer O }
    ? O
    : never
  : unknown;
