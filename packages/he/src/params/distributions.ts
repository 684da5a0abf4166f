/** Of a coefficient of a fresh error: centred binomial, k = 21, so that sigma = 3.24; see the kernel `sampleBinomial`. */
export const errorVariance: number = 10.5

/** Of a coefficient of a uniform ternary secret. */
export const secretVariance: number = 2 / 3
