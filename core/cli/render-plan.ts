/** What `--plan` shows: documents with their changed fields, then what would be done. @module */

import type { RenderContext } from '../operation/cli-spec.ts';
import type { PlanAnswer, PlannedWrite } from '../operation/execute.ts';
import { paint } from '../render/colour.ts';
import { indent } from '../render/format.ts';

type MakeDiff = typeof import('diff').createTwoFilesPatch;

const marks = { create: ['+', 'green'], update: ['~', 'yellow'], remove: ['-', 'red'], check: ['=', 'dim'] } as const;
const words = { create: 'create', update: 'change', remove: 'remove', check: 'rely on' } as const;

/** The plan as text; loads the library that compares texts. */
export async function renderPlan(plan: PlanAnswer, context: RenderContext): Promise<string> {
  const { createTwoFilesPatch } = await import('diff');
  const lines: string[] = [];
  for (const write of plan.writes) {
    const [mark, colour] = marks[write.change];
    lines.push(
      paint(
        `${mark} ${words[write.change]} ${write.kind} ${write.label}${write.label === write.id ? '' : ` (${write.id})`}`,
        colour,
        context,
      ),
    );
    const body = changeLines(write, createTwoFilesPatch, context);
    if (body.length > 0) lines.push(indent(body.join('\n'), 4));
  }
  if (plan.writes.length === 0) lines.push('Nothing would be written.');
  for (const action of plan.actions) lines.push(`then: ${action}`);
  for (const task of plan.tasks) lines.push(`task: ${task.action} on ${task.node ?? 'the primary'}`);
  for (const warning of plan.warnings) lines.push(`${paint('warning:', 'yellow', context)} ${warning}`);
  lines.push('Nothing was changed.');
  return lines.join('\n');
}

/** One line per field that differs; texts of many lines as a unified diff. */
function changeLines(write: PlannedWrite, makeDiff: MakeDiff, context: RenderContext): string[] {
  if (write.change === 'check' || write.change === 'remove') return [];
  const before = flatten(write.before);
  const after = flatten(write.after);
  const lines: string[] = [];
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(path), after.get(path)];
    if (old === now) continue;
    const isText = (old?.includes('\n') ?? false) || (now?.includes('\n') ?? false);
    if (isText) lines.push(`${path}:`, ...textDiff(parsedText(old), parsedText(now), makeDiff, context));
    else if (old === undefined) lines.push(paint(`+ ${path}: ${now}`, 'green', context));
    else if (now === undefined) lines.push(paint(`- ${path}: ${old}`, 'red', context));
    else
      lines.push(
        `${paint(`~ ${path}:`, 'yellow', context)} ${paint(old, 'red', context)} → ${paint(now, 'green', context)}`,
      );
  }
  return lines;
}

const parsedText = (text: string | undefined): string => text ?? '';

function textDiff(before: string, after: string, makeDiff: MakeDiff, context: RenderContext): string[] {
  const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
  const patch = makeDiff('before', 'after', ended(before), ended(after), '', '', { context: 3 });
  return patch
    .split('\n')
    .filter((line) => /^(?:@@|[ +-](?!-- |\+\+ ))/.test(line))
    .map(
      (line) =>
        `  ${line.startsWith('+') ? paint(line, 'green', context) : line.startsWith('-') ? paint(line, 'red', context) : line.startsWith('@@') ? paint(line, 'cyan', context) : line}`,
    );
}

/** Texts that would read as another value, as "5" or "true", are quoted. */
const looksLikeJson = (text: string): boolean => text === '' || /^(?:-?[\d.]+|true|false|null|[[{"].*)$/.test(text);

/** Every leaf by its path (`nics.0.mac`), as text; empty lists and objects count as leaves. */
function flatten(value: unknown, path = '', out = new Map<string, string>()): Map<string, string> {
  const entries = value !== null && typeof value === 'object' ? Object.entries(value) : [];
  if (entries.length === 0) {
    if (path !== '' && value !== undefined)
      out.set(path, typeof value === 'string' && !looksLikeJson(value) ? value : JSON.stringify(value));
  } else for (const [key, inner] of entries) flatten(inner, path === '' ? key : `${path}.${key}`, out);
  return out;
}
