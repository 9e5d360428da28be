/**
 * `npm run guest`: builds the small guest if need be and prints where it is.
 * @module
 */
import { guestImage } from './image.ts';

const image = await guestImage({ onBuild: () => process.stderr.write('building the guest image\n') });
process.stdout.write(`${JSON.stringify(image, null, 2)}\n`);
