/** A range of addresses as it is typed: `10.10.0.20-10.10.0.40`. @module */
import { z } from '../../../core/plugin/api.ts';

/**
 * @param pattern what the text is, from its first character to its last
 * @param example such a range, for whoever typed another thing
 * @param address what both ends are
 */
export const rangeText = (pattern: RegExp, example: string, address: z.ZodType<string, string>) =>
  z
    .string()
    .regex(pattern, `a range as ${example}`)
    .transform((text) => {
      const [from = '', to = ''] = text.split('-');
      return { from, to };
    })
    .pipe(z.strictObject({ from: address, to: address }));
