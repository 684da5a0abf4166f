import { equalBytes, GloveboxError, toHex } from '@glovebox/he'
import { decodeClientPart, decodeServerPart, needsKeys } from '@glovebox/ml'
import { z } from 'zod'
import { noiseMargin } from '../observe/stats.ts'
import { type FileName, type FileReference, fileNames, type Signature } from './model-version.ts'

/** What `format` says. */
export const manifestFormat = 'glovebox.model.v1'
/** Bytes of a manifest at most. */
export const largestManifest: number = 2 ** 16
const mostMetrics = 100

const reference = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z
    .number()
    .int()
    .min(0)
    .max(2 ** 40),
})
const optional = reference.optional()
const schema = z.strictObject({
  format: z.literal(manifestFormat),
  files: z.strictObject({
    'client.gbx': reference,
    'server.gbx': reference,
    'card.md': optional,
    'examples.json': optional,
    'metrics.json': optional,
  }),
})

/** Files by name. */
export type ManifestFiles = Partial<Record<FileName, FileReference>> &
  Record<'client.gbx' | 'server.gbx', FileReference>

/** Files of a version. Throws GloveboxError `malformed`. */
export function readManifest(bytes: Uint8Array): ManifestFiles {
  const { files } = parse(schema, bytes, 'the manifest')
  const named = fileNames.flatMap((name) => (files[name] ? [[name, files[name]] as const] : []))
  return Object.fromEntries(named) as ManifestFiles
}

/** The bytes of a manifest, its files in a fixed order. */
export function writeManifest(files: ManifestFiles): Uint8Array {
  const named = fileNames.flatMap((name) => {
    const file = files[name]
    return file ? [[name, { sha256: file.sha256, bytes: file.bytes }]] : []
  })
  return new TextEncoder().encode(JSON.stringify({ format: manifestFormat, files: Object.fromEntries(named) }))
}

/** What is read from the files of a version when it is made. */
export interface VersionContent {
  /** Of the program. */
  readonly digest: string
  readonly signature: Signature
  /** Of metrics.json, as tags. */
  readonly metrics: Readonly<Record<string, string>>
}

/** Reads the parts of a model. Throws GloveboxError `malformed`, or `parameters-mismatch` where they are of two programs. */
export function readContent(files: Readonly<Partial<Record<FileName, Uint8Array>>>): VersionContent {
  const client = decodeClientPart(files['client.gbx'] ?? new Uint8Array(0))
  const { digest } = decodeServerPart(files['server.gbx'] ?? new Uint8Array(0))
  if (!equalBytes(client.digest, digest))
    throw new GloveboxError(
      'parameters-mismatch',
      'the client part and the server part are of two programs: compile the model again',
    )
  const { params, input, output, keys, packing } = client
  const examples = files['examples.json']
  return {
    digest: toHex(digest),
    signature: {
      params,
      inputShape: input.shape,
      outputShape: output.shape,
      needsKeys: needsKeys(keys),
      packing,
      // JSON has no infinity.
      marginBits: Math.min(1000, Math.max(-1000, noiseMargin(client.report))),
      kind: examples && parse(examplesSchema, examples, 'examples.json').kind,
    },
    metrics: files['metrics.json'] ? readMetrics(files['metrics.json']) : {},
  }
}

const examplesSchema = z.looseObject({ kind: z.string().max(64).optional() })
const metricsSchema = z.record(z.string().min(1).max(250), z.unknown())

function readMetrics(bytes: Uint8Array): Record<string, string> {
  const plain = Object.entries(parse(metricsSchema, bytes, 'metrics.json')).filter(([, value]) =>
    ['number', 'string', 'boolean'].includes(typeof value),
  )
  return Object.fromEntries(plain.slice(0, mostMetrics).map(([key, value]) => [key, String(value).slice(0, 5000)]))
}

function parse<T>(form: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new GloveboxError('malformed', `${what} is no JSON`, { cause })
  }
  const parsed = form.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new GloveboxError('malformed', `${what}: "${issue?.path.join('.')}": ${issue?.message}`)
}
