/**
 * Two XML texts side by side for people, as a unified diff.
 * @module
 */
import { createTwoFilesPatch } from 'diff';

export interface TextDiffOptions {
  readonly oldName?: string;
  readonly newName?: string;
  /** Unchanged lines around each change. */
  readonly context?: number;
}

const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

/** The diff, empty when both say the same line by line. */
export function textDiff(
  before: string,
  after: string,
  { oldName = 'before', newName = 'after', context = 3 }: TextDiffOptions = {},
): string {
  if (ended(before) === ended(after)) return '';
  const patch = createTwoFilesPatch(oldName, newName, ended(before), ended(after), undefined, undefined, { context });
  return patch.replace(/^=+\n/, '');
}
