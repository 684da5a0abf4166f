import { CommanderError } from 'commander'
import { describeError } from './errors.ts'
import { createProgram } from './program.ts'

// The process: exit code 0, 1 for what went wrong, 2 for a command line that is wrong.

// `glovebox … | head` closes the pipe early; that is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
}

try {
  await createProgram().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said already what is wrong; help and version come here with 0.
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else {
    process.stderr.write(`${describeError(error)}\n`)
    process.exitCode = 1
  }
}
