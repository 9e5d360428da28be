/**
 * The pages of `docs/reference`, made from the same declarations as the program itself. The same sources
 * always give the same text.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { commandSpecs } from '../../core/cli/command-spec.ts';
import { commandTree } from '../../core/cli/command-tree.ts';
import { coreCommands } from '../../core/cli/core-commands.ts';
import { referencePage } from '../../core/cli/reference.ts';
import { configSchema } from '../../core/config/schema.ts';
import { errorCatalogue } from '../../core/error/error.ts';
import { linuxClock } from '../../core/host/linux-clock.ts';
import { linuxFiles } from '../../core/host/linux-files.ts';
import { localCommands } from '../../core/local/local-commands.ts';
import { createHooks } from '../../core/plugin/hooks.ts';
import { assemble } from '../../core/program.ts';
import { inRepository } from '../paths.ts';
import { configurationPage } from './configuration-page.ts';
import { type DeclaredError, errorsPage } from './errors-page.ts';
import { hooksPage, hookTexts, offeredHookTexts, policyTable } from './hooks-page.ts';
import { operationsPage } from './operations-page.ts';

/** Sources of the product, sorted, from the root of the repository. */
const sources = (): string[] =>
  ['core', 'plugins']
    .flatMap((root) =>
      readdirSync(inRepository(root), { recursive: true, encoding: 'utf8' }).map((path) => `${root}/${path}`),
    )
    .filter((path) => path.endsWith('.ts') && !/\.test\.ts$|\.d\.ts$|\/(?:testing|fixtures)\//.test(path))
    .sort();

const text = (path: string): string => readFileSync(inRepository(path), 'utf8');

/** The whole catalogue: every module that declares errors is loaded for it. @throws Error when a code is found in no source */
async function declaredErrors(files: readonly string[]): Promise<DeclaredError[]> {
  const declaring = files
    .map((path) => ({ path, source: text(path) }))
    .filter(({ source }) => source.includes('defineErrors({'));
  for (const { path } of declaring) await import(inRepository(path));
  return [...errorCatalogue()].map(([code, spec]) => {
    const at = declaring.find(({ source }) => new RegExp(`^  ${code}: \\{`, 'm').test(source));
    if (at === undefined) throw new Error(`the declaration of ${code} is not to be found`);
    return { code, spec, folder: at.path.split('/').slice(0, 2).join('/') };
  });
}

/** Every page: its path in the repository, and its text. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  const host = { clock: linuxClock, files: linuxFiles };
  const program = await assemble({ host, version: '', configPath: '/nonexistent', configRequired: false });
  const files = sources();
  const { root, problems } = commandTree(
    commandSpecs(program.registry, [...coreCommands, ...localCommands(async () => program, program.plugins)]),
  );
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const offered = files
    .filter((path) => path.startsWith('plugins/'))
    .flatMap((path) => offeredHookTexts(text(path)).map((hook) => ({ ...hook, plugin: path.split('/')[1] ?? '' })));
  const hooks = createHooks({ clock: linuxClock, trouble: () => undefined, cured: () => undefined });
  return new Map([
    ['docs/reference/cli.md', referencePage(root)],
    [
      'docs/reference/configuration.md',
      configurationPage(
        configSchema,
        program.plugins.hooks.config.items().map(({ plugin, item }) => ({ plugin: plugin.name, schema: item })),
      ),
    ],
    ['docs/reference/errors.md', errorsPage(await declaredErrors(files))],
    [
      'docs/reference/hooks.md',
      hooksPage(
        hookTexts(text('core/plugin/hooks.ts')),
        hooks,
        offered,
        policyTable(text('core/plugin/hook-point.ts')),
      ),
    ],
    ['docs/reference/operations.md', operationsPage(program.registry.all())],
  ]);
}
