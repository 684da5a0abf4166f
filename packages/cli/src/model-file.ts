import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GloveboxError } from '@glovebox/he'
import { importOnnx, importPerSample, importScorecard, importSklearn, importTfjs, type Model } from '@glovebox/ml'
import { of } from './bundle.ts'
import { readInput } from './files.ts'
import { shorten } from './terminal/format.ts'

/** Reads a trained model, whatever wrote it: ONNX, scikit-learn, a scorecard or sums of a series as JSON, or the model.json of TensorFlow.js with its weights beside it. */
export async function readModel(path: string): Promise<Model> {
  const bytes = await readInput(path)
  refuseOthers(path, bytes)
  const json = parse(path, bytes)
  if (json === undefined) return of(path, () => importOnnx(bytes))
  const { format, modelTopology } = json as { format?: unknown; modelTopology?: unknown }
  if (format === 'glovebox-sklearn') return of(path, () => importSklearn(json))
  if (format === 'glovebox-scorecard') return of(path, () => importScorecard(json))
  if (format === 'glovebox-per-sample') return of(path, () => importPerSample(json))
  if (modelTopology !== undefined && modelTopology !== null) {
    const files = { 'model.json': bytes, ...(await weightsBeside(path, json)) }
    return of(path, () => importTfjs(files))
  }
  throw new GloveboxError(
    'unsupported',
    `${path} is JSON, but no model that is known: "format" expected glovebox-sklearn, glovebox-scorecard or glovebox-per-sample, got ${typeof format === 'string' ? JSON.stringify(shorten(format, 40)) : 'none'}; nor does it have the "modelTopology" of TensorFlow.js`,
  )
}

/** The value of a JSON text; undefined where the first character that is no space is no brace, as no ONNX file begins with one. */
function parse(path: string, bytes: Uint8Array): object | undefined {
  const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const first = bytes.subarray(mark).find((byte) => byte > 32)
  if (first !== 0x7b && first !== 0x5b) return undefined
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GloveboxError('malformed', `${path} begins like JSON and is none: ${why}`, { cause })
  }
  if (Array.isArray(value)) throw new GloveboxError('malformed', `${path} expected a model, got an array of JSON`)
  return value as object
}

/** Files of other kinds that people have, by how they begin: what to make of them. */
const others: readonly (readonly [string, string])[] = [
  ['\x89HDF', 'is HDF5, as Keras writes it: export it to ONNX (tf2onnx) or TensorFlow.js (tensorflowjs_converter)'],
  [
    'PK\x03\x04',
    'is a ZIP archive, as Keras and PyTorch write them: export the model to ONNX (tf2onnx, torch.onnx.export)',
  ],
  ['\x80\x03', 'is a pickle of Python: write a scikit-learn model with models/export_sklearn.py, or export it to ONNX'],
  ['\x80\x04', 'is a pickle of Python: write a scikit-learn model with models/export_sklearn.py, or export it to ONNX'],
  ['\x80\x05', 'is a pickle of Python: write a scikit-learn model with models/export_sklearn.py, or export it to ONNX'],
]

function refuseOthers(path: string, bytes: Uint8Array): void {
  if (bytes.length === 0) throw new GloveboxError('malformed', `${path} is empty`)
  const start = String.fromCharCode(...bytes.subarray(0, 4))
  const [, hint] = others.find(([magic]) => start.startsWith(magic)) ?? []
  if (hint) throw new GloveboxError('unsupported', `${path} ${hint}`)
}

/** Weight files that a manifest of TensorFlow.js names, in the folder of the model; what lies elsewhere is left out, and missed by the importer. */
async function weightsBeside(path: string, json: object): Promise<Record<string, Uint8Array>> {
  const { weightsManifest } = json as { weightsManifest?: readonly { readonly paths?: readonly unknown[] }[] }
  const names = (Array.isArray(weightsManifest) ? weightsManifest : [])
    .flatMap(({ paths }) => (Array.isArray(paths) ? paths : []))
    .filter((name): name is string => typeof name === 'string' && /^[\w.-]+$/.test(name))
  const files: Record<string, Uint8Array> = {}
  for (const name of names) {
    const found = await readFile(join(dirname(path), name)).catch(() => undefined)
    if (found) files[name] = new Uint8Array(found)
  }
  return files
}
