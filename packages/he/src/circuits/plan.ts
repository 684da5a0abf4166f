/** A baby-step giant-step split: every rotation is one giant plus one baby, modulo the number of slots. Both ascending. */
export interface LinearPlan {
  readonly babies: readonly number[]
  readonly giants: readonly number[]
}

/** Cost of one more rotation in units of a full one: hoisted rotations skip the decomposition. */
const babyCost = 0.55

/**
 * Splits a set of rotations so that babies (rotations of the input, hoisted) and giants (rotations of partial sums) are
 * cheapest together. Works on multiples of a common stride, so block-structured matrices keep few rotations.
 * Halevi and Shoup 2018 (eprint 2018/244), section 4.
 */
export function planLinear(rotations: readonly number[], slots: number): LinearPlan {
  const wanted = [...new Set(rotations.map((r) => ((r % slots) + slots) % slots))].sort((a, b) => a - b)
  if (wanted.length === 0) return { babies: [], giants: [] }
  let stride = slots
  for (const r of wanted) stride = gcd(stride, r)
  let best: LinearPlan | undefined
  let bestCost = Infinity
  for (let width = stride; width <= slots; width *= 2) {
    const babies = [...new Set(wanted.map((r) => r % width))].sort((a, b) => a - b)
    const giants = [...new Set(wanted.map((r) => r - (r % width)))].sort((a, b) => a - b)
    const cost = babyCost * babies.filter((r) => r !== 0).length + giants.filter((r) => r !== 0).length
    if (cost < bestCost) [best, bestCost] = [{ babies, giants }, cost]
  }
  return best!
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
