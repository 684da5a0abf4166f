import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { decodeFrame, GloveboxError } from '@glovebox/he'
import { type ClientPart, decodeClientPart } from '@glovebox/ml'
import { clientFile, of, serverFile } from './bundle.ts'
import { type Examples, readExamples } from './examples.ts'
import { FileError, readInput, writeOutput } from './files.ts'

// What a model is on disk: two parts that compile writes, and what people and pages are told of it.

export const cardFile = 'card.md'
export const examplesFile = 'examples.json'
export const metricsFile = 'metrics.json'
export const manifestFormat = 'glovebox.model.v1'

/** What is said of a model besides its parts. */
export interface Extras {
  /** The model card, in Markdown. */
  readonly card?: string
  readonly examples?: Examples
  /** What it reaches in the clear; each becomes a tag of the version. */
  readonly metrics?: Readonly<Record<string, number>>
}

/** Writes what there is; what is not given stays as it is. */
export async function writeExtras(folder: string, { card, examples, metrics }: Extras): Promise<void> {
  const put = (file: string, text: string): Promise<void> =>
    writeOutput(join(folder, file), new TextEncoder().encode(text))
  if (card !== undefined) await put(cardFile, card)
  if (examples) await put(examplesFile, `${JSON.stringify(examples)}\n`)
  if (metrics) await put(metricsFile, `${JSON.stringify(metrics)}\n`)
}

/** Most bytes of a card or of metrics. */
const mostText = 1e6

/** What lies beside a trained model: its card (card.md, or README.md), examples and metrics. */
export async function extrasBeside(model: string): Promise<Extras> {
  return readExtras(dirname(model), [cardFile, 'README.md'])
}

/** Throws GloveboxError `malformed` for files that are not what their names say. */
export async function readExtras(folder: string, cards: readonly string[] = [cardFile]): Promise<Extras> {
  let card: string | undefined
  for (const name of cards) {
    const bytes = await ifThere(join(folder, name))
    if (card === undefined && bytes) card = decode(bytes, join(folder, name))
  }
  const examples = await ifThere(join(folder, examplesFile))
  const metrics = await ifThere(join(folder, metricsFile))
  return {
    ...(card !== undefined && { card }),
    ...(examples && { examples: readExamples(examples, join(folder, examplesFile)) }),
    ...(metrics && { metrics: readMetrics(metrics, join(folder, metricsFile)) }),
  }
}

/** Names as tags have them, with finite numbers. */
function readMetrics(bytes: Uint8Array, file: string): Record<string, number> {
  let value: unknown
  try {
    value = JSON.parse(decode(bytes, file))
  } catch (cause) {
    if (cause instanceof GloveboxError) throw cause
    throw new GloveboxError('malformed', `${file} is no JSON: ${(cause as Error).message}`, { cause })
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new GloveboxError('malformed', `${file} expected an object of names and numbers`)
  for (const [name, number] of Object.entries(value)) {
    if (!/^[\w.-]{1,100}$/.test(name) || typeof number !== 'number')
      throw new GloveboxError(
        'malformed',
        `${file} expected numbers with names of letters, digits, _, . and -, got ${JSON.stringify(name.slice(0, 100))}: ${typeof number}`,
      )
  }
  return value as Record<string, number>
}

function decode(bytes: Uint8Array, file: string): string {
  if (bytes.length > mostText)
    throw new GloveboxError('too-large', `${file} has ${bytes.length} bytes, at most ${mostText} are taken`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new GloveboxError('malformed', `${file} expected text in UTF-8`, { cause })
  }
}

async function ifThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new FileError('read', path, cause)
  }
}

/** A file of a model, as it is uploaded. */
export interface Blob {
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly sha256: string
}

/** A model folder as a version of a registry. */
export interface ModelFolder extends Extras {
  readonly files: readonly Blob[]
  readonly manifest: Blob
  readonly part: ClientPart
}

/** Reads a folder that compile or train wrote, and checks that its parts belong together and are whole, before anything is uploaded. */
export async function readFolder(folder: string): Promise<ModelFolder> {
  const extras = await readExtras(folder)
  const [client, server] = [await readInput(join(folder, clientFile)), await readInput(join(folder, serverFile))]
  const part = of(join(folder, clientFile), () => decodeClientPart(client))
  of(join(folder, serverFile), () => {
    // The frame names the digest of what is in it.
    const { owner } = decodeFrame(server, 'server part', { what: 'the server part' })
    if (Buffer.compare(owner, part.digest) !== 0)
      throw new GloveboxError('parameters-mismatch', `it is of another program than ${clientFile}: compile again`)
  })
  const more = await Promise.all(
    [cardFile, examplesFile, metricsFile].map(async (name) => {
      const bytes = await ifThere(join(folder, name))
      return bytes ? [blobOf(name, bytes)] : []
    }),
  )
  const files = [blobOf(clientFile, client), blobOf(serverFile, server), ...more.flat()]
  return { ...extras, files, manifest: manifestOf(files), part }
}

/** Names in order, so that the same files have the same manifest. */
function manifestOf(files: readonly Blob[]): Blob {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1))
  const named = sorted.map(({ name, sha256, bytes }) => [name, { sha256, bytes: bytes.length }])
  const text = JSON.stringify({ format: manifestFormat, files: Object.fromEntries(named) })
  return blobOf('manifest', new TextEncoder().encode(text))
}

function blobOf(name: string, bytes: Uint8Array<ArrayBuffer>): Blob {
  return { name, bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}
