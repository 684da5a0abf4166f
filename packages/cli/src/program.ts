import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addBreach } from './commands/breach.ts'
import { addCalibrate } from './commands/calibrate.ts'
import { addCompile } from './commands/compile.ts'
import { addDecrypt } from './commands/decrypt.ts'
import { addDemo } from './commands/demo.ts'
import { addDeploy } from './commands/deploy.ts'
import { addEncrypt } from './commands/encrypt.ts'
import { addGallery } from './commands/gallery.ts'
import { addInspect } from './commands/inspect.ts'
import { addKeygen } from './commands/keygen.ts'
import { addKeys } from './commands/keys.ts'
import { addModels } from './commands/models.ts'
import { addPredict } from './commands/predict.ts'
import { addPush } from './commands/push.ts'
import { addRun } from './commands/run.ts'
import { addServe } from './commands/serve.ts'
import { addTest } from './commands/test.ts'
import { addToken } from './commands/token.ts'
import { addTop } from './commands/top.ts'
import { addTrain } from './commands/train.ts'
import { addTypes } from './commands/types.ts'
import { addWorker } from './commands/worker.ts'

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
  program.commandsGroup('A model:')
  for (const add of [addTrain, addCompile, addInspect, addCalibrate]) add(program)
  program.commandsGroup('A service:')
  for (const add of [addServe, addWorker, addGallery, addPush, addTest, addDeploy, addPredict]) add(program)
  for (const add of [addModels, addKeys, addTypes, addToken, addTop]) add(program)
  program.commandsGroup('A list:')
  addBreach(program)
  program.commandsGroup('By hand, file by file:')
  for (const add of [addKeygen, addEncrypt, addRun, addDecrypt]) add(program)
  program.commandsGroup('To look at:')
  addDemo(program)
  for (const command of program.commands) prepare(command, command.name())
  return program
}

/** Errors are thrown, and say where help is. */
function prepare(command: Command, path: string): void {
  command.exitOverride().showHelpAfterError(`(glovebox ${path} --help shows how it is used)`)
  for (const inner of command.commands) prepare(inner, `${path} ${inner.name()}`)
}
