import type { Cell, OutputStep } from '../model/steps.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type ElementType, float32 } from './element.ts'

/** What a name in the file stands for. Shapes are those of the file, but for a batch axis, which counts as 1. */
export type Operand =
  /** A tensor that is known now. */
  | { readonly kind: 'constant'; readonly tensor: Tensor; readonly type: ElementType }
  /** The value of a node of the graph: computed encrypted. */
  | Variable
  /** The input as the client has it, perhaps prepared: known to the client before it encrypts. */
  | Columns
  /** The value of a node of the graph and what the client makes of it after decryption. */
  | Answer
  /** An output that is not computed. */
  | { readonly kind: 'absent'; readonly reason: string }

export interface Variable {
  readonly kind: 'variable'
  readonly node: number
  readonly shape: readonly number[]
  readonly type: ElementType
}

export interface Columns {
  readonly kind: 'columns'
  readonly shape: readonly number[]
  readonly type: ElementType
  /** In the order of the elements, each giving one or more; without them it is an input with all its numbers as they are. */
  readonly entries?: readonly ColumnEntry[]
  /** Where the numbers of that input begin among those of all inputs. */
  readonly first: number
  /** Applied last. */
  readonly norm?: 'l1' | 'l2' | 'max'
}

/** Where elements come from: a number of the input, or its encoding. Then (x - offset) · factor. */
export interface ColumnEntry {
  /** The index among all numbers (or texts) of all inputs. */
  readonly from: number
  /** In place of a missing number. */
  readonly impute?: number
  /** What counts as missing, beside nothing at all. */
  readonly missing?: number
  /** Categories that become 1 or 0 each. */
  readonly oneHot?: readonly Cell[]
  /** Other categories are an error. */
  readonly strict?: true
  /** Categories that become the number at the same place. */
  readonly codes?: { readonly values: readonly Cell[]; readonly codes: readonly number[]; readonly otherwise?: number }
  readonly offset: number
  readonly factor: number
}

export interface Answer {
  readonly kind: 'answer'
  readonly node: number
  readonly shape: readonly number[]
  readonly type: ElementType
  readonly steps: readonly OutputStep[]
}

export function constant(shape: readonly number[], data: ArrayLike<number>, type: ElementType = float32): Operand {
  return {
    kind: 'constant',
    tensor: { shape, data: data instanceof Float64Array ? data : Float64Array.from(data) },
    type,
  }
}

export function shapeOf(operand: Exclude<Operand, { kind: 'absent' }>): readonly number[] {
  return operand.kind === 'constant' ? operand.tensor.shape : operand.shape
}

/** The same elements under another shape. */
export function reshaped<T extends Variable | Columns | Answer>(x: T, shape: readonly number[]): T {
  return { ...x, shape }
}
