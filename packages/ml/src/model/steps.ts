import type { Activation } from '../graph/activation.ts'

/** A cell of a row of data, or a text; null where the value is missing. */
export type Cell = number | string | null

/** What the client does with a sample in the clear, before it is encrypted. Public: it is part of what the server hands out. */
export type InputStep =
  /** Names and kinds of the columns of a row; comes first. */
  | { readonly op: 'columns'; readonly columns: readonly Column[] }
  /** Missing cells get these values, one for each column. What counts as missing is null, or the cell `missing` where that is given. */
  | { readonly op: 'impute'; readonly values: readonly Cell[]; readonly missing?: Cell }
  /** Columns become numbers: each entry gives one number, or as many as it has bins or categories. */
  | { readonly op: 'encode'; readonly columns: readonly ColumnEncoding[] }
  /** (x - offset[i]) · factor[i] */
  | { readonly op: 'scale'; readonly offset: readonly number[]; readonly factor: readonly number[] }
  /** Every sample divided by its norm; zeros stay. */
  | { readonly op: 'normalise'; readonly norm: 'l1' | 'l2' | 'max' }
  /** Each output is the product of the columns of one term; that of no column is 1. */
  | { readonly op: 'products'; readonly terms: readonly (readonly number[])[] }
  /** Columns go different ways, each through steps of its own; what comes out is joined in order. */
  | { readonly op: 'branches'; readonly branches: readonly Branch[] }
  /** A text as hashed n-grams of words; see model/hashing.ts. */
  | ({ readonly op: 'hash-text' } & TextHashing)

/** Columns that go through steps of their own. */
export interface Branch {
  /** Indices of the columns that the steps see, in their order. */
  readonly from: readonly number[]
  /** What they go through. */
  readonly steps: readonly InputStep[]
}

/** How a text becomes numbers. */
export interface TextHashing {
  /** How many numbers. */
  readonly size: number
  /** Least and greatest number of words that are taken together. */
  readonly ngrams: readonly [number, number]
  /** What the numbers are divided by. */
  readonly norm: 'l1' | 'l2' | 'none'
  /** Whether capitals are kept apart. */
  readonly keepCase?: true
  /** Shortest word, 1 or 2 characters; 2 where left out. */
  readonly shortest?: 1 | 2
  /** Whether all n-grams count as +1, instead of +1 or -1 by a bit of their hash. */
  readonly unsigned?: true
  /** Whether a number is 1 where any n-gram falls, instead of their sum. */
  readonly binary?: true
}

/** A column of a row of data: a number, unless it says otherwise. */
export interface Column {
  /** By which rows name it. */
  readonly name: string
  /** Only of categories: all that it may say. */
  readonly values?: readonly string[]
  /** Of categories: other values are taken too, and count as unknown. */
  readonly open?: true
  /** Any text. */
  readonly text?: true
  /** The model does not look at it. */
  readonly unused?: true
}

/** How a column becomes numbers. `from` is its index. */
export type ColumnEncoding =
  | { readonly kind: 'number'; readonly from: number }
  /**
   * 1 for the category, 0 for the others; all 0 for one that is not in `values`, which with `strict` is an error
   * unless it is in `silent`.
   */
  | {
      readonly kind: 'one-hot'
      readonly from: number
      readonly values: readonly Cell[]
      readonly silent?: readonly Cell[]
      readonly strict?: true
    }
  /** The number that belongs to a category; `otherwise` for one that is not in `values`, an error where left out. A missing cell that is no value stays missing. */
  | {
      readonly kind: 'ordinal'
      readonly from: number
      readonly values: readonly Cell[]
      readonly codes: readonly number[]
      readonly otherwise?: number
    }
  /** 1 for the bin that the number is in: below edges[0], from edges[i] to below edges[i + 1], from the last; with `missing`, one bin more for missing. */
  | { readonly kind: 'bins'; readonly from: number; readonly edges: readonly number[]; readonly missing: boolean }

/** What the client does with the decrypted output. */
export type OutputStep =
  /** Over all values, or over each group of `along`; its logarithm with `log`. */
  | { readonly op: 'softmax'; readonly log?: true; readonly along?: Along }
  /** The values become indices: that of the largest of all, or one for each group; of equal ones the first, or the last with `last`. */
  | { readonly op: 'argmax'; readonly last?: true; readonly along?: Along }
  | { readonly op: 'sigmoid' }
  | { readonly op: 'exp' }
  /** Another function of each value. */
  | { readonly op: 'apply'; readonly activation: Activation }
  /** x · factor + offset */
  | { readonly op: 'scale'; readonly factor: number; readonly offset: number }
  /** max(low, min(high, x)) */
  | { readonly op: 'clip'; readonly low: number; readonly high: number }
  /** Several values become probabilities by division by their sum (equal ones where all are 0); one is a probability as it is. */
  | { readonly op: 'share' }
  /** The outputs are contributions, with these names: the answer goes on as their sum plus the bias, and keeps them beside it. */
  | { readonly op: 'total'; readonly names: readonly string[]; readonly bias: number }
  /** What the values are called. */
  | { readonly op: 'names'; readonly names: readonly string[] }
  /** The values are classes with these names; the label is that of the largest. Of two classes with one value, it is the second where the value is above `threshold` (0 where left out). */
  | { readonly op: 'labels'; readonly names: readonly string[]; readonly threshold?: number }

/** An axis of the output: group g has the values (g div stride) · length · stride + (g mod stride) + k · stride for k from 0 to length - 1. */
export interface Along {
  /** Values in a group. */
  readonly length: number
  /** From one value of a group to the next. */
  readonly stride: number
}
