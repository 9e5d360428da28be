/**
 * What the BMC of a blank server runs for its chassis: `chassis.ts SOCKET get|set WHAT [VALUE]` (ipmi_lan(5), chassis_control).
 * Whoever has the server listens at the socket.
 * @module
 */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

const [socket = '', ...words] = process.argv.slice(2);
const line = connect(socket);
line.write(`${words.join(' ')}\n`);
const answer = await text(line);
if (answer.startsWith('error')) {
  process.stderr.write(`${answer}\n`);
  process.exitCode = 1;
} else if (answer !== '') process.stdout.write(`${answer}\n`);
