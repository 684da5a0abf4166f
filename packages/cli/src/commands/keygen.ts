import { join } from 'node:path'
import { createKeys, encodeSecretKey } from '@glovebox/client'
import { needsKeys } from '@glovebox/ml'
import type { Command } from 'commander'
import { evaluationFile, openClientFile, secretFile } from '../bundle.ts'
import { makeFolder, removeFile, writeOutput } from '../files.ts'
import { showBytes } from '../terminal/format.ts'
import { startProgress } from '../terminal/progress.ts'

export function addKeygen(program: Command): void {
  program
    .command('keygen')
    .summary('make the keys of a client')
    .description(
      'Make the keys of a client for a model: a secret one that stays here and evaluation keys for the server.',
    )
    .argument('<client.gbx>', 'the client part of the model')
    .requiredOption(
      '-o, --output <folder>',
      `where ${secretFile} (mode 0600) goes, and ${evaluationFile} of models that need one; keys that are there are replaced`,
    )
    .action(async (path: string, options: { output: string }) => {
      const model = await openClientFile(path)
      using progress = startProgress('making keys')
      using keys = createKeys(model, { onProgress: progress.update })
      progress.stop()
      await makeFolder(options.output, 0o700)
      const needed = needsKeys(model.part.keys)
      // The secret key last: it names its evaluation keys, so a pair that was torn apart is found out.
      if (needed) await writeOutput(join(options.output, evaluationFile), keys.evaluation)
      else await removeFile(join(options.output, evaluationFile))
      await writeOutput(join(options.output, secretFile), encodeSecretKey(keys), 0o600)
      process.stdout.write(
        `${join(options.output, secretFile)}: keep it where only you can read it\n` +
          (needed
            ? `${join(options.output, evaluationFile)}: ${showBytes(keys.evaluation.length)}, for the server\n`
            : 'this model needs no evaluation keys\n'),
      )
    })
}
