import { readFileSync } from 'node:fs'
import { GloveboxError } from '@glovebox/he'
import { expect, test } from 'vitest'
import { itemsPerTable } from '../src/hashing/cuckoo.ts'
import { readApsiParams } from '../src/params/apsi.ts'
import { createSetParams, falsePositiveLog2, type SetParams } from '../src/params/set-params.ts'
import { expectIntersections } from './intersection.ts'

// The parameter files of APSI as they are, on fewer items than they are made for: one bin in two bundles, and others that are nearly empty.

const files: Readonly<Record<string, unknown>> = JSON.parse(
  readFileSync(new URL('../../../vectors/psi/apsi-parameters.json', import.meta.url), 'utf8'),
)
function readable(): [string, string][] {
  const texts = Object.entries(files).map(([name, file]): [string, string] => [name, JSON.stringify(file)])
  return texts.filter(([, text]) => {
    try {
      readApsiParams(text)
      return true
    } catch (error) {
      if (error instanceof GloveboxError && error.code === 'unsupported') return false
      throw error
    }
  })
}

test('most of the files can be read', () => {
  expect(readable().length).toBeGreaterThan(0.8 * Object.keys(files).length)
})

/** Sets whose full bundles, or whose queries, take seconds: one group of bins has items, and few are asked for. */
const heavy = ({ groups, products, itemsPerBin, queryCiphertexts }: SetParams): boolean =>
  groups * itemsPerBin > 250 || groups * products.length + queryCiphertexts > 100

/** Whether several full bundles are within 2^-40: sets that are not so are refused, whatever file they are by. */
const roomy = (params: SetParams): boolean => {
  const functions = params.powers!.hashFunctions
  const receiverItems = functions > 0 ? itemsPerTable(functions, params.bins) : 1
  return falsePositiveLog2(params, { bundles: 4, receiverItems }) < -40
}

test.each(readable())('intersections are the plain ones: %s', async (_, text) => {
  const { literal } = readApsiParams(text)
  const params = createSetParams(literal)
  const size = heavy(params)
    ? { items: 16, asked: 2, narrow: true }
    : { items: 30, asked: 6, crowd: roomy(params) ? params.itemsPerBin + 1 : 8 }
  await expectIntersections(literal, { ...size, numRuns: 1 })
})

const light = readable().filter(([, text]) => !heavy(createSetParams(readApsiParams(text).literal)))
test.each(light)('labels are the plain ones: %s', async (_, text) => {
  const { literal } = readApsiParams(text, { labelBytes: 11 })
  await expectIntersections(literal, { items: 12, asked: 3, numRuns: 1 })
})
