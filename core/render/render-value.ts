/**
 * Any answer for a person: lists of objects as a table, one object as aligned fields with its parts
 * below. Names with units (`memoryMiB`, `createdMs`) make amounts and times of bare numbers.
 * @module
 */
import type { z } from 'zod';
import type { RenderContext } from '../operation/cli-spec.ts';
import { isStateWord, paintState } from './colour.ts';
import { type Cell, type Column, type Field, fields, page, section, table } from './format.ts';
import { formatAgo, formatBytes, formatDuration, formatMiB, formatTime } from './quantity.ts';
import { type Shape, shapeOf, unitOf } from './value-shape.ts';

type Plain = Readonly<Record<string, unknown>>;

const isPlain = (value: unknown): value is Plain =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const isObjectList = (value: unknown): value is readonly Plain[] =>
  Array.isArray(value) && value.length > 0 && value.every(isPlain);
const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);

/** From here on (the year 2001) a number of milliseconds is a moment, below it a duration. */
const firstMomentMs = 1e12;

/** `memoryMiB` → `Memory`, `requestedBy` → `Requested by`. */
export function fieldTitle(name: string): string {
  const bare = unitOf(name) === undefined ? name : name.replace(/(?:Bytes|[KMG]iB|AtMs|Ms|S)$/, '') || name;
  if (bare === bare.toUpperCase()) return bare;
  const words = bare.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/[_-]/g, ' ');
  const lower = words
    .split(' ')
    .map((word) => (/^[A-Z]{2,}/.test(word) ? word : word.toLowerCase()))
    .join(' ');
  const text = lower
    .replace(/\b(?:id|uuid|mac|ip|vnc|url|cpu|api|dns|acl)\b/g, (word) => word.toUpperCase())
    .replace(/\b(v?cpu|nic)s\b/g, (_word, one: string) => (one === 'vcpu' ? 'vCPUs' : `${one.toUpperCase()}s`));
  return text.startsWith('vCPU') ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

/** A value in a cell or behind a label; objects become `key=value` in one line. */
export function valueText(name: string, value: unknown, context: RenderContext, long: boolean): Cell {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return amount(name, value, context, long);
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return value;
  if (Array.isArray(value))
    return value
      .map((item) => String(valueText(name, item, context, false) ?? '-'))
      .join(isObjectList(value) ? '; ' : ', ');
  if (isPlain(value)) {
    return Object.entries(value)
      .filter(([, inner]) => !isEmpty(inner))
      .map(([key, inner]) => `${key}=${String(valueText(key, inner, context, false))}`)
      .join(' ');
  }
  return String(value);
}

function amount(name: string, value: number, context: RenderContext, long: boolean): Cell {
  switch (unitOf(name)) {
    case 'bytes':
      return formatBytes(value);
    case 'KiB':
      return formatBytes(value * 1024);
    case 'MiB':
      return formatMiB(value);
    case 'GiB':
      return formatMiB(value * 1024);
    case 's':
      return formatDuration(value * 1000);
    case 'ms':
      if (value < firstMomentMs) return formatDuration(value);
      return long ? formatTime(value, context.nowMs) : formatAgo(value, context.nowMs);
    case undefined:
      return value;
  }
}

const stateNames = /^(?:state|status|health|outcome|run|role|condition)$|State$|Status$/;

const coloured = (name: string, text: Cell, context: RenderContext): Cell =>
  typeof text === 'string' && (stateNames.test(name) || isStateWord(text)) && stateNames.test(name)
    ? paintState(text, context)
    : text;

function objectFields(shape: Shape | undefined): string[] {
  return shape?.type === 'object' ? [...shape.fields.keys()] : [];
}

function listTable(items: readonly Plain[], shape: Shape | undefined, context: RenderContext): string {
  const known = objectFields(shape);
  const names = [
    ...known,
    ...new Set(items.flatMap((item) => Object.keys(item)).filter((name) => !known.includes(name))),
  ];
  // A column in which nobody has anything, or that only a page could hold, takes the place of others.
  const shown = names.filter(
    (name) => items.some((item) => !isEmpty(item[name])) && !items.some((item) => isObjectList(item[name])),
  );
  const isBulky = (name: string): boolean =>
    (/^(?:id|uuid)$/.test(name) && shown.includes('name')) ||
    items.some((item) => isPlain(item[name]) || (typeof item[name] === 'string' && item[name].length > bulkyText));
  // What takes much room stands on the right, where it gives way first.
  const ordered = [...shown.filter((name) => !isBulky(name)), ...shown.filter(isBulky)];
  const specs = ordered.map((name, index): Column => {
    const numbers = items.every((item) => isEmpty(item[name]) || typeof item[name] === 'number');
    const moments = items.every((item) => isEmpty(item[name]) || (item[name] as number) >= firstMomentMs);
    return {
      title: fieldTitle(name).toUpperCase(),
      state: stateNames.test(name),
      keep: /^(?:name|id|uuid|label)$/.test(name),
      optional: index > 0,
      align: numbers && !(unitOf(name) === 'ms' && moments) ? 'right' : 'left',
    };
  });
  return table(
    specs,
    items.map((item) => ordered.map((name) => valueText(name, item[name], context, false))),
    context,
  );
}

/** Texts longer than this are for a page rather than a list. */
const bulkyText = 40;

function objectPage(value: Plain, shape: Shape | undefined, context: RenderContext): string {
  const known = objectFields(shape);
  const names = [
    ...known.filter((name) => name in value),
    ...Object.keys(value).filter((name) => !known.includes(name)),
  ];
  const inner = (name: string): Shape | undefined =>
    shape?.type === 'object' ? shape.fields.get(name)?.shape : undefined;
  const isPart = (name: string): boolean =>
    (isPlain(value[name]) && Object.keys(value[name]).length > 0) || isObjectList(value[name]);
  const simple = names.filter((name) => !isPart(name) && value[name] !== undefined);
  const lines = simple.map(
    (name): Field => [
      fieldTitle(name),
      isEmpty(value[name]) ? '-' : coloured(name, valueText(name, value[name], context, true), context),
    ],
  );
  const parts = names
    .filter(isPart)
    .map((name) => section(fieldTitle(name), (narrow) => renderValue(value[name], narrow, inner(name)), context));
  return page(fields(lines, context), ...parts);
}

/** Text for a person, without a line feed at its end. */
export function renderValue(value: unknown, context: RenderContext, shape?: Shape): string {
  if (value === undefined || value === null) return '(nothing)';
  if (Array.isArray(value)) {
    if (value.length === 0) return '(none)';
    if (isObjectList(value)) return listTable(value, shape?.type === 'list' ? shape.item : undefined, context);
    return (value as readonly unknown[]).map((item) => renderValue(item, context)).join('\n');
  }
  if (isPlain(value)) return Object.keys(value).length === 0 ? '(empty)' : objectPage(value, shape, context);
  return String(value);
}

/** As `renderValue`, with the order of fields from the schema of the answer. */
export const renderAnswer = (value: unknown, schema: z.ZodType | undefined, context: RenderContext): string =>
  renderValue(value, context, schema === undefined ? undefined : shapeOf(schema));
