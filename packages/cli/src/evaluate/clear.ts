import { join } from 'node:path'
import { answerOf, prepareSample, type Sample } from '@glovebox/client'
import { GloveboxError, toHex } from '@glovebox/he'
import { type ClientPart, decodeServerPart, simulate } from '@glovebox/ml'
import { of, serverFile } from '../bundle.ts'
import { readInput } from '../files.ts'
import { rememberedFolder } from '../service/state.ts'
import type { Side } from './compare.ts'

/** The folder of a model on this machine: the one that is named, or the one that was pushed from here. */
export async function clearFolder(part: ClientPart, name: string, given: string | undefined): Promise<string> {
  const folder = given ?? (await rememberedFolder(toHex(part.digest)))
  if (folder !== undefined) return folder
  throw new GloveboxError(
    'not-found',
    `${name} was not pushed from here, so its weights are not known to compare with: name its folder by --clear DIR`,
  )
}

/** Runs the program that was pushed on plain numbers, here. Throws GloveboxError `parameters-mismatch` where the folder has another one. */
export async function runClearly(
  folder: string,
  part: ClientPart,
  samples: readonly Sample[],
  options: { readonly pixels: boolean; readonly onProgress?: (done: number, total: number) => void },
): Promise<Side> {
  const file = join(folder, serverFile)
  const bytes = await readInput(file)
  const { program, digest } = of(file, () => decodeServerPart(bytes))
  if (Buffer.compare(digest, part.digest) !== 0)
    throw new GloveboxError(
      'parameters-mismatch',
      `${file} is another program than the one that the service has: it was compiled again since; name the folder that was pushed by --clear DIR`,
    )
  const outputs: Float64Array[] = []
  // In blocks: the weights are encoded once for each.
  for (let at = 0; at < samples.length; at += block) {
    const some = samples.slice(at, at + block).map((sample) => prepareSample(part, sample, options))
    const size = some[0]!.length
    const all = new Float64Array(some.length * size)
    some.forEach((values, i) => all.set(values, i * size))
    const found = simulate(program, all, { noise: false })
    const width = found.length / some.length
    for (let i = 0; i < some.length; i++) outputs.push(found.slice(i * width, (i + 1) * width))
    options.onProgress?.(at + some.length, samples.length)
  }
  return { outputs, answers: outputs.map((output) => answerOf({ part }, output)) }
}

const block = 100
