/** How a log line looks to a person and to the journal. @module */

/** A line as pino wrote it. */
export interface LogRecord {
  readonly level: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly component: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Reads back a line of JSON that pino made. */
export function parseLogLine(json: string): LogRecord {
  const { level, time, component, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  return {
    level: String(level),
    time: new Date(String(time)).getTime(),
    component: component === undefined ? '' : String(component),
    message: msg === undefined ? '' : String(msg),
    fields,
  };
}

/** sd-daemon(3): the priority of a line on standard error, as in syslog. */
const priority: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

/** A line break in a value would start a second journal record; an escape sequence would spoil the terminal. */
const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) =>
    char === '\n' ? '\\n' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function fieldText(value: unknown): string {
  if (typeof value === 'string') return value === '' || /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  // An error: its text is for the line, its stack for the JSON log.
  if (value !== null && typeof value === 'object' && 'stack' in value && 'message' in value) {
    return JSON.stringify(value.message);
  }
  return JSON.stringify(value) ?? '';
}

function body(record: LogRecord): string {
  const fields = Object.entries(record.fields).map(([name, value]) => `${name}=${fieldText(value)}`);
  return oneLine([record.message, ...(fields.length > 0 ? [fields.join(' ')] : [])].join('  '));
}

/** `12:03:04.123 info  libvirt  guest web1 started  vm=web1 took=1.2`, in the time zone of the reader. */
export function prettyLine(record: LogRecord): string {
  const at = new Date(record.time);
  const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
  return `${time} ${record.level.padEnd(5)} ${record.component.padEnd(8)} ${body(record)}`;
}

/** `<6>libvirt: guest web1 started  vm=web1`: the journal adds the time itself. */
export function journalLine(record: LogRecord): string {
  const component = record.component === '' ? '' : `${record.component}: `;
  return `<${priority[record.level] ?? 6}>${component}${body(record)}`;
}
