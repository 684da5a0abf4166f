import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeBundle } from '../bundle.ts'
import { readTable } from '../calibration/table.ts'
import { modelFile } from '../demo/model-file.ts'
import { readExtras, writeExtras } from '../model-folder.ts'
import type { Api } from '../service/api.ts'
import { type Pushed, push } from '../service/push.ts'
import { stateFolder } from '../service/state.ts'
import { demoOf, type GalleryModel } from './list.ts'

/** Compiles a model of the gallery, for one sample at a time, into the state folder, where `glovebox test` finds it. */
export async function compileGalleryModel(
  model: GalleryModel,
  to: string = join(stateFolder(), 'gallery'),
): Promise<string> {
  const { name } = model
  const demo = await demoOf(model)
  const task = await demo.load({ samples: 1, data: undefined })
  const folder = join(to, name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const costTable = await readTable(undefined)
  // A demo asks for thousands at once where that is what it shows; here one person asks for one.
  const { batchSize: _, ...options } = task.compile
  const batch = task.compile.packing === 'batch' ? task.compile : options
  await writeBundle(folder, task.model, { name, ...batch, ...(costTable && { costTable }) })
  const source = join(await anyFile(name), '..')
  await writeExtras(folder, await readExtras(source, ['README.md']))
  return folder
}

/** The folder of a model has one of these, whatever it was trained with. */
async function anyFile(name: string): Promise<string> {
  return modelFile(name, 'examples.json')
}

/** Compiles and pushes one. It is public: weights of the gallery come with the package. */
export async function pushGalleryModel(api: Api, model: GalleryModel): Promise<Pushed> {
  const { summary } = await demoOf(model)
  return push(api, await compileGalleryModel(model), { name: model.name, description: summary, open: true })
}
