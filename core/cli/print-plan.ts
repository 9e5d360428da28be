/** Prints what a command would do, in the format that was asked for. @module */
import type { PlanAnswer } from '../operation/execute.ts';
import type { CommandContext } from './command-context.ts';
import { answerText } from './print-answer.ts';

export async function printPlan(
  plan: PlanAnswer,
  { terminal, format }: Pick<CommandContext, 'terminal' | 'format'>,
): Promise<void> {
  if (format === 'pretty') {
    const { renderPlan } = await import('./render-plan.ts');
    terminal.write(`${await renderPlan(plan, terminal)}\n`);
    return;
  }
  const shown = format === 'name' ? plan.writes.map((write) => write.label) : plan;
  terminal.write(await answerText(shown, format, { command: plan.operation }, terminal));
}
