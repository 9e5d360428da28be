/** A build script: an executable text that fills the disks of a new guest before it starts. @module */
import { defineKind, names, z } from '../../../../core/plugin/api.ts';
import { description } from '../named.ts';
import { argumentName } from './arguments.ts';

/** With room for the rest in a value of the store, and for several guests at once in one commit. */
const maxBytes = 128 * 1024;

export const scriptText = z.string().min(1).max(maxBytes);

/** In seconds; nobody waits longer for a guest. */
export const scriptTimeoutS = z
  .int()
  .min(1)
  .max(6 * 3600);

export const scriptSpec = z.strictObject({
  name: names.objectName,
  description,
  text: scriptText,
  /** Whether it reaches what its node reaches. */
  network: z.boolean(),
  timeoutS: scriptTimeoutS,
  /** Arguments that it cannot do without. */
  needs: z.array(argumentName).max(32),
});
export type Script = z.infer<typeof scriptSpec>;

export const script = defineKind<Script, null>({
  name: 'build-script',
  plural: 'build-scripts',
  version: 1,
  id: names.objectName,
  spec: scriptSpec,
  status: z.null(),
  unique: ({ name }) => ({ name: [name] }),
  command: 'provisioner script',
});

/** What is wrong with a text that shall be run; undefined: nothing that can be seen. Pure. */
export function scriptProblem(text: string): string | undefined {
  const [first = ''] = text.split('\n', 1);
  if (text.includes('\u0000')) return 'it is no text';
  // The kernel would look for a program whose name ends with a carriage return.
  if (text.includes('\r')) return 'its lines end with CR LF, and must end with LF';
  // execve(2) takes an interpreter by its path, up to 255 bytes of the line.
  if (!/^#! ?\/\S/.test(first))
    return `line 1 must name its interpreter by an absolute path, as #!/bin/sh, and is ${JSON.stringify(first.slice(0, 60))}`;
  return Buffer.byteLength(first) > 255 ? 'line 1 is longer than 255 bytes' : undefined;
}
