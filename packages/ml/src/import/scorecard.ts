import { GloveboxError } from '@glovebox/he'
import { z } from 'zod'
import type { Model } from '../model/model.ts'
import type { Cell, Column, ColumnEncoding, InputStep, OutputStep } from '../model/steps.ts'
import { affine } from '../tensor/affine.ts'
import { buildSparse } from '../tensor/sparse.ts'
import { GraphBuilder } from './layers/graph-builder.ts'

const finite = z.number().finite()
const maxEntries = 2 ** 16
const text = z.string().min(1).max(4096)
const weights = z.array(finite).min(1).max(maxEntries)

const binned = z
  .strictObject({
    name: text,
    edges: z.array(finite).max(maxEntries),
    weights,
    missing: finite.exactOptional(),
  })
  .refine(({ edges, weights }) => weights.length === edges.length + 1, '"weights" expected one more than "edges"')
  .refine(
    ({ edges }) => edges.every((edge, i) => i === 0 || edges[i - 1]! < edge),
    '"edges" expected ascending numbers',
  )
const categorical = z
  .strictObject({
    name: text,
    categories: z.array(z.union([text, finite])).max(maxEntries),
    weights,
    missing: finite.exactOptional(),
    other: finite.exactOptional(),
  })
  .refine(({ categories, weights }) => weights.length === categories.length, '"weights" expected one for each category')
  .refine(({ categories }) => new Set(categories).size === categories.length, '"categories" expected distinct ones')

const feature = z.union([binned, categorical])
type Feature = z.infer<typeof feature>

/** What a file says beyond this is not looked at; of features it is, as a name that is misspelt loses a weight. */
const scorecard = z.object({
  format: z.literal('glovebox-scorecard'),
  version: z.literal(1),
  name: text.default('scorecard'),
  intercept: finite,
  link: z.literal(['identity', 'logistic', 'log']),
  features: z.array(z.unknown()).min(1).max(4096),
  classes: z.tuple([text, text]).exactOptional(),
})

/** How an additive model is imported. */
export interface ScorecardOptions {
  /** One output for each feature, what it adds, instead of one for all. True where left out. */
  readonly contributions?: boolean
}

/**
 * A scorecard or an additive model in bins (GAM), from the JSON of docs/models.md, as text or parsed. The client finds the bin or category of every
 * column and encrypts zeros and ones; their weights are the server's. With contributions the answer tells what each feature adds,
 * and the client adds them up and applies the link; edges, names and intercept are then public.
 *
 * Throws GloveboxError `malformed`, naming the feature and the field.
 */
export function importScorecard(json: unknown, { contributions = true }: ScorecardOptions = {}): Model {
  const { intercept, link, classes, ...rest } = read(scorecard, typeof json === 'string' ? parse(json) : json, '')
  const features = rest.features.map((value, i) => readFeature(value, `features.${i}`))
  const encodings = features.map(encodingOf)
  // With `other`, a category adds what it has more than the others, and they are the bias.
  const parts = features.map((one) => {
    const base = 'categories' in one ? (one.other ?? 0) : 0
    const all = one.missing === undefined ? one.weights : [...one.weights, one.missing]
    return { base, weights: all.map((weight) => weight - base) }
  })
  const owner = parts.flatMap(({ weights }, i) => weights.map(() => i))
  const flat = parts.flatMap(({ weights }) => weights)
  const graph = new GraphBuilder('bins', [flat.length])
  const rows = contributions ? features.length : 1
  const matrix = buildSparse(rows, flat.length, (row, add) => {
    flat.forEach((weight, i) => {
      if (!contributions || owner[i] === row) add(i, weight)
    })
  })
  const bases = parts.map(({ base }) => base)
  const bias = contributions ? bases : [bases.reduce((sum, base) => sum + base, intercept)]
  const output = graph.affine(graph.input, affine(matrix, Float64Array.from(bias)), 'weights')
  const before: InputStep[] = [
    { op: 'columns', columns: features.map(columnOf) },
    { op: 'encode', columns: encodings },
  ]
  const after: OutputStep[] = []
  if (contributions) after.push({ op: 'total', names: features.map(({ name }) => name), bias: intercept })
  if (link === 'logistic') after.push({ op: 'sigmoid' })
  if (link === 'log') after.push({ op: 'exp' })
  if (classes) after.push({ op: 'labels', names: classes, ...(link === 'logistic' && { threshold: 0.5 }) })
  return { before, graph: graph.build(output, contributions ? 'contributions' : 'score'), after }
}

function columnOf(one: Feature): Column {
  const { name } = one
  if (!('categories' in one)) return { name }
  const values = one.categories.filter((category) => typeof category === 'string')
  if (values.length === 0) return { name }
  return { name, values, ...(one.other !== undefined && { open: true }) }
}

function encodingOf(one: Feature, from: number): ColumnEncoding {
  if (!('categories' in one)) return { kind: 'bins', from, edges: one.edges, missing: one.missing !== undefined }
  const values: Cell[] = one.missing === undefined ? one.categories : [...one.categories, null]
  return { kind: 'one-hot', from, values, ...(one.other === undefined && { strict: true }) }
}

function readFeature(value: unknown, where: string): Feature {
  // By what it has: a union of both forms would not say which field is wrong.
  const isCategorical = typeof value === 'object' && value !== null && 'categories' in value
  const name = typeof value === 'object' && value !== null && 'name' in value ? ` ("${value.name}")` : ''
  return isCategorical ? read(categorical, value, where + name) : read(binned, value, where + name)
}

function read<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  const place = [where, ...path].filter((part) => part !== '').join('.')
  throw new GloveboxError('malformed', `the scorecard is not valid: ${place}: ${message}`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new GloveboxError('malformed', 'the scorecard is not valid: expected JSON', { cause })
  }
}
