import { addScaled, dot, largestMagnitude, type Objective, type Step } from './objective.ts'

/** What `minimise` may be told. */
export interface MinimiseOptions {
  /** Default 500. */
  readonly steps?: number
  /** Stops where no component of the gradient is larger. Default 1e-7. */
  readonly tolerance?: number
  /** After every step. */
  readonly onStep?: (step: Step) => void
}

/** Pairs of steps and changes of the gradient that the curvature is taken from. */
const memory = 10
/** Of the decrease that the slope promises, what a step has to reach (Armijo), and what has to be left of the slope (Wolfe). */
const [decrease, curvature] = [1e-4, 0.9]
const mostTries = 40

/**
 * A minimum of a smooth convex function by L-BFGS (Nocedal and Wright, *Numerical Optimization*, 2nd edition, algorithm 7.5), with a line search by
 * bisection for the weak Wolfe conditions. Stops where no step leads further down in double precision.
 */
export function minimise(objective: Objective, start: Float64Array, options: MinimiseOptions = {}): Float64Array {
  const { steps = 500, tolerance = 1e-7, onStep } = options
  let at = start.slice()
  let gradient = new Float64Array(at.length)
  let value = objective(at, gradient)
  const pairs: Pair[] = []
  for (let step = 1; step <= steps && largestMagnitude(gradient) > tolerance; step++) {
    const direction = towards(gradient, pairs)
    const found = search(objective, at, value, gradient, direction, pairs.length === 0)
    if (!found) {
      // Curvature that rounding has spoilt is forgotten once; along the gradient itself there must be a way down, or there is none.
      if (pairs.length === 0) break
      pairs.length = 0
      continue
    }
    const move = found.at.map((v, i) => v - at[i]!)
    const change = found.gradient.map((v, i) => v - gradient[i]!)
    const product = dot(move, change)
    if (product > 1e-12 * dot(change, change)) pairs.push({ move, change, product })
    if (pairs.length > memory) pairs.shift()
    ;({ at, value, gradient } = found)
    onStep?.({ step, loss: value, at })
  }
  return at
}

interface Pair {
  readonly move: Float64Array
  readonly change: Float64Array
  /** move · change > 0 */
  readonly product: number
}

interface Point {
  readonly at: Float64Array<ArrayBuffer>
  readonly value: number
  readonly gradient: Float64Array<ArrayBuffer>
}

/** The inverse of the curvature times the gradient, downwards: the two loops. */
function towards(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((v) => -v)
  const shares: number[] = []
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { move, change, product } = pairs[i]!
    shares[i] = dot(move, direction) / product
    addScaled(direction, -shares[i]!, change)
  }
  const last = pairs.at(-1)
  if (last) {
    const scale = last.product / dot(last.change, last.change)
    direction.forEach((v, i) => {
      direction[i] = v * scale
    })
  }
  pairs.forEach(({ move, change, product }, i) => {
    addScaled(direction, shares[i]! - dot(change, direction) / product, move)
  })
  return direction
}

function search(
  objective: Objective,
  at: Float64Array,
  value: number,
  gradient: Float64Array,
  direction: Float64Array,
  first: boolean,
): Point | undefined {
  const slope = dot(gradient, direction)
  if (!(slope < 0)) return undefined
  let [low, high] = [0, Infinity]
  let length = first ? Math.min(1, 1 / largestMagnitude(gradient)) : 1
  let best: Point | undefined
  for (let tries = 0; tries < mostTries; tries++) {
    const point = at.map((v, i) => v + length * direction[i]!) as Float64Array<ArrayBuffer>
    const there = new Float64Array(at.length)
    const reached = objective(point, there)
    if (!(reached <= value + decrease * length * slope)) {
      high = length
    } else {
      best = { at: point, value: reached, gradient: there }
      if (dot(there, direction) >= curvature * slope) break
      low = length
    }
    length = high === Infinity ? 2 * low : (low + high) / 2
  }
  return best && best.value < value ? best : undefined
}
