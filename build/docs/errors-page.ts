/** Every error that PVC tells people, from its one catalogue. @module */
import { type ErrorSpec, exitCode } from '../../core/error/error.ts';
import { code, generated, markdownPage, markdownTable } from './markdown.ts';

/** A code with the folder that declares it (`core/api`, `plugins/libvirt`). */
export interface DeclaredError {
  readonly code: string;
  readonly folder: string;
  readonly spec: ErrorSpec;
}

const statusText = ({ http, exit }: ErrorSpec): readonly string[] => [String(http), `${exitCode[exit]} ${exit}`];

export function errorsPage(errors: readonly DeclaredError[]): string {
  const folders = [...new Set(errors.map((error) => error.folder))].sort();
  return markdownPage([
    '# Errors',
    generated('the declarations of the errors'),
    'An error has a code for programs, a sentence with the values in it, and a hint on what can be done. The API answers it as a problem document (RFC 9457) with the HTTP status below; the command line prints it and ends with the exit code. Words in braces stand for the values.',
    '`OUTCOME_UNKNOWN` and exit code 8 mean what they say: it may have been done or not. Look before you repeat it.',
    ...folders.flatMap((folder) => [
      `## ${folder}`,
      markdownTable(
        ['Code', 'Message', 'Hint', 'HTTP', 'Exit'],
        errors
          .filter((error) => error.folder === folder)
          .sort((a, b) => (a.code < b.code ? -1 : 1))
          .map((error) => [code(error.code), error.spec.message, error.spec.hint, ...statusText(error.spec)]),
      ),
    ]),
  ]);
}
