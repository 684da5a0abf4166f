/** ln Γ(x) for x > 0: Lanczos 1964, with the nine coefficients for g = 7; 15 digits. */
function logGamma(x: number): number {
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ]
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  let sum = 0.9999999999998099
  for (const [i, c] of coefficients.entries()) sum += c / (x + i)
  const t = x + 6.5
  return Math.log(Math.sqrt(2 * Math.PI) * sum) + (x - 0.5) * Math.log(t) - t
}

/** Q(a, x), the upper incomplete gamma function over Γ(a): by its series below the mean, by continued fraction above. */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a))
  if (x < a + 1) {
    let term = 1 / a
    let sum = term
    for (let k = 1; term > sum * 1e-16; k++) {
      term *= x / (a + k)
      sum += term
    }
    return 1 - scale * sum
  }
  // Lentz: 1/(x+1-a- 1(1-a)/(x+3-a- 2(2-a)/(x+5-a- ...))).
  let b = x + 1 - a
  let c = 1e300
  let d = 1 / b
  let h = d
  for (let k = 1; k < 10_000; k++) {
    const factor = -k * (k - a)
    b += 2
    d = 1 / (factor * d + b)
    c = b + factor / c
    const step = d * c
    h *= step
    if (Math.abs(step - 1) < 1e-16) break
  }
  return scale * h
}

/** The probability that counts of these expectations are as far off or farther: Pearson's chi-square; cells expected below ten are one. */
export function chiSquare(counts: ArrayLike<number>, expected: ArrayLike<number>): number {
  let sum = 0
  let cells = 0
  let [rare, rareExpected] = [0, 0]
  for (let i = 0; i < counts.length; i++) {
    if (expected[i]! < 10) {
      rare += counts[i]!
      rareExpected += expected[i]!
    } else {
      sum += (counts[i]! - expected[i]!) ** 2 / expected[i]!
      cells++
    }
  }
  if (rareExpected >= 1) {
    sum += (rare - rareExpected) ** 2 / rareExpected
    cells++
  } else if (rare > 0 && rareExpected < 1e-12) return 0
  return upperGamma((cells - 1) / 2, sum / 2)
}

/** The probability that a normal number is as far or farther from 0, to either side. */
export function normal(deviations: number): number {
  return upperGamma(0.5, deviations ** 2 / 2)
}

/** The probability that a Poisson number of this mean is as far or farther, to the side where the count lies, twice. */
export function poisson(count: number, mean: number): number {
  const atLeast = count === 0 ? 1 : 1 - upperGamma(count, mean)
  const atMost = upperGamma(count + 1, mean)
  return Math.min(1, 2 * Math.min(atLeast, atMost))
}
