/** The first code of the single executable: tells the version, or starts the program that it carries. @module */
import { getRawAsset } from 'node:sea';
import { compiledAsset, programAsset, programScript, runProgram } from './host/program-text.ts';
import { answerVersion } from './local/answer-version.ts';

// The bundler writes nothing but ASCII.
if (!answerVersion())
  runProgram(
    programScript(
      Buffer.from(getRawAsset(programAsset)).toString('latin1'),
      new Uint8Array(getRawAsset(compiledAsset)),
    ),
  );
