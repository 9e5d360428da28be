/** Does an operation from the command line: call, print, wait; plan; follow; attach. @module */
import type { CliSpec } from '../operation/cli-spec.ts';
import type { MutationAnswer, PlanAnswer } from '../operation/execute.ts';
import type { Mutation, Operation } from '../operation/operation.ts';
import { paint } from '../render/colour.ts';
import { interruptedExit } from './cli-errors.ts';
import type { CommandContext } from './command-context.ts';
import { consoleSession } from './console-session.ts';
import { followFeed } from './follow.ts';
import { answerText } from './print-answer.ts';
import { printPlan } from './print-plan.ts';
import { errorExit, problemOf, renderError } from './render-error.ts';
import { outcomeLine, taskError, waitTasks } from './wait-tasks.ts';

/** The options that a command has because of what it is. */
export interface Control {
  readonly plan: boolean;
  readonly wait: boolean;
  readonly timeoutMs: number | undefined;
  readonly escape: string;
  /** Of an upload or a download. */
  readonly file: string | undefined;
  /** Replace the file of a download. */
  readonly force: boolean;
}

type Input = Readonly<Record<string, unknown>>;

/** @returns the exit code */
export async function performOperation(
  context: CommandContext,
  operation: Operation,
  input: Input,
  control: Control,
): Promise<number> {
  const { terminal, format } = context;
  const { cli } = operation;
  const shape = {
    render: cli?.render,
    nameField: cli?.nameField,
    schema: operation.output,
    command: cli?.command ?? operation.name,
  };
  switch (operation.type) {
    case 'query': {
      const client = await context.connect();
      const answer = await client.call(operation.name, input, { signal: terminal.signal });
      terminal.write(await answerText(answer, format, shape, terminal));
      return 0;
    }
    case 'mutation':
      return control.plan
        ? planMutation(context, operation, input)
        : doMutation(context, operation, cli, input, control);
    case 'feed':
      return followFeed(context, operation, cli, input);
    case 'upload': {
      if (cli?.confirm !== undefined) await terminal.mustConfirm(filled(cli.confirm, input));
      const { sendFile } = await import('./send-file.ts');
      const answer = await sendFile(context, operation, input, fileOf(operation, control));
      if (format !== 'pretty') {
        terminal.write(await answerText(format === 'name' ? answer.result : answer, format, shape, terminal));
        return 0;
      }
      noteWarnings(answer.warnings, terminal);
      if (hasContent(answer.result)) terminal.write(await answerText(answer.result, format, shape, terminal));
      else terminal.write('Done.\n');
      return 0;
    }
    case 'download': {
      const { receiveFile } = await import('./receive-file.ts');
      return receiveFile(context, operation, input, { path: fileOf(operation, control), replace: control.force });
    }
    case 'channel': {
      const client = await context.connect();
      const channel = await client.channel(operation.name, input, terminal.signal);
      const target = Object.values(input).find((value) => typeof value === 'string');
      return consoleSession({
        channel,
        terminal,
        clock: context.host.clock,
        escape: control.escape,
        label: target ?? operation.name,
      });
    }
  }
}

function noteWarnings(warnings: readonly string[], terminal: CommandContext['terminal']): void {
  for (const warning of warnings) terminal.note(`${paint('warning:', 'yellow', terminal.errors)} ${warning}\n`);
}

async function planMutation(context: CommandContext, operation: Mutation, input: Input): Promise<number> {
  const client = await context.connect();
  const plan = await client.call(operation.name, input, { plan: true, signal: context.terminal.signal });
  await printPlan(plan as PlanAnswer, context);
  return 0;
}

async function doMutation(
  context: CommandContext,
  operation: Mutation,
  cli: CliSpec | undefined,
  input: Input,
  control: Control,
): Promise<number> {
  const { terminal, format, host } = context;
  if (cli?.confirm !== undefined) await terminal.mustConfirm(filled(cli.confirm, input));
  const client = await context.connect();
  const answer = (await client.call(operation.name, input, { signal: terminal.signal })) as MutationAnswer;
  if (format === 'pretty') {
    noteWarnings(answer.warnings, terminal);
    if (!context.globals.quiet) for (const action of answer.actions) terminal.write(`${action}\n`);
  }
  const waits = cli?.waits === true && control.wait && answer.tasks.length > 0;
  const waited = waits
    ? await waitTasks(answer.tasks, { client, terminal, clock: host.clock, timeoutMs: control.timeoutMs })
    : undefined;
  const tasks = waited?.outcome === 'ended' ? waited.tasks : answer.tasks.map((id) => ({ id }));
  const shape = {
    render: cli?.render,
    nameField: cli?.nameField,
    schema: operation.output,
    command: cli?.command ?? operation.name,
  };
  if (format === 'pretty') {
    if (waited?.outcome === 'ended')
      for (const task of waited.tasks) terminal.write(`${outcomeLine(task, terminal)}\n`);
    if (!waits)
      for (const id of answer.tasks) terminal.write(`Task ${id} was started. Follow it: pvc task wait ${id}\n`);
    if (hasContent(answer.result)) terminal.write(await answerText(answer.result, format, shape, terminal));
    else if (answer.actions.length === 0 && answer.tasks.length === 0) terminal.write('Done.\n');
  } else if (format === 'name') {
    const ids = control.wait ? [] : answer.tasks;
    terminal.write(
      await answerText(hasContent(answer.result) && ids.length === 0 ? answer.result : ids, format, shape, terminal),
    );
  } else terminal.write(await answerText({ ...answer, tasks }, format, shape, terminal));
  if (waited === undefined) return 0;
  if (waited.outcome === 'interrupted') return interruptedExit;
  return reportFailed(
    context,
    waited.tasks.map(taskError).filter((error) => error !== undefined),
  );
}

/** Prints the errors of tasks. @returns the exit code of the first, or 0 */
export async function reportFailed(context: CommandContext, errors: readonly Error[]): Promise<number> {
  const { terminal, format, globals } = context;
  for (const error of errors)
    terminal.warn(
      format === 'json'
        ? `${JSON.stringify(await problemOf(error))}\n`
        : renderError(error, terminal.errorContext, globals.debug ?? false),
    );
  return errors[0] === undefined ? 0 : errorExit(errors[0]);
}

/** A command with a hand of its own can only do the stream that it is declared for. */
function fileOf(operation: Operation, { file }: Control): string {
  if (file === undefined) throw new Error(`${operation.name} has no file on this command line`);
  return file;
}

const hasContent = (result: unknown): boolean =>
  result !== null &&
  result !== undefined &&
  result !== '' &&
  (typeof result !== 'object' || Object.keys(result).length > 0);

/** `{field}` of a question, from the input. */
const filled = (text: string, input: Input): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = input[name];
    return value === undefined ? whole : Array.isArray(value) ? value.join(', ') : String(value);
  });
