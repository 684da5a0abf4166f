import type { Activation } from './activation.ts'

/** slope · x + offset, from the end of the piece before it up to `end`. */
export interface Piece {
  readonly end: number
  readonly slope: number
  readonly offset: number
}

/** The pieces of an activation that is made of straight lines, from left to right; undefined of another. */
export function piecesOf(activation: Activation): readonly Piece[] | undefined {
  const identity = { slope: 1, offset: 0 }
  const level = (offset: number): { slope: number; offset: number } => ({ slope: 0, offset })
  const bent = (slope: number): Piece[] => [
    { end: 0, slope, offset: 0 },
    { end: Infinity, ...identity },
  ]
  const between = (low: number, high: number, middle: { slope: number; offset: number }, ends: number[]): Piece[] => [
    { end: low, ...level(ends[0]!) },
    { end: high, ...middle },
    { end: Infinity, ...level(ends[1]!) },
  ]
  switch (activation.kind) {
    case 'Relu':
      return bent(0)
    case 'Abs':
      return bent(-1)
    case 'LeakyRelu':
      return bent(activation.alpha)
    case 'Clip': {
      const { low, high } = activation
      return low < high ? between(low, high, identity, [low, high]) : undefined
    }
    case 'HardSigmoid': {
      const { alpha, beta } = activation
      if (!(alpha > 0)) return undefined
      return between(-beta / alpha, (1 - beta) / alpha, { slope: alpha, offset: beta }, [0, 1])
    }
    default:
      return undefined
  }
}

/** The piece that the whole of [low, high] lies in, where there is one. */
export function pieceOn(activation: Activation, [low, high]: readonly [number, number]): Piece | undefined {
  const pieces = piecesOf(activation)
  const at = pieces?.findIndex(({ end }) => high <= end) ?? -1
  return at === 0 || (at > 0 && low >= pieces![at - 1]!.end) ? pieces![at] : undefined
}
