/**
 * The points where plugins join in, from the comments above their declarations. What the text of the source
 * says is held against the hooks as they are made: a hook that was not understood fails the build of the page.
 * @module
 */
import type { HookInfo } from '../../core/plugin/hook-point.ts';
import { code, generated, markdownPage, markdownTable } from './markdown.ts';

export interface HookText {
  readonly name: string;
  readonly comment: string;
  /** Type arguments of its declaration: what a tap gets and gives. */
  readonly types: string;
  readonly deadlineS: number | undefined;
}

/** The text of a documentation comment, without its marks, in one line. */
const commentText = (lines: string): string =>
  lines
    .split('\n')
    .map((line) => line.replace(/^\s*(?:\/\*\*|\*\/|\*)?\s?/, '').replace(/\s*\*\/\s*$/, ''))
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();

/** Hooks that core declares, in `core/plugin/hooks.ts`. */
export function hookTexts(source: string): HookText[] {
  const pattern =
    /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\s*\n\s+(\w+): new \w+Hook<([\s\S]*?)>\(\s*'(\w+)',\s*context(?:,\s*seconds\((\d+)\))?/g;
  return [...source.matchAll(pattern)].map(([, comment = '', , types = '', name = '', deadline]) => ({
    name,
    comment: commentText(comment),
    types: types.replace(/\s+/g, ' '),
    deadlineS: deadline === undefined ? undefined : Number(deadline),
  }));
}

/** Hooks that a plugin offers: its additions to `PluginHooks`, and its calls of `offer`. */
export function offeredHookTexts(source: string): HookText[] {
  const block = /interface PluginHooks \{([\s\S]*?)\n {2}\}/.exec(source)?.[1] ?? '';
  const pattern = /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\s*\n\s+'([\w.-]+)':\s+((?:(?!;\n)[\s\S])*);/g;
  const found = [...block.matchAll(pattern)];
  for (const [, name] of source.matchAll(/\boffer(?:<[^(]*>)?\(\s*'([\w.-]+)'/g))
    if (!found.some((one) => one[2] === name))
      throw new Error(`the hook ${name} is offered without declaration or comment`);
  return found.map(([, comment = '', name = '', written = '']) => {
    const types = written.replace(/\s+/g, ' ').replaceAll('( ', '(').replaceAll(', )', ')');
    const deadlineMs = new RegExp(`offer(?:<[^(]*>)?\\(\\s*'${name.replaceAll('.', '\\.')}',\\s*([\\d_]+)`).exec(
      source,
    )?.[1];
    if (deadlineMs === undefined) throw new Error(`nobody offers the hook ${name} that is declared`);
    return { name, comment: commentText(comment), types, deadlineS: Number(deadlineMs.replaceAll('_', '')) / 1000 };
  });
}

/** The table of policies, as it stands in the head of `core/plugin/hook-point.ts`. */
export function policyTable(source: string): string {
  const lines = source.split('\n').filter((line) => line.startsWith(' * |'));
  if (lines.length < 3) throw new Error('the table of policies is not where it was');
  return lines.map((line) => line.slice(3).replace(/ +\|/g, ' |')).join('\n');
}

/** @throws Error when a hook of `made` has no text, or a text no hook */
export function hooksPage(
  texts: readonly HookText[],
  made: Readonly<Record<string, HookInfo>>,
  offered: readonly (HookText & { readonly plugin: string })[],
  policies: string,
): string {
  const missing = Object.keys(made).filter((name) => !texts.some((text) => text.name === name));
  const extra = texts.filter((text) => made[text.name] === undefined).map((text) => text.name);
  if (missing.length + extra.length > 0)
    throw new Error(`hooks and their comments do not fit: ${[...missing, ...extra].join(', ')}`);
  const deadline = (text: HookText): string => (text.deadlineS === undefined ? '' : `${text.deadlineS} s`);
  return markdownPage([
    '# Hooks',
    generated('`core/plugin/hooks.ts` and the plugins'),
    'A plugin taps hooks in its `apply(pvc)`: `pvc.hooks.NAME.tap(…)`. Every tap runs under its plugin’s name, with a deadline, and with its errors caught: a failing tap of a third-party plugin is a fault that names it, and the node works on. How to write a plugin: [plugins](../plugins.md).',
    '## Policies',
    policies,
    '## Hooks of core',
    markdownTable(
      ['Hook', 'Policy', 'A tap has', 'When it runs, and what an error does'],
      texts.map((text) => [code(text.name), made[text.name]?.policy ?? '', deadline(text), text.comment]),
    ),
    '## Hooks that plugins offer',
    'Tapped by `pvc.on(NAME, …)`, whichever plugin is loaded first. Their policy is *fold*: a tap gets the value and returns the changed one.',
    markdownTable(
      ['Hook', 'Offered by', 'A tap has', 'A tap is', 'When it runs'],
      offered.map((text) => [code(text.name), text.plugin, deadline(text), code(text.types), text.comment]),
    ),
  ]);
}
