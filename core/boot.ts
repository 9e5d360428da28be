/** The first code of the single executable: tells the version, serves as launcher, or starts the program that it carries. @module */
import { getRawAsset } from 'node:sea';
import { serveLauncher } from './host/launcher/serve.ts';
import { compiledAsset, programAsset, programScript, runProgram } from './host/program-text.ts';
import { answerVersion } from './local/answer-version.ts';

// The bundler writes nothing but ASCII.
if (!answerVersion() && !serveLauncher())
  runProgram(
    programScript(
      Buffer.from(getRawAsset(programAsset)).toString('latin1'),
      new Uint8Array(getRawAsset(compiledAsset)),
    ),
  );
