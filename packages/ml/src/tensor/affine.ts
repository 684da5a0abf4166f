import {
  addMatrices,
  identityMatrix,
  isIdentity,
  multiplyMatrices,
  multiplyVector,
  type SparseMatrix,
} from './sparse.ts'

/** y = matrix · x + bias. Every layer without a product of two variables is one. */
export interface AffineMap {
  readonly matrix: SparseMatrix
  readonly bias: Float64Array
}

export function affine(matrix: SparseMatrix, bias: Float64Array = new Float64Array(matrix.rows)): AffineMap {
  return { matrix, bias }
}

export function identityMap(size: number): AffineMap {
  return affine(identityMatrix(size))
}

/** x -> outer(inner(x)). */
export function compose(outer: AffineMap, inner: AffineMap): AffineMap {
  const bias = multiplyVector(outer.matrix, inner.bias).map((v, i) => v + outer.bias[i]!)
  return { matrix: multiplyMatrices(outer.matrix, inner.matrix), bias }
}

/** x -> a(x) + b(x). */
export function sumMaps(a: AffineMap, b: AffineMap): AffineMap {
  return { matrix: addMatrices(a.matrix, b.matrix), bias: a.bias.map((v, i) => v + b.bias[i]!) }
}

export function isIdentityMap(map: AffineMap): boolean {
  return isIdentity(map.matrix) && map.bias.every((v) => v === 0)
}

/**
 * The map for a block of samples. Element i of sample j is at i·width + j, in and out, so that the inner loop runs
 * over samples and a weight is read once for all of them.
 */
export function applyToBlock(map: AffineMap, x: Float64Array, width: number): Float64Array {
  const { start, index, value, rows } = map.matrix
  const out = new Float64Array(rows * width)
  for (let row = 0; row < rows; row++) {
    const first = row * width
    out.fill(map.bias[row]!, first, first + width)
    const end = start[row + 1]!
    let k = start[row]!
    // Four weights at a time: the sums are loaded and stored a quarter as often.
    for (; k + 3 < end; k += 4) {
      const [w0, w1, w2, w3] = [value[k]!, value[k + 1]!, value[k + 2]!, value[k + 3]!]
      const a = index[k]! * width
      const b = index[k + 1]! * width
      const c = index[k + 2]! * width
      const d = index[k + 3]! * width
      for (let j = 0; j < width; j++)
        out[first + j]! += w0 * x[a + j]! + w1 * x[b + j]! + (w2 * x[c + j]! + w3 * x[d + j]!)
    }
    for (; k < end; k++) {
      const w = value[k]!
      const at = index[k]! * width
      for (let j = 0; j < width; j++) out[first + j]! += w * x[at + j]!
    }
  }
  return out
}
