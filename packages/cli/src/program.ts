import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addCalibrate } from './commands/calibrate.ts'
import { addCompile } from './commands/compile.ts'
import { addDecrypt } from './commands/decrypt.ts'
import { addDemo } from './commands/demo.ts'
import { addEncrypt } from './commands/encrypt.ts'
import { addInspect } from './commands/inspect.ts'
import { addKeygen } from './commands/keygen.ts'
import { addPredict } from './commands/predict.ts'
import { addRun } from './commands/run.ts'
import { addServe } from './commands/serve.ts'

/** The whole command line. Commands throw; the process turns that into a line and an exit code. */
export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const program = new Command('glovebox')
    .description('Private predictions: a server computes on data that it cannot read.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(glovebox --help shows the commands)')
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', '\nBegin with: glovebox demo')
  for (const add of [
    addCompile,
    addInspect,
    addKeygen,
    addEncrypt,
    addRun,
    addDecrypt,
    addServe,
    addPredict,
    addCalibrate,
    addDemo,
  ])
    add(program)
  for (const command of program.commands) {
    command.exitOverride().showHelpAfterError(`(glovebox ${command.name()} --help shows how it is used)`)
  }
  return program
}
