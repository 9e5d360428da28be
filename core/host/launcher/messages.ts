/** What the daemon and its launcher say to each other, by Node's IPC channel ("advanced" serialization). @module */
import type { DetachedOptions, ExecOptions, ExecResult } from '../host.ts';

type Argv = readonly [string, ...string[]];

/** To the launcher. `id` is of one command from its start to its end. */
export type Request =
  | {
      readonly id: number;
      readonly type: 'exec';
      readonly argv: Argv;
      readonly options: Pick<ExecOptions, 'timeoutMs' | 'env' | 'cwd'>;
      /** Undefined: none. `later`: asked for once the command runs. */
      readonly input: string | Uint8Array | { readonly later: true } | undefined;
    }
  /** `madeNs`: when it was true, by the clock that all processes of the machine share (CLOCK_MONOTONIC). */
  | { readonly id: number; readonly type: 'input'; readonly input: string; readonly madeNs: bigint }
  | { readonly id: number; readonly type: 'stop' }
  | { readonly id: number; readonly type: 'detach'; readonly argv: Argv; readonly options: DetachedOptions };

/** From the launcher. */
export type Answer =
  | { readonly id: number; readonly type: 'runs' }
  | { readonly id: number; readonly type: 'ended'; readonly result: ExecResult }
  | { readonly id: number; readonly type: 'detached'; readonly pid: number }
  | {
      readonly id: number;
      readonly type: 'failed';
      readonly error: { readonly code: string; readonly message: string; readonly hint: string };
    };
