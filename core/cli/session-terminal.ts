/**
 * The terminal as commands see it in one run: the process's terminal together with the global options
 * (colours, quiet, yes) and the line of progress.
 * @module
 */
import type { Clock } from '../host/clock.ts';
import type { HostTerminal } from '../host/terminal.ts';
import type { CliTerminal, RenderContext } from '../operation/cli-spec.ts';
import { cutText, safeText } from '../render/text-width.ts';
import { cliError } from './cli-errors.ts';
import type { Globals } from './global-options.ts';

export class SessionTerminal implements CliTerminal {
  readonly host: HostTerminal;
  readonly width: number;
  readonly colour: boolean;
  /** Colours and width of standard error. */
  readonly errors: { readonly width: number; readonly colour: boolean };
  readonly interactive: boolean;
  readonly #clock: Clock;
  readonly #globals: Pick<Globals, 'yes' | 'quiet'>;
  #statusShown = false;

  constructor(host: HostTerminal, clock: Clock, globals: Pick<Globals, 'yes' | 'quiet' | 'colour'>) {
    this.host = host;
    this.#clock = clock;
    this.#globals = globals;
    const columns = host.columns() || 80;
    const { NO_COLOR: noColor, TERM: term } = host.environment;
    const may = globals.colour ?? ((noColor ?? '') === '' && term !== 'dumb' ? undefined : false);
    this.colour = may ?? host.outputIsTerminal;
    // A pipe or a file has no width: nothing is cut that a script or a person may want whole.
    this.width = host.outputIsTerminal ? columns : Number.POSITIVE_INFINITY;
    this.errors = {
      width: host.errorIsTerminal ? columns : Number.POSITIVE_INFINITY,
      colour: may ?? host.errorIsTerminal,
    };
    this.interactive = host.inputIsTerminal && host.errorIsTerminal;
  }

  get nowMs(): number {
    return this.#clock.wallMs();
  }

  get stdin(): NodeJS.ReadStream {
    return this.host.stdin;
  }

  get signal(): AbortSignal {
    return this.host.signal;
  }

  /** What renderers of standard error get. */
  get errorContext(): RenderContext {
    return { ...this.errors, nowMs: this.nowMs };
  }

  /** To standard output; what others wrote cannot steer the terminal. */
  write(text: string): void {
    this.status(undefined);
    this.host.write(safeText(text));
  }

  /** To standard error. */
  warn(text: string): void {
    this.status(undefined);
    this.host.warn(safeText(text));
  }

  /** Something that `--quiet` leaves out, to standard error. */
  note(text: string): void {
    if (!this.#globals.quiet) this.warn(text);
  }

  /** True when a line of progress can be shown and is wanted. */
  get showsStatus(): boolean {
    return this.host.errorIsTerminal && !this.#globals.quiet && this.host.environment['TERM'] !== 'dumb';
  }

  /** The one line that is overwritten in place, on standard error; undefined takes it away. */
  status(line: string | undefined): void {
    if (line === undefined) {
      if (this.#statusShown) this.host.warn('\r\u001b[K');
      this.#statusShown = false;
    } else if (this.showsStatus) {
      this.host.warn(`\r${cutText(safeText(line), this.errors.width - 1)}\u001b[K`);
      this.#statusShown = true;
    }
  }

  async confirm(question: string): Promise<boolean> {
    if (this.#globals.yes) return true;
    if (!this.interactive) return false;
    for (;;) {
      const answer = (await this.ask(`${question} [y/N] `))?.trim().toLowerCase();
      if (answer === 'y' || answer === 'yes') return true;
      if (answer === undefined || answer === '' || answer === 'n' || answer === 'no') return false;
    }
  }

  /**
   * Asks before something that cannot be taken back.
   * @throws PvcError CONFIRMATION_NEEDED without a terminal, NOT_CONFIRMED when the answer is no
   */
  async mustConfirm(question: string): Promise<void> {
    if (!this.#globals.yes && !this.interactive) throw cliError('CONFIRMATION_NEEDED', { question });
    if (!(await this.confirm(question))) throw cliError('NOT_CONFIRMED');
  }

  /** A line that somebody types; `hidden` is not echoed. Undefined at end of input. */
  async ask(question: string, options: { readonly hidden?: boolean } = {}): Promise<string | undefined> {
    if (!this.interactive)
      throw cliError('NO_TERMINAL', { what: 'The question', instead: 'Give the answer as an option; see --help.' });
    this.status(undefined);
    return this.host.ask(safeText(question), { hidden: options.hidden ?? false, signal: this.signal });
  }

  async edit(text: string, suffix: string): Promise<string> {
    if (!this.interactive)
      throw cliError('NO_TERMINAL', { what: 'An editor', instead: 'Give the new text as a file.' });
    this.status(undefined);
    const edited = await this.host.edit(text, suffix);
    if (edited === text) throw cliError('EDIT_UNCHANGED');
    return edited;
  }
}
