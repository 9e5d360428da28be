/** Prints an answer in the format that was asked for. @module */
import type { z } from 'zod';
import type { RenderContext } from '../operation/cli-spec.ts';
import { renderAnswer } from '../render/render-value.ts';
import { cliError } from './cli-errors.ts';
import type { Format } from './global-options.ts';

export interface AnswerShape {
  readonly render?: ((value: never, context: RenderContext) => string) | undefined;
  readonly nameField?: string | undefined;
  readonly schema?: z.ZodType | undefined;
  /** For the message when there are no names. */
  readonly command: string;
}

/** The answer as text that ends with a line feed, or empty. @throws PvcError NAME_MISSING */
export async function answerText(
  value: unknown,
  format: Format,
  shape: AnswerShape,
  context: RenderContext,
): Promise<string> {
  switch (format) {
    case 'json':
      return `${JSON.stringify(value ?? null, null, 2)}\n`;
    case 'yaml': {
      const { stringify } = await import('yaml');
      return stringify(value ?? null, { lineWidth: 0 });
    }
    case 'name':
      return names(value, shape);
    case 'pretty': {
      const text =
        shape.render === undefined ? renderAnswer(value, shape.schema, context) : shape.render(value as never, context);
      return text === '' || text.endsWith('\n') ? text : `${text}\n`;
    }
  }
}

function names(value: unknown, shape: AnswerShape): string {
  const items = Array.isArray(value) ? value : value === null || value === undefined ? [] : [value];
  return items
    .map((item: unknown) => {
      if (typeof item === 'string') return `${item}\n`;
      const fields = (item ?? {}) as Record<string, unknown>;
      const name = fields[shape.nameField ?? 'name'] ?? fields['name'] ?? fields['id'];
      if (typeof name !== 'string' && typeof name !== 'number')
        throw cliError('NAME_MISSING', { command: shape.command });
      return `${name}\n`;
    })
    .join('');
}
