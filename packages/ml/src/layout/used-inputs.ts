import type { Graph } from '../graph/graph.ts'
import { buildSparse, type SparseMatrix } from '../tensor/sparse.ts'

/** The elements of the input that anything depends on, as far as weights of 0 tell, ascending; at least one. */
export function usedInputs(graph: Graph): Int32Array {
  const { size } = graph.nodes[0]!
  const used = new Uint8Array(size)
  for (const { op, inputs, map } of graph.nodes) {
    if (!inputs.includes(0)) continue
    if (op !== 'affine') return Int32Array.from(used, (_, i) => i)
    map!.matrix.value.forEach((weight, k) => {
      if (weight !== 0) used[map!.matrix.index[k]!] = 1
    })
  }
  const found = Int32Array.from(used.keys()).filter((i) => used[i] === 1)
  return found.length > 0 ? found : Int32Array.of(0)
}

/** The columns of a matrix, in that order, without weights of 0; `columns` left out keeps all. */
export function selectColumns(matrix: SparseMatrix, columns?: Int32Array): SparseMatrix {
  const place = columns && new Int32Array(matrix.columns).fill(-1)
  columns?.forEach((column, i) => {
    place![column] = i
  })
  return buildSparse(matrix.rows, columns?.length ?? matrix.columns, (row, add) => {
    for (let k = matrix.start[row]!; k < matrix.start[row + 1]!; k++) {
      const column = place ? place[matrix.index[k]!]! : matrix.index[k]!
      if (matrix.value[k] !== 0 && column >= 0) add(column, matrix.value[k]!)
    }
  })
}
