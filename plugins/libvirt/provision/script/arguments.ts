/** Arguments of build scripts: what a profile and a command tell a script, `suite=bookworm`. Pure. @module */
import { z } from '../../../../core/plugin/api.ts';

const nameForm = '[a-z][a-z0-9_]{0,31}';

/** In the script's environment it is `PVC_ARG_` and this in upper case. */
export const argumentName = z
  .string()
  .regex(new RegExp(`^${nameForm}$`), 'the name of an argument is 1 to 32 of a-z, 0-9 and "_", starting with a letter');

/** `suite=bookworm`; the value is one line, and may be empty. */
const pair = z
  .string()
  .max(1024)
  .regex(
    new RegExp(`^${nameForm}=[^\\u0000-\\u001f\\u007f]*$`),
    'an argument is NAME=VALUE, its name of a-z, 0-9 and "_", its value one line',
  );

const most = 32;
export const pairs = z.array(pair).max(most);

export const scriptArguments = z
  .record(argumentName, z.string().max(1024))
  .refine((given) => Object.keys(given).length <= most, `at most ${most} arguments`);
export type ScriptArguments = z.infer<typeof scriptArguments>;

/** What is given last counts. */
export const argumentsOf = (given: readonly string[]): ScriptArguments =>
  Object.fromEntries(
    given.map((one) => {
      const at = one.indexOf('=');
      return [one.slice(0, at), one.slice(at + 1)];
    }),
  );
