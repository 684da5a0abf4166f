import { stat } from 'node:fs/promises'
import { GloveboxError } from '@glovebox/he'
import type { Command } from 'commander'
import { showBytes } from '../terminal/format.ts'

/** Info and prune. */
export function addBreachInfo(breach: Command): void {
  breach
    .command('info')
    .summary('say what is in the folder of a set')
    .description('Say what is in the folder of a set.')
    .argument('<folder>', 'of the set')
    .option('--json', 'print one JSON object')
    .action(async (folder: string, { json }: { json?: boolean }) => {
      const { describePlan } = await import('../breach/describe.ts')
      const { countOf } = await import('../breach/report.ts')
      const { epochsOf, openCurrent, setFile } = await import('../breach/set-folder.ts')
      using set = await openCurrent(folder)
      const epochs = await epochsOf(folder)
      const { size } = await stat(setFile(set.directory))
      using key = set.readKey()
      const { name, kind, epoch, items, edits, params, hardening, digest } = set
      const all = epochs.map(({ number, complete }) => ({ epoch: number, complete }))
      const publicKey = Buffer.from(key.publicKey).toString('hex')
      if (json) {
        const fields = {
          name,
          kind,
          epoch,
          epochs: all,
          items,
          edits,
          bytes: size,
          hardening,
          params: params.literal,
          digest,
          oprf: { mode: key.mode, publicKey },
        }
        process.stdout.write(`${JSON.stringify(fields)}\n`)
        return
      }
      const others = all
        .filter((one) => one.epoch !== epoch)
        .map((one) => `${one.epoch}${one.complete ? '' : ', not complete'}`)
      const lines: readonly (readonly [string, string])[] = [
        ['name', name],
        ['items', `${countOf(kind, items)}${edits === 0 ? '' : ', changed by insert or remove since the build'}`],
        ['labels', params.labelBytes === 0 ? 'none' : `of up to ${params.labelBytes} bytes`],
        ['epoch', `${epoch}${others.length === 0 ? '' : ` (there are also: ${others.join('; ')})`}`],
        ['told', params.prefixBits === 0 ? 'nothing of an item' : `${params.prefixBits} bits of its OPRF output`],
        [
          'hardening',
          hardening.algorithm === 'none' ? 'none' : `scrypt, N ${hardening.N}, r ${hardening.r}, p ${hardening.p}`,
        ],
        ['OPRF', `${key.mode.toUpperCase()}, public key ${publicKey}`],
        ['parameters', describePlan(params)],
        ['on disk', showBytes(size)],
        ['digest', digest],
      ]
      for (const [what, value] of lines) process.stdout.write(`${what.padEnd(12)}${value}\n`)
    })
  breach
    .command('prune')
    .summary('delete old epochs of a set')
    .description(
      'Delete epochs before the current one, with their keys. Wait ten minutes after a rotation: until then they may be asked.',
    )
    .argument('<folder>', 'of the set')
    .option('--json', 'print one JSON object')
    .action(async (folder: string, { json }: { json?: boolean }) => {
      const { pruneEpochs } = await import('../breach/set-folder.ts')
      const deleted = await pruneEpochs(folder).catch((error: unknown) => {
        throw error instanceof GloveboxError && error.code === 'not-found'
          ? new GloveboxError(error.code, `${error.message}; nothing was deleted`)
          : error
      })
      process.stdout.write(
        json
          ? `${JSON.stringify({ deleted })}\n`
          : deleted.length === 0
            ? `${folder}: there is no older epoch\n`
            : `${folder}: deleted epoch ${deleted.sort((a, b) => a - b).join(', ')}\n`,
      )
    })
}
