import { access } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { GloveboxError } from '@glovebox/he'

/** Beside the built files in an installed package, at the root of the repository in a clone. */
const places = ['../models/', '../../../../models/']

/** The path of a model that comes with Glovebox. */
export async function modelFile(name: string): Promise<string> {
  for (const place of places) {
    const path = fileURLToPath(new URL(`${place}${name}/model.onnx`, import.meta.url))
    const found = await access(path).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  throw new GloveboxError(
    'not-found',
    `the model "${name}" is not where it should be, in models/${name}/model.onnx: install glovebox again`,
  )
}
