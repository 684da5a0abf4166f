import type { Sample } from '@glovebox/client'
import { GloveboxError } from '@glovebox/he'

/** What a page draws for an input: a digit to write, a form, a text, a picture, or nothing but numbers. */
export const exampleKinds = ['digit', 'rows', 'text', 'photo', 'numbers'] as const

/** examples.json of a model: inputs that anybody may see, to try it with. */
export interface Examples {
  readonly kind: (typeof exampleKinds)[number]
  readonly source: 'synthetic' | 'public'
  /** What the model is asked, in a sentence. */
  readonly question?: string
  /** Where the inputs come from. */
  readonly note?: string
  /** Inputs are bytes from 0 to 255, to be scaled as the client part says. */
  readonly pixels?: boolean
  /** Of one input that is an array. */
  readonly shape?: readonly number[]
  /** What one number of an input is, of kind `numbers`. */
  readonly describe?: string
  /** Of kind `rows`. */
  readonly columns?: readonly ExampleColumn[]
  /** What the values of an answer are. */
  readonly outputs?: readonly { readonly name?: string; readonly unit?: string; readonly digits?: number }[]
  readonly items: readonly Example[]
}

/** A column of a row, for a field of a form. */
export interface ExampleColumn {
  readonly name: string
  /** For people; default: the name. */
  readonly label?: string
  readonly unit?: string
  /** All that it may say, of categories. */
  readonly values?: readonly string[]
  /** What is usual, of numbers. */
  readonly low?: number
  readonly high?: number
}

/** An input and what it is called. */
export interface Example {
  readonly name: string
  /** Bytes or numbers, a row by the names of its columns, a text; of 0 and 1 also bits, the most significant of each byte first. */
  readonly input: Sample | Bits
  /** What the model says in the clear. */
  readonly expected?: string
}

/** Zeros and ones in base64. */
export interface Bits {
  readonly bits: string
  readonly length: number
}

/** The sample of an example, as `predict` takes it. */
export function sampleOf({ input }: Example): Sample {
  if (typeof input === 'string' || !('bits' in input) || !('length' in input)) return input as Sample
  const { bits, length } = input as Bits
  const bytes = Buffer.from(bits, 'base64')
  return Uint8Array.from({ length }, (_, i) => (bytes[i >> 3]! >> (7 - (i & 7))) & 1)
}

/** Zeros and ones of an array. */
export function bitsOf(values: ArrayLike<number>): Bits {
  const bytes = new Uint8Array(Math.ceil(values.length / 8))
  for (let i = 0; i < values.length; i++) bytes[i >> 3]! |= values[i]! << (7 - (i & 7))
  return { bits: Buffer.from(bytes).toString('base64'), length: values.length }
}

/** What is read of examples.json, at most. */
const most = { items: 1000, bytes: 8e6 }

/** Reads examples.json. Throws GloveboxError `malformed` for what is none: a page would have nothing to show. */
export function readExamples(bytes: Uint8Array, file: string): Examples {
  const malformed = (expected: string, got: string): GloveboxError =>
    new GloveboxError('malformed', `${file} expected ${expected}, got ${got}`)
  if (bytes.length > most.bytes) throw malformed(`at most ${most.bytes} bytes`, String(bytes.length))
  let value: Partial<Examples> | null
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw malformed('JSON in UTF-8', cause instanceof Error ? cause.message : String(cause))
  }
  const { kind, source, items } = value ?? {}
  if (!exampleKinds.some((known) => known === kind))
    throw malformed(`"kind" of ${exampleKinds.join(', ')}`, JSON.stringify(kind) ?? 'none')
  if (source !== 'synthetic' && source !== 'public')
    throw malformed('"source" synthetic or public', JSON.stringify(source) ?? 'none')
  if (!Array.isArray(items) || items.length === 0 || items.length > most.items)
    throw malformed(`"items" with 1 to ${most.items} examples`, Array.isArray(items) ? String(items.length) : 'none')
  items.forEach((item: Partial<Example> | null, i) => {
    if (typeof item?.name !== 'string') throw malformed(`a name of items[${i}]`, typeof item?.name)
    if (item.input === undefined || item.input === null) throw malformed(`an input of items[${i}]`, 'none')
  })
  return value as Examples
}
