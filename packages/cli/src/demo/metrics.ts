// Scores as scikit-learn defines them.

/** Share of answers that are right. */
export function accuracy(predicted: readonly unknown[], truth: readonly unknown[]): number {
  return predicted.filter((value, i) => value === truth[i]).length / truth.length
}

/** Area under the ROC curve: the chance that a positive scores above a negative; ties count half. Mann and Whitney 1947. */
export function auc(scores: readonly number[], positive: readonly boolean[]): number {
  const order = scores.map((_, i) => i).sort((a, b) => scores[a]! - scores[b]!)
  let [rankSum, positives] = [0, 0]
  for (let first = 0; first < order.length; ) {
    let end = first
    while (end < order.length && scores[order[end]!] === scores[order[first]!]) end++
    const rank = (first + 1 + end) / 2
    for (const i of order.slice(first, end)) {
      if (!positive[i]) continue
      rankSum += rank
      positives++
    }
    first = end
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (order.length - positives))
}

/** Pearson's correlation. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (x: readonly number[]): number => x.reduce((sum, v) => sum + v, 0) / x.length
  const [ma, mb] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  a.forEach((v, i) => {
    ab += (v - ma) * (b[i]! - mb)
    aa += (v - ma) ** 2
    bb += (b[i]! - mb) ** 2
  })
  return ab / Math.sqrt(aa * bb)
}

/** Root of the mean squared error. */
export function rmse(a: readonly number[], b: readonly number[]): number {
  return Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0) / a.length)
}

/** Mean absolute error. */
export function mae(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, v, i) => sum + Math.abs(v - b[i]!), 0) / a.length
}

/** Gini of events against exposure, by predicted rate: 0 where the order says nothing. Frees, Meyers and Cummings 2011. */
export function gini(rates: readonly number[], events: readonly number[], exposure: readonly number[]): number {
  const total = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0)
  const order = rates.map((_, i) => i).sort((a, b) => rates[a]! - rates[b]!)
  let [area, share] = [0, 0]
  for (const i of order) {
    area += exposure[i]! * (share + events[i]! / 2)
    share += events[i]!
  }
  return 1 - (2 * area) / (total(events) * total(exposure))
}
