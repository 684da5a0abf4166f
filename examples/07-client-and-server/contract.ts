// What both sides know, and everybody may.
import type { ParamsLiteral } from '@glovebox/he'

/** N = 4096 is the smallest ring in which a product and a rotation are secure: 106 bits for chain and special prime together. */
export const literal: ParamsLiteral = { scheme: 'ckks', ringDegree: 4096, modulusBits: [36, 34], specialBits: [36] }

export const features = 32

/** Rotations that sum up 32 neighbours. */
export const rotations = [1, 2, 4, 8, 16]

export interface Request {
  readonly kind: 'keys' | 'query'
  readonly bytes: Uint8Array
}

export type Response = { readonly bytes: Uint8Array } | { readonly code: string; readonly message: string }
