/** The JSON that a tool printed, as the shape that is expected. @module */
import { issueLines, type z } from '../../../core/plugin/api.ts';
import { deviceError } from './errors.ts';

/** @throws PvcError DEVICE_OUTPUT */
export function fromJson<T>(schema: z.ZodType<T>, command: readonly string[], text: string): T {
  const strange = (reason: string, cause?: unknown) =>
    deviceError('DEVICE_OUTPUT', { command: command.slice(0, 3).join(' '), reason }, { cause });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw strange('it is not JSON', error);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw strange(issueLines(parsed.error).join('; '));
  return parsed.data;
}
