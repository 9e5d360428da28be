/**
 * The command line: reads the line, does the command, prints the answer or the error, and tells the exit
 * code. Everything that it knows of the outside is given to it.
 * @module
 */
import type { Host } from '../host/host.ts';
import type { HostTerminal } from '../host/terminal.ts';
import type { CliRun } from '../operation/cli-spec.ts';
import type { OperationRegistry } from '../operation/registry.ts';
import { awaitTask } from './await-task.ts';
import { cliError, interruptedExit } from './cli-errors.ts';
import type { CommandContext, ConnectedClient, SeenCertificate } from './command-context.ts';
import { checkInput, fieldsOf } from './command-input.ts';
import { commandSpecs, controlSchema, inputSchema } from './command-spec.ts';
import { type CommandNode, commandTree } from './command-tree.ts';
import type { ParsedLine } from './commander-program.ts';
import { type ConnectionOptions, chooseConnection } from './connection-choice.ts';
import { coreCommands } from './core-commands.ts';
import { type Format, formats, type Globals, resolveGlobals } from './global-options.ts';
import type { LocalCommand, PrintOptions } from './local-command.ts';
import { type Control, performOperation } from './perform.ts';
import { answerText } from './print-answer.ts';
import { errorExit, problemOf, renderError } from './render-error.ts';
import { SessionTerminal } from './session-terminal.ts';

export interface CliParts {
  /** What follows the program's name. */
  readonly argv: readonly string[];
  readonly version: string;
  /** The operations; asked for only when they are needed, since loading them takes most of a short run. */
  readonly registry: () => OperationRegistry | Promise<OperationRegistry>;
  /** Path of this machine's daemon's socket; /run/pvc/pvc.sock unless given. Asked for only when nothing else is said. */
  readonly localSocket?: () => string | Promise<string>;
  /** Opens a connection (`createClient`). */
  readonly connect: (options: ConnectionOptions, globals: Globals) => Promise<ConnectedClient>;
  readonly terminal: HostTerminal;
  readonly host: Pick<Host, 'clock' | 'files'>;
  /** Local commands beside the command line's own (daemon, config, plugin …). */
  readonly commands?: () => readonly LocalCommand[] | Promise<readonly LocalCommand[]>;
  /** The certificate that a server shows, for `connection add`. */
  readonly certificateOf?: (url: URL, signal: AbortSignal) => Promise<SeenCertificate>;
}

/** Runs one command. Never throws: every error is printed. @returns the exit code of the process */
export async function runCli(parts: CliParts): Promise<number> {
  const { argv, terminal: hostTerminal, host } = parts;
  const { environment } = hostTerminal;
  if (argv.length === 1 && argv[0] === '--version') {
    // The short way round: nothing has to be loaded for it.
    hostTerminal.write(versionLine(parts.version));
    return 0;
  }
  const run: { terminal: SessionTerminal; globals: Globals; format: Format; clients: ConnectedClient[] } = {
    terminal: new SessionTerminal(hostTerminal, host.clock, {}),
    globals: {},
    format: guessFormat(argv, environment),
    clients: [],
  };
  try {
    const registry = await parts.registry();
    const { root, problems } = commandTree(
      commandSpecs(registry, [...coreCommands, ...((await parts.commands?.()) ?? [])]),
    );
    if (argv[0] === '__complete') {
      const { completeLine } = await import('./complete.ts');
      hostTerminal.write(await completeLine(argv.slice(argv[1] === '--' ? 2 : 1), { root, parts }));
      return 0;
    }
    const { parseLine } = await import('./commander-program.ts');
    const line = parseLine(root, argv);
    run.globals = resolveGlobals(line.globals, environment);
    run.format = run.globals.format ?? 'pretty';
    run.terminal = new SessionTerminal(hostTerminal, host.clock, run.globals);
    for (const problem of problems) run.terminal.note(`warning: ${problem}\n`);
    if ('help' in line) {
      if (line.help === 'version') {
        run.terminal.write(versionLine(parts.version));
        return 0;
      }
      const { helpText } = await import('./help.ts');
      // Help that was asked for is an answer; help because a command is missing is an error.
      if (line.missing) run.terminal.warn(helpText(line.help, helpContext(run.terminal.errorContext)));
      else run.terminal.write(helpText(line.help, helpContext(run.terminal)));
      return line.missing ? 2 : 0;
    }
    return await runCommand(line, contextOf(parts, run, registry, root));
  } catch (error) {
    return await printError(error, run);
  } finally {
    run.terminal.status(undefined);
    for (const client of run.clients) await client.close?.();
  }
}

function contextOf(
  parts: CliParts,
  run: { terminal: SessionTerminal; globals: Globals; format: Format; clients: ConnectedClient[] },
  registry: OperationRegistry,
  tree: CommandNode,
): CommandContext {
  let opening: Promise<ConnectedClient> | undefined;
  const { globals, terminal, format } = run;
  const connection = (): Promise<ConnectionOptions> =>
    chooseConnection(globals, parts.terminal.environment, parts.host, parts.localSocket);
  const open = async (): Promise<ConnectedClient> => {
    const client = await parts.connect(await connection(), globals);
    run.clients.push(client);
    return client;
  };
  return {
    globals,
    format,
    terminal,
    host: parts.host,
    registry,
    tree,
    version: parts.version,
    connection,
    connect: () => (opening ??= open()),
    certificateOf: (url, signal) => {
      if (parts.certificateOf === undefined) throw new Error('this program has no way to ask for a certificate');
      return parts.certificateOf(url, signal);
    },
  };
}

async function runCommand(line: ParsedLine, context: CommandContext): Promise<number> {
  const { target } = line.spec;
  const { terminal, host } = context;
  const sources = { files: host.files, readStandardInput: () => terminal.host.readAll() };
  const given = await fieldsOf(line, 'input', sources);
  if (target.type === 'local') {
    const input = await checkInput(inputSchema(target), given, line);
    const { local } = target;
    if (local.confirm !== undefined)
      await terminal.mustConfirm(
        local.confirm.replace(/\{(\w+)\}/g, (whole, name: string) => String(input[name] ?? whole)),
      );
    const print = async (value: unknown, how: PrintOptions = {}): Promise<void> =>
      terminal.write(await answerText(value, context.format, { ...how, command: local.command }, terminal));
    return local.run({ ...context, input, print });
  }
  const { operation, cli } = target;
  const control = controlOf(await checkInput(controlSchema(target), await fieldsOf(line, 'control', sources), line));
  if (cli.run === undefined) {
    await checkInput(inputSchema(target), given, line);
    // What was typed is sent, not what the schema made of it: the server's own schema has the last word.
    return performOperation(context, operation, given, control);
  }
  const flags = cli.flags === undefined ? {} : await checkInput(cli.flags, await fieldsOf(line, 'flag', sources), line);
  const run: CliRun = {
    input: given,
    flags,
    format: context.format,
    client: await context.connect(),
    terminal,
    plan: control.plan,
    perform: async (input, name = operation.name) => {
      const wanted = context.registry.get(name);
      await checkInput(wanted.input, { ...input }, line);
      return performOperation(context, wanted, input, control);
    },
    awaitTask: (taskId, timeoutMs) => awaitTask(taskId, timeoutMs, context),
  };
  return cli.run(run);
}

function controlOf(given: Record<string, unknown>): Control {
  const timeoutS = given['timeoutS'] as number | undefined;
  return {
    plan: given['plan'] === true,
    wait: given['wait'] !== false,
    timeoutMs: timeoutS === undefined ? undefined : timeoutS * 1000,
    file: typeof given['file'] === 'string' ? given['file'] : undefined,
    force: given['force'] === true,
    escape: typeof given['escape'] === 'string' ? given['escape'] : '^]',
  };
}

async function printError(
  error: unknown,
  run: { terminal: SessionTerminal; globals: Globals; format: Format },
): Promise<number> {
  const { terminal, format, globals } = run;
  const interrupted =
    terminal.signal.aborted &&
    !(error instanceof Error && error.name === 'PvcError' && error !== terminal.signal.reason);
  const shown = interrupted ? cliError('INTERRUPTED', {}, { cause: error }) : error;
  terminal.warn(
    format === 'json'
      ? `${JSON.stringify(await problemOf(shown))}\n`
      : renderError(shown, terminal.errorContext, globals.debug ?? false),
  );
  return interrupted ? interruptedExit : errorExit(shown);
}

const versionLine = (version: string): string => `pvc ${version}\n`;

/** Help is prose: on a pipe it is as wide as a small terminal. */
const helpContext = (context: { width: number; colour: boolean; nowMs: number }) => ({
  width: Number.isFinite(context.width) ? context.width : 80,
  colour: context.colour,
  nowMs: context.nowMs,
});

/** The format of errors about a line that cannot be read. */
function guessFormat(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): Format {
  const at = argv.findIndex((word) => /^(?:--format(?:=|$)|-f)/.test(word));
  const word =
    at === -1 ? environment['PVC_FORMAT'] : (/^(?:--format=|-f)(.+)$/.exec(argv[at] ?? '')?.[1] ?? argv[at + 1]);
  return formats.find((format) => format === word) ?? 'pretty';
}
