import { answerOf, decryptReply } from '@glovebox/client'
import type { Command } from 'commander'
import { of, openClientFile, openSecretFile, secretFile } from '../bundle.ts'
import { readInput } from '../files.ts'
import { outputsHelp, outputsJson, outputsText } from '../terminal/outputs.ts'

export function addDecrypt(program: Command): void {
  program
    .command('decrypt')
    .summary('decrypt a reply')
    .description(
      'Decrypt a reply into the answers of the model. They carry noise that tells about the key: keep them from the server.',
    )
    .argument('<client.gbx>', 'the client part of the model')
    .requiredOption('-k, --keys <folder>', `the folder with ${secretFile}`)
    .requiredOption('-i, --input <reply.gbx>', 'the reply')
    .option('--json', outputsHelp)
    .action(async (path: string, options: { keys: string; input: string; json?: boolean }) => {
      const model = await openClientFile(path)
      using secret = await openSecretFile(model, options.keys)
      const reply = await readInput(options.input)
      const outputs = of(options.input, () => decryptReply(model, secret, reply))
      const answers = outputs.map((output) => answerOf(model, output))
      process.stdout.write(`${options.json ? outputsJson(outputs, answers) : outputsText(outputs, answers)}\n`)
    })
}
