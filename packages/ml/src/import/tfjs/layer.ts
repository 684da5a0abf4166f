import { GloveboxError } from '@glovebox/he'
import { showShape, sizeOf, type Tensor } from '../../tensor/tensor.ts'
import type { GraphBuilder } from '../layers/graph-builder.ts'

/** A value on its way through the layers: a node of the graph and the shape of one sample. */
export interface Value {
  readonly node: number
  readonly shape: readonly number[]
  /** A softmax over so many neighbours was asked for, which the client does: nothing that computes may follow. */
  readonly softmax?: number
}

export function malformed(message: string, options?: ErrorOptions): GloveboxError {
  return new GloveboxError('malformed', `the TensorFlow.js model is not valid: ${message}`, options)
}

export function unsupported(message: string): GloveboxError {
  return new GloveboxError('unsupported', message)
}

/** One Keras layer: what its configuration says, its weights, and the graph that is being built. */
export class Layer {
  readonly type: string
  readonly name: string
  readonly graph: GraphBuilder
  readonly #config: Readonly<Record<string, unknown>>
  readonly #weights: (layer: string, weight: string) => Tensor | undefined

  constructor(
    type: string,
    config: Readonly<Record<string, unknown>>,
    graph: GraphBuilder,
    weights: (layer: string, weight: string) => Tensor | undefined,
  ) {
    this.type = type
    this.graph = graph
    this.#config = config
    this.#weights = weights
    this.name = this.text('name', type)
  }

  toString(): string {
    return `${this.type} layer "${this.name}"`
  }

  wrong(reason: string): GloveboxError {
    return malformed(`${this}: ${reason}`)
  }

  refuse(reason: string): GloveboxError {
    return unsupported(`${this} is not supported: ${reason}`)
  }

  #field(key: string): unknown {
    const value = this.#config[key]
    return value === null ? undefined : value
  }

  has(key: string): boolean {
    return this.#field(key) !== undefined
  }

  number(key: string, otherwise: number): number {
    const value = this.#field(key) ?? otherwise
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.wrong(`"${key}" expected a number`)
    return value
  }

  text(key: string, otherwise: string): string {
    const value = this.#field(key) ?? otherwise
    if (typeof value !== 'string') throw this.wrong(`"${key}" expected a text`)
    return value
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.#field(key) ?? otherwise
    if (typeof value !== 'boolean') throw this.wrong(`"${key}" expected true or false`)
    return value
  }

  /** Numbers, one for each of `count` axes; a single one is for all. */
  perAxis(key: string, count: number, otherwise: number): number[] {
    const value = this.#field(key) ?? otherwise
    const list = typeof value === 'number' ? new Array<number>(count).fill(value) : value
    if (!Array.isArray(list) || list.length !== count || !list.every((n) => Number.isInteger(n) && n >= 1)) {
      throw this.wrong(`"${key}" expected ${count} positive whole numbers`)
    }
    return list
  }

  integers(key: string): number[] {
    const value = this.#field(key)
    if (!Array.isArray(value) || !value.every(Number.isInteger)) throw this.wrong(`"${key}" expected whole numbers`)
    return value
  }

  /** A field of any form. */
  raw(key: string): unknown {
    return this.#field(key)
  }

  /** Whether channels are the last axis. */
  channelsLast(): boolean {
    const format = this.text('data_format', 'channels_last')
    if (format === 'channels_last' || format === 'channels_first') return format === 'channels_last'
    throw this.wrong(`"data_format" expected channels_last or channels_first, got ${format}`)
  }

  /** A weight, which must have this shape; -1 takes any size. */
  weight(name: string, shape: readonly number[]): Tensor {
    const tensor = this.#weights(this.name, name)
    if (!tensor) throw this.wrong(`the weights have no "${name}" for it`)
    if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => shape[i] !== -1 && n !== shape[i])) {
      const expected = shape.map((n) => (n === -1 ? 'any' : n)).join('x')
      throw this.wrong(`"${name}" expected shape ${expected}, got ${showShape(tensor.shape)}`)
    }
    return tensor
  }

  /** The only input, of any of these ranks. */
  one(inputs: readonly Value[], ...ranks: readonly number[]): Value {
    const [x] = inputs
    if (inputs.length !== 1 || !x) throw this.wrong(`expected one input, got ${inputs.length}`)
    this.requireNoSoftmax(inputs)
    if (ranks.length > 0 && !ranks.includes(x.shape.length)) {
      throw this.wrong(`expected samples of ${ranks.join(' or ')} axes, got ${showShape(x.shape)}`)
    }
    return x
  }

  requireNoSoftmax(inputs: readonly Value[]): void {
    if (inputs.some(({ softmax }) => softmax)) {
      throw this.refuse('it follows a softmax, which is only done at the end, by the client')
    }
  }

  /** A shape of results. */
  requireShape(shape: readonly number[]): void {
    if (shape.some((n) => !Number.isInteger(n) || n < 1) || !(sizeOf(shape) <= 2 ** 24)) {
      throw this.wrong(`its output would have shape ${showShape(shape)}`)
    }
  }
}

/** How a layer is translated. */
export type Translate = (layer: Layer, inputs: readonly Value[]) => Value
