/** What the repository's own commands, `npm run …`, share: wrong words are answered with what to do, never with a stack. @module */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Says on stderr what is wrong with the words of a command, and ends with 2. */
export function misuse(command: string, what: string): never {
  process.stderr.write(`${what}\nSee ${command} -- --help\n`);
  process.exit(2);
}

/**
 * The words that a command was given, by the rules of `parseArgs`. `--help` prints `usage` and ends with 0; words that do not
 * fit end with 2.
 * @param command as it is typed: `npm run sim`
 */
export function readWords<const T extends ParseArgsConfig>(
  command: string,
  usage: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  const words = process.argv.slice(2);
  // After `--` stands the command of somebody else.
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  if (own.some((word) => word === '--help' || word === '-h')) {
    process.stdout.write(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
    return misuse(command, (error as Error).message);
  }
}
