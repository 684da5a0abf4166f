import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openModel, prepareSample } from '@glovebox/client'
import { requireSample } from '@glovebox/ml'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { sampleOf } from '../examples.ts'
import { readFolder } from '../model-folder.ts'
import { gallery } from './list.ts'
import { compileGalleryModel } from './push.ts'

// What a service is given by `glovebox gallery`: every example goes through the client part that pages get.

const folder = testFolder()

describe.each(gallery.map((model) => [model.name, model] as const))('%s', (name, model) => {
  test('is compiled for one sample, with its card, examples and metrics', async () => {
    const out = await compileGalleryModel(model, folder)
    const { card, examples, metrics, part } = await readFolder(out)
    expect(card).toMatch(/^# \w/)
    expect(metrics === undefined).toBe(name === 'fitness')
    expect(part.packing === 'batch').toBe(name === 'digits-batch')
    const opened = openModel(new Uint8Array(readFileSync(join(out, 'client.gbx'))))
    using _context = opened.context
    for (const item of examples!.items) {
      const values = prepareSample(opened.part, sampleOf(item), { pixels: examples!.pixels ?? false }, item.name)
      requireSample(opened.part, values)
    }
  })
})
