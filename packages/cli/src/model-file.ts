import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GloveboxError } from '@glovebox/he'
import { importOnnx, importScorecard, importSklearn, importTfjs, type Model } from '@glovebox/ml'
import { of } from './bundle.ts'
import { readInput } from './files.ts'

/** Reads a trained model, whatever wrote it: ONNX, scikit-learn or a scorecard as JSON, or the model.json of TensorFlow.js with its weights beside it. */
export async function readModel(path: string): Promise<Model> {
  const bytes = await readInput(path)
  const json = parse(bytes)
  if (json === undefined) return of(path, () => importOnnx(bytes))
  const { format, modelTopology } = json as { format?: unknown; modelTopology?: unknown }
  if (format === 'glovebox-sklearn') return of(path, () => importSklearn(json))
  if (format === 'glovebox-scorecard') return of(path, () => importScorecard(json))
  if (modelTopology !== undefined) {
    const files = { 'model.json': bytes, ...(await weightsBeside(path, json)) }
    return of(path, () => importTfjs(files))
  }
  throw new GloveboxError(
    'unsupported',
    `${path}: it is JSON, but no model that is known: "format" expected glovebox-sklearn or glovebox-scorecard, or "modelTopology" of TensorFlow.js`,
  )
}

/** The value of a JSON text; undefined where the first character that is no space is no brace. */
function parse(bytes: Uint8Array): object | undefined {
  const first = bytes.find((byte) => byte > 32)
  if (first !== 0x7b) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return value !== null && typeof value === 'object' ? value : undefined
  } catch {
    return undefined
  }
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
