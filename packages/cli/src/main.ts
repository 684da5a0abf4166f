import { CommanderError } from 'commander'
import { describeError } from './errors.ts'
import { FileError } from './files.ts'
import { createProgram } from './program.ts'

// The process: exit code 0, 1 for what went wrong, 2 for a command line that is wrong.

// `glovebox … | head` closes the pipe early; that is no error.
process.stderr.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`${describeError(new FileError('write', 'standard output', error))}\n`)
  process.exit(1)
})

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
