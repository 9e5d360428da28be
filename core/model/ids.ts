/** Ids that sort by the time they were made. @module */

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz';

/**
 * 16 characters: nine for the milliseconds since the epoch (base 36, enough until the year 5188), then
 * seven random ones (36 bits).
 */
export function sortableId(nowMs: number, random: Uint8Array): string {
  let text = '';
  for (let index = 0; index < 7; index += 1) text += alphabet[(random[index] ?? 0) % 36];
  return nowMs.toString(36).padStart(9, '0') + text;
}
