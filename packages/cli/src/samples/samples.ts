import type { Sample } from '@glovebox/client'

/** What an input file holds. */
export interface Samples {
  readonly samples: readonly Sample[]
  /** Values are pixels from 0 to 255, to be scaled as the client part says; else they are what the model takes. */
  readonly pixels: boolean
  /** What was guessed, for the user to know. */
  readonly note?: string
}

/** [1, 28, 28] as `1x28x28`. */
export function showShape(shape: readonly number[]): string {
  return shape.length === 0 ? 'one number' : shape.join('x')
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1)
}
