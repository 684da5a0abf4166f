/** A dense array of numbers in row-major order. */
export interface Tensor {
  /** Sizes of the axes; none for a scalar. */
  readonly shape: readonly number[]
  /** As many numbers as the product of the sizes. */
  readonly data: Float64Array
}

/** The number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1)
}

/** Row-major strides of a shape. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  for (let i = shape.length - 1, stride = 1; i >= 0; i--) {
    strides[i] = stride
    stride *= shape[i]!
  }
  return strides
}

/** The common shape of two, aligned on the right (NumPy's rule), or undefined where they do not fit. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length)
  const shape: number[] = []
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1
    const y = b[i - rank + b.length] ?? 1
    if (x !== y && x !== 1 && y !== 1) return undefined
    shape.push(x === 1 ? y : x)
  }
  return shape
}

/** For every element of `to`, the element of `from` at multi-index · strides + offset; `strides` has one entry per axis of `to`. */
export function stridedIndex(to: readonly number[], strides: readonly number[], offset = 0): Int32Array {
  const index = new Int32Array(sizeOf(to))
  const counter = new Array<number>(to.length).fill(0)
  for (let i = 0, at = offset; i < index.length; i++) {
    index[i] = at
    for (let axis = to.length - 1; axis >= 0; axis--) {
      at += strides[axis]!
      if (++counter[axis]! < to[axis]!) break
      at -= strides[axis]! * to[axis]!
      counter[axis] = 0
    }
  }
  return index
}

/** For every element of `to`, the element of `from` that broadcasting puts there. */
export function broadcastIndex(from: readonly number[], to: readonly number[]): Int32Array {
  const own = stridesOf(from)
  const strides = to.map((_, i) => {
    const axis = i - to.length + from.length
    return axis < 0 || from[axis] === 1 ? 0 : own[axis]!
  })
  return stridedIndex(to, strides)
}

/** [1, 28, 28] as `1x28x28`; a scalar as `scalar`. */
export function showShape(shape: readonly number[]): string {
  return shape.length === 0 ? 'scalar' : shape.join('x')
}
