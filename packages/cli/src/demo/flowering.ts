import { join } from 'node:path'
import { makeFolder, writeOutput } from '../files.ts'
import { readModel } from '../model-file.ts'
import { type Axis, bar, scatter } from '../terminal/charts.ts'
import { shorten, showCount } from '../terminal/format.ts'
import type { Demo, Outcome, Task } from './demo.ts'
import {
  type Genotype,
  heldOutGenotypes,
  resampledColumns,
  resampledSnps,
  snps,
  syntheticGenotypes,
} from './genotypes.ts'
import { correlation } from './metrics.ts'
import { modelFile, readModelJson } from './model-file.ts'
import { referenceOf } from './reference.ts'
import { scatterSvg } from './scatter-svg.ts'

/** Genotypes that ranges are measured on. */
const calibration = 5

function flowering(name: string, columns: number, also?: string): Demo {
  const resampled = columns !== snps
  const file = resampled ? `model-${columns}.json` : 'model.json'
  return {
    name,
    summary: `when a plant flowers, from ${showCount(columns)} encrypted SNPs`,
    question: `After how many days does this plant flower? Ridge regression on ${showCount(columns)} encrypted SNPs of Arabidopsis.`,
    before: '1 s for 200,000 SNPs (by 2021)',
    samples: { usual: 32, most: 1000 },
    ...(also !== undefined && { also }),
    async load({ samples, data }): Promise<Task> {
      const model = await readModel(await modelFile('flowering', file))
      const places = resampled ? resampledColumns() : Uint32Array.from({ length: snps }, (_, i) => i)
      const spread = ({ alleles }: Genotype): Float64Array => Float64Array.from(places, (at) => alleles[at]!)
      const plants = data === undefined ? await syntheticGenotypes(samples) : await heldOutGenotypes(data, samples)
      const inputs = plants.map(spread)
      const days = plants.flatMap(({ days }) => days ?? [])
      const made = (await syntheticGenotypes(calibration)).map(spread)
      const numbers = new Float64Array(calibration * columns)
      made.forEach((values, i) => {
        numbers.set(values, i * columns)
      })
      const weights = referenceOf(await readModelJson('flowering', file), [])
      const kind = data === undefined ? 'synthetic genotypes' : 'accessions that were held out'
      const title = `Flowering time from ${showCount(columns)} encrypted SNPs`
      return {
        model,
        compile: { samples: numbers },
        inputs,
        provenance: data === undefined ? 'synthetic' : resampled ? 'resampled' : 'real',
        source: `${plants.length} ${kind}, ${showCount(snps)} SNPs each${resampled ? `, resampled in blocks to ${showCount(columns)} columns` : ''}`,
        together: 1,
        metric: {
          name: 'r',
          score: (outputs) =>
            days.length === 0
              ? undefined
              : correlation(
                  outputs.map((row) => row[0]!),
                  days,
                ),
        },
        reference: () => inputs.map((values) => weights(Array.from(values))),
        picture: (outcome, width, out) =>
          days.length === 0
            ? showDays(outcome, plants, width)
            : showScatter(outcome, plants, title, width, join(out, `${name}.svg`)),
      }
    },
  }
}

export const demo: Demo = flowering('flowering', resampledSnps, 'flowering-53859')
export const realDemo: Demo = flowering('flowering-53859', snps)

const shown = 12
/** Days where bars are full. */
const longest = 160

function showDays({ outputs }: Outcome, plants: readonly Genotype[], columns: number): string {
  return plants
    .slice(0, shown)
    .map(({ name }, i) => {
      const days = outputs[i]![0]!
      return `${shorten(name, 14).padEnd(14)} ${days.toFixed(1).padStart(6)} days  ${bar(days / longest, columns - 28)}`
    })
    .join('\n')
}

async function showScatter(
  { outputs }: Outcome,
  plants: readonly Genotype[],
  title: string,
  columns: number,
  path: string,
): Promise<string> {
  const points = plants.map(({ days, name }, i) => ({ x: days!, y: outputs[i]![0]!, name }))
  const high = 50 * Math.ceil(Math.max(...points.flatMap(({ x, y }) => [x, y])) / 50)
  const x: Axis = { name: 'days to flowering', low: 0, high }
  const y: Axis = { name: 'days predicted from ciphertexts; dots on the line are right', low: 0, high }
  await makeFolder(join(path, '..'))
  const named = points.map(({ name, ...point }) => ({
    ...point,
    name: `${name}: ${point.y.toFixed(1)} days predicted, ${point.x} days true`,
  }))
  await writeOutput(
    path,
    new TextEncoder().encode(scatterSvg(title, named, x, { ...y, name: 'days predicted from ciphertexts' })),
  )
  const drawn = scatter(
    points.map(({ x, y }) => [x, y] as const),
    x,
    y,
    { columns, lines: 16 },
  )
  return `${drawn}\n\nThe same as a picture: ${path}`
}
