import { access } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { GloveboxError } from '@glovebox/he'
import { readInput } from '../files.ts'

/** Beside the built files in an installed package, at the root of the repository in a clone. */
const places = ['../models/', '../../../../models/']

/** The path of a file of a model that comes with Glovebox. */
export async function modelFile(name: string, file = 'model.onnx'): Promise<string> {
  for (const place of places) {
    const path = fileURLToPath(new URL(`${place}${name}/${file}`, import.meta.url))
    const found = await access(path).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  throw new GloveboxError(
    'not-found',
    `the model "${name}" is not where it should be, in models/${name}/${file}: install glovebox again`,
  )
}

/** A JSON file of a model that comes with Glovebox. */
export async function readModelJson<T>(name: string, file: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await readInput(await modelFile(name, file)))) as T
}
