import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { evaluationFile, serverFile } from '../bundle.ts'
import { readInput, within, writeOutput } from '../files.ts'
import { showBytes, showMs } from '../terminal/format.ts'
import { startProgress } from '../terminal/progress.ts'

export function addRun(program: Command): void {
  program
    .command('run')
    .summary('compute on an encrypted query')
    .description('Compute on an encrypted query, as a server does, without the secret key.')
    .argument('<server.gbx>', 'the server part of the model')
    .option('-e, --evaluation-keys <file>', `the client's ${evaluationFile}; a model may need none`)
    .requiredOption('-i, --input <query.gbx>', 'the query')
    .requiredOption('-o, --output <reply.gbx>', 'where the reply goes')
    .action(async (path: string, options: { evaluationKeys?: string; input: string; output: string }) => {
      // What only some commands need is loaded by them: it takes as long as the rest of the start.
      const { runQuery } = await import('@glovebox/server')
      const serverPart = await readInput(await within(path, serverFile))
      const place = options.evaluationKeys
      const keys = place === undefined ? undefined : await readKeys(place)
      const query = await readInput(options.input)
      using progress = startProgress('computing')
      const { reply, computeMs } = runQuery(serverPart, keys, query, progress.update)
      progress.stop()
      await writeOutput(options.output, reply)
      process.stdout.write(`${options.output}: ${showBytes(reply.length)}, computed in ${showMs(computeMs)}\n`)
    })
}

/** A folder of keygen has none of a model that needs none; who lacks them is told so by the program. */
async function readKeys(place: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const file = await within(place, evaluationFile)
  if (file === place) return readInput(file)
  return existsSync(file) ? readInput(file) : undefined
}
